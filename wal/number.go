package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// numberBytes is the length of a file that keeps one number: a header of 16
// bytes, the number, and a checksum of both.
const numberBytes = headerBytes + 8 + 4

func encodeNumber(header string, number uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte(header), number)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeNumber reads a number that is not zero.
func decodeNumber(header string, b []byte) (uint64, bool) {
	if len(b) != numberBytes || string(b[:headerBytes]) != header {
		return 0, false
	}
	signed := b[:numberBytes-4]
	number := binary.LittleEndian.Uint64(signed[headerBytes:])
	intact := binary.LittleEndian.Uint32(b[len(signed):]) == crc32.Checksum(signed, castagnoli)
	return number, intact && number != 0
}

// writeNumber replaces a file that keeps a number, so that a crash leaves the
// old one or the new one.
func (d *directory) writeNumber(name, header string, number uint64) error {
	final := filepath.Join(d.path, name)
	if err := writeFile(final+".new", encodeNumber(header, number)); err != nil {
		return fmt.Errorf("write %s: %w", final, err)
	}
	if err := os.Rename(final+".new", final); err != nil {
		return fmt.Errorf("write %s: %w", final, err)
	}
	if err := syncDirectory(d.path); err != nil {
		return fmt.Errorf("write %s: %w", final, err)
	}
	return nil
}
