package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/ostraka-db/ostraka/replication"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// position is a place in the log. The next one after the end of a segment is in
// another segment, with a higher number.
type position struct {
	segment uint64
	offset  int64
}

// key is what marks and frames of one segment are told by. It comes from the
// directory's incarnation, which nobody outside the server knows, and from the
// segment's number, which is never used twice: neither bytes that a client
// stored, nor a record of another directory or another segment, pass for a
// record here.
type key struct {
	// seal and tag begin each mark and each frame, so that they are found among
	// damaged bytes.
	seal [8]byte
	tag  [4]byte
	seed uint32
}

func newKey(incarnation replication.Incarnation, segment uint64) key {
	var k key
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(incarnation))
	binary.LittleEndian.PutUint64(b[8:], segment)
	k.seed = crc32.Checksum(b[:], castagnoli)
	first := mix(uint64(incarnation) + segment*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(k.seal[:], first)
	binary.LittleEndian.PutUint32(k.tag[:], uint32(mix(first)))
	return k
}

// mix is the finalizer of SplitMix64: each bit of what goes in changes about
// half of those that come out.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// checksum is of bytes that belong to something at an offset of the segment, so
// that the same bytes elsewhere have another.
func (k *key) checksum(at int64, b []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(at))
	return crc32.Update(crc32.Update(k.seed, castagnoli, place[:]), castagnoli, b)
}

// checksum is of bytes that are no part of a segment's batches.
func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
