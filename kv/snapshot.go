package kv

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"
)

// SnapshotPart is a run of bytes out of the stream that a shard's snapshot is.
// The stream is the same, byte for byte, wherever a shard in the same state is
// exported; how it is cut into parts is up to whoever asks. FORMAT.md has it.
type SnapshotPart struct {
	// Last is the entry that the snapshot stands at.
	Last EntryID
	// Position is where in the stream, in bytes from 0, the part begins.
	Position int64
	// Data is not empty.
	Data []byte
	// Final says that the stream ends where the part does.
	Final bool
}

// SnapshotError says that a part of a snapshot was not taken, or cannot be made.
// The shard is as it was.
type SnapshotError struct {
	Shard ShardID
	Last  EntryID
	// Position is where in the stream the trouble is.
	Position int64
	Detail   string
}

func (e *SnapshotError) Error() string {
	return fmt.Sprintf("shard %d: snapshot at entry %s: at byte %d: %s", e.Shard, e.Last, e.Position, e.Detail)
}

const (
	blockVersion = 1
	// blockContents is the length of the contents of every block but the last.
	blockContents = 64 << 10
	// blockHeaderBytes is the length of version, flags, length and checksum, and
	// blockSummedBytes that of those before the checksum.
	blockHeaderBytes = 1 + 1 + 4 + 8
	blockSummedBytes = 1 + 1 + 4
	// blockBytes is the length of every block but the last.
	blockBytes = blockHeaderBytes + blockContents

	flagLast byte = 1 << 0
)

// block is a decoded block of the stream.
type block struct {
	contents []byte
	last     bool
}

// appendBlock appends the block at a position of the stream, with up to
// blockContents bytes of contents.
func appendBlock(dst []byte, snapshot EntryID, position int64, b block) []byte {
	var flags byte
	if b.last {
		flags |= flagLast
	}
	start := len(dst)
	dst = append(dst, blockVersion, flags)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b.contents)))
	sum := blockChecksum(snapshot, position, dst[start:], b.contents)
	dst = binary.BigEndian.AppendUint64(dst, sum)
	return append(dst, b.contents...)
}

// blockChecksum covers where a block belongs, too: blocks of two snapshots, or of
// two places of one, cannot be taken for each other.
func blockChecksum(snapshot EntryID, position int64, header, contents []byte) uint64 {
	var place [24]byte
	binary.BigEndian.PutUint64(place[:], uint64(snapshot.Term))
	binary.BigEndian.PutUint64(place[8:], uint64(snapshot.Offset))
	binary.BigEndian.PutUint64(place[16:], uint64(position))
	hasher := xxh3.New()
	_, _ = hasher.Write(place[:])
	_, _ = hasher.Write(header)
	_, _ = hasher.Write(contents)
	return hasher.Sum64()
}

var (
	errBlockFlags    = errors.New("unknown block flags")
	errBlockLength   = errors.New("impossible length of a block")
	errBlockChecksum = errors.New("wrong checksum of a block")
)

// decodeBlock reads the block at the front of the bytes, which are those at a
// position of a snapshot's stream, and returns its length. The length is zero if
// more bytes are needed. The contents are a part of b, not a copy.
func decodeBlock(b []byte, snapshot EntryID, position int64) (block, int, error) {
	if len(b) > 0 && b[0] != blockVersion {
		return block{}, 0, fmt.Errorf("unknown format version %d of a block; upgrade the server", b[0])
	}
	if len(b) < blockHeaderBytes {
		return block{}, 0, nil
	}
	flags, n := b[1], binary.BigEndian.Uint32(b[2:])
	if flags&^flagLast != 0 {
		return block{}, 0, errBlockFlags
	}
	last := flags&flagLast != 0
	if n == 0 || n > blockContents || (!last && n != blockContents) {
		return block{}, 0, errBlockLength
	}
	length := blockHeaderBytes + int(n)
	if len(b) < length {
		return block{}, 0, nil
	}
	contents := b[blockHeaderBytes:length]
	if binary.BigEndian.Uint64(b[blockSummedBytes:]) != blockChecksum(snapshot, position, b[:blockSummedBytes], contents) {
		return block{}, 0, errBlockChecksum
	}
	return block{contents: contents, last: last}, length, nil
}

const (
	// rowHeaderBytes are the lengths of key and value.
	rowHeaderBytes = 4 + 4
	// maxRowBytes bounds a row that is imported. No entry that a log takes makes a
	// longer one.
	maxRowBytes = 1 << 30
)

// appendRow appends a row as it is in the contents: its key without the shard id.
func appendRow(dst, key, value []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(key)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(append(dst, key...), value...)
}

var errRowLength = errors.New("impossible length of a row")

// decodeRow reads the row at the front of the bytes, and returns its length,
// which is zero if more bytes are needed. Key and value are parts of b.
func decodeRow(b []byte) (key, value []byte, length int, err error) {
	if len(b) < rowHeaderBytes {
		return nil, nil, 0, nil
	}
	k, v := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if k == 0 || k+v > maxRowBytes {
		return nil, nil, 0, errRowLength
	}
	if uint64(len(b)-rowHeaderBytes) < k+v {
		return nil, nil, 0, nil
	}
	rest := b[rowHeaderBytes:]
	return rest[:k], rest[k : k+v], rowHeaderBytes + int(k+v), nil
}
