package kv

import (
	"encoding/binary"
	"unicode/utf8"
)

// fields reads the fields of a row or of a body, one after another. After an error, the
// first of which it keeps, every field is empty.
type fields struct {
	rest []byte
	err  error
}

// appendText appends a text as fields.text reads it.
func appendText(dst []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(text))), text...)
}

// take returns the next n bytes. They are a part of what is read, not a copy.
func (f *fields) take(n uint64) []byte {
	if f.err == nil && n > uint64(len(f.rest)) {
		f.err = errRecordShort
	}
	if f.err != nil {
		f.rest = nil
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) uint32() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) uint64() uint64 {
	if b := f.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text reads what appendText wrote. No request holds a text that is not UTF-8, and no
// answer could.
func (f *fields) text() string {
	text := string(f.take(uint64(f.uint32())))
	if f.err == nil && !utf8.ValidString(text) {
		f.err = errRecordText
	}
	return text
}

// indexEntries reads the entries of a record in indexes, which are ascending and at
// least one.
func (f *fields) indexEntries() []indexEntry {
	n := f.uint32()
	var entries []indexEntry
	for range n {
		e := indexEntry{index: f.text(), key: f.text()}
		if f.err == nil && len(entries) > 0 && entries[len(entries)-1].compare(e) >= 0 {
			f.err = errRecordIndexes
		}
		if f.err != nil {
			return nil
		}
		entries = append(entries, e)
	}
	if n == 0 && f.err == nil {
		f.err = errRecordIndexes
	}
	return entries
}
