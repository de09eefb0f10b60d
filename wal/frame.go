package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	// frameHeaderBytes are a checksum and a length, four bytes each.
	frameHeaderBytes = 8
	// maxBodyBytes bounds a record. Nothing that the core asks for comes near.
	maxBodyBytes = 1 << 30
	// markBodyBytes is the length of every mark: its kind and a position.
	markBodyBytes = 9
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// framer frames records for one directory. Checksums begin with its incarnation,
// which nobody outside the server knows: neither a record of another directory
// nor bytes that a client stored can pass for a record here.
type framer struct{ seed uint32 }

func newFramer(incarnation replication.Incarnation) framer {
	return framer{seed: crc32.Checksum(binary.LittleEndian.AppendUint64(nil, uint64(incarnation)), castagnoli)}
}

// appendFrame appends a record whose body is written by the function given.
func (f framer) appendFrame(b []byte, body func([]byte) []byte) []byte {
	start := len(b)
	b = body(append(b, make([]byte, frameHeaderBytes)...))
	framed := b[start:]
	binary.LittleEndian.PutUint32(framed[4:], uint32(len(framed)-frameHeaderBytes))
	binary.LittleEndian.PutUint32(framed, f.checksum(framed))
	return b
}

// checksum covers a frame's length and body.
func (f framer) checksum(framed []byte) uint32 {
	return crc32.Update(f.seed, castagnoli, framed[4:])
}

// body returns the body of the frame at the front of the bytes, if it is whole
// and unharmed.
func (f framer) body(b []byte) ([]byte, bool) {
	if len(b) < frameHeaderBytes {
		return nil, false
	}
	length := binary.LittleEndian.Uint32(b[4:])
	if length > maxBodyBytes || int(length) > len(b)-frameHeaderBytes {
		return nil, false
	}
	framed := b[:frameHeaderBytes+int(length)]
	if binary.LittleEndian.Uint32(framed) != f.checksum(framed) {
		return nil, false
	}
	return framed[frameHeaderBytes:], true
}

// syncedAfter looks through bytes whose framing was lost for marks, and returns
// the highest position that one of them calls synced.
func (f framer) syncedAfter(b []byte) int64 {
	highest := int64(0)
	for ; len(b) >= frameHeaderBytes+markBodyBytes; b = b[1:] {
		if b[4] != markBodyBytes || recordKind(b[frameHeaderBytes]) != recordMark {
			continue
		}
		if body, ok := f.body(b); ok {
			if rec, err := decodeRecord(body); err == nil {
				highest = max(highest, rec.synced)
			}
		}
	}
	return highest
}
