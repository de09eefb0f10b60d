package wal

import (
	"bytes"
	"encoding/binary"
)

// frameBytes are a frame's tag, the checksum of its fields, their length, the
// length of the body and its checksum, four bytes each. Fields and body follow.
const frameBytes = 20

// frame is a record where it was found.
type frame struct {
	record
	at int64
	// size is what the frame takes, body included.
	size int64
	// body is nil if it is damaged.
	body []byte
}

// appendFrame appends a record, and the body that a function appends, to bytes
// that begin at an offset of the segment.
func (k *key) appendFrame(b []byte, begin int64, r *record, body func([]byte) []byte) []byte {
	start := len(b)
	at := begin + int64(start)
	b = appendRecord(append(b, make([]byte, frameBytes)...), r)
	split := len(b)
	if body != nil {
		b = body(b)
	}
	head := b[start:]
	copy(head, k.tag[:])
	binary.LittleEndian.PutUint32(head[8:], uint32(split-start-frameBytes))
	binary.LittleEndian.PutUint32(head[12:], uint32(len(b)-split))
	binary.LittleEndian.PutUint32(head[16:], k.checksum(at, b[split:]))
	binary.LittleEndian.PutUint32(head[4:], k.checksum(at, b[start+8:split]))
	return b
}

// frameAt returns the frame at the front of the bytes, which are at an offset of
// the segment, if all of it is there and its fields are not damaged.
func (k *key) frameAt(b []byte, at int64) (frame, bool) {
	if len(b) < frameBytes || !bytes.Equal(b[:4], k.tag[:]) {
		return frame{}, false
	}
	fields := int64(binary.LittleEndian.Uint32(b[8:]))
	length := int64(binary.LittleEndian.Uint32(b[12:]))
	if frameBytes+fields+length > int64(len(b)) {
		return frame{}, false
	}
	head := b[:frameBytes+fields]
	if binary.LittleEndian.Uint32(head[4:]) != k.checksum(at, head[8:]) {
		return frame{}, false
	}
	r, err := decodeRecord(head[frameBytes:])
	if err != nil {
		return frame{}, false
	}
	f := frame{record: r, at: at, size: frameBytes + fields + length}
	if body := b[len(head):f.size]; binary.LittleEndian.Uint32(head[16:]) == k.checksum(at, body) {
		f.body = body
	}
	return f, true
}

// anyFrame reports whether there is a frame among bytes.
func (k *key) anyFrame(b []byte, at int64) bool {
	found := false
	k.frames(b, at, func(frame) bool {
		found = true
		return false
	})
	return found
}

// frames yields the frames among bytes that are at an offset of the segment. What
// is between them, damaged frames and marks, it passes over.
func (k *key) frames(b []byte, at int64, yield func(frame) bool) {
	for len(b) > 0 {
		f, ok := k.frameAt(b, at)
		skip := f.size
		if ok {
			if !yield(f) {
				return
			}
		} else {
			next := bytes.Index(b[1:], k.tag[:])
			if next < 0 {
				return
			}
			skip = int64(next) + 1
		}
		b, at = b[skip:], at+skip
	}
}
