package wal

import (
	"encoding/binary"
	"fmt"
)

// numberBytes is the length of a file that keeps one number: a header of 16
// bytes, the number, and a checksum of both.
const numberBytes = headerBytes + 8 + 4

func encodeNumber(header string, number uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte(header), number)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// decodeNumber reads a number that is not zero.
func decodeNumber(header string, b []byte) (uint64, bool) {
	if len(b) != numberBytes || string(b[:headerBytes]) != header {
		return 0, false
	}
	signed := b[:numberBytes-4]
	number := binary.LittleEndian.Uint64(signed[headerBytes:])
	intact := binary.LittleEndian.Uint32(b[len(signed):]) == checksum(signed)
	return number, intact && number != 0
}

// writeNumber replaces a file that keeps a number.
func (d *directory) writeNumber(name, header string, number uint64) error {
	if err := d.replaceFile(name, encodeNumber(header, number)); err != nil {
		return fmt.Errorf("write %s: %w", d.file(name), err)
	}
	return nil
}
