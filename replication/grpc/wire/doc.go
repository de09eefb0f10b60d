// Package wire writes and reads the frames of api/peer.proto: the core's envelopes
// as protocol buffers, without the generated code and what it allocates.
//
// # What the caller is promised
//
//  1. What is written and read again is the same envelope. An empty list or payload
//     is nil after that; the core does not tell the two apart.
//  2. The bytes are those of the messages of api/peer.proto: a test holds this
//     package against the generated code.
//  3. Reading never panics, whatever the bytes are, and allocates no more than a
//     small multiple of them. Bytes that are no frame are an error. What this release
//     does not know is passed over, and so is an envelope whose message is not
//     well-formed; the others of its frame are not harmed.
//  4. What was read shares no memory with the bytes that it was read from. The
//     payloads of one envelope share one allocation, so that an entry that is kept
//     keeps no more alive than its neighbours in that envelope.
//
// Who sends a frame, in which run, and to whom, is known of the link that it comes
// by ([Link]), and not in the frame.
//
// # Where things are
//
//	frame.go    envelopes and frames
//	message.go  which message has which number
//	fields.go   the fields of each message
//	coder.go    the three things that are done with fields: size, write, read
//
// Calls keep nothing, and any number may be made at the same time.
package wire
