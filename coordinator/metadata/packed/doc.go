// Package packed is many documents as one text, for metadata providers that store them
// so: readable, one document a line, with a checksum.
//
//	{"format":1,"checksum":"0123abcd","documents":{
//	"key":{"version":3,"value":...},
//	"other":{"version":1,"value":...}
//	}}
//
// A provider may put a header of its own between the checksum and the documents
// ("header":{...},). The checksum is the CRC-32 (Castagnoli) of the header's text and
// that of the documents, each from its first brace to its last. It may be left out, by
// whoever has to edit the text.
//
// Parse takes nothing for whole that is not: a text that was cut off, has another bit
// anywhere, or is of another format is refused, with the reason. A State is not safe for
// concurrent use while it is changed; what was handed out is never changed.
package packed
