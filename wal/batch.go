package wal

import (
	"bytes"
	"encoding/binary"

	"github.com/ostraka-db/ostraka/replication"
)

// markBytes are a mark's seal (8), its checksum, its length, that of the batch,
// and the number of frames, four bytes each. Fields follow.
const markBytes = 24

// mark begins each batch. That it is there says that every batch before it was
// synced, for it was not written before.
type mark struct {
	// number counts batches, over all segments.
	number uint64
	// run is that of the process that wrote it.
	run replication.RunID
	// synced is the position up to which everything was synced: the end of the
	// batch before.
	synced position
	// origin is where the segment before this one ends. What it has after that is
	// no part of the log: a write there failed, or was torn.
	origin position
	// time is the wall clock, in milliseconds since the Unix epoch.
	time uint64
	// doubtful says that the log has lost nobody knows which shards' batches.
	doubtful bool
	// before are the shards that the batch before touched, and what they came to.
	before []vouched

	// length is of the whole batch, frames its number of frames.
	length, frames uint32
	// size is the mark's own length.
	size int64
}

// vouched is what a shard's records came to.
type vouched struct {
	shard replication.ShardID
	link  link
}

// appendMark appends a mark whose length and number of frames finishMark sets.
func (k *key) appendMark(b []byte, m *mark) []byte {
	start := len(b)
	b = appendMarkFields(append(b, make([]byte, markBytes)...), m)
	copy(b[start:], k.seal[:])
	binary.LittleEndian.PutUint32(b[start+12:], uint32(len(b)-start))
	return b
}

func appendMarkFields(b []byte, m *mark) []byte {
	b = appendField(appendField(b, m.number), uint64(m.run))
	b = appendField(appendField(b, m.synced.segment), m.synced.offset)
	b = appendField(appendField(b, m.origin.segment), m.origin.offset)
	b = appendField(b, m.time)
	b = appendField(b, boolField(m.doubtful))
	b = appendField(b, uint64(len(m.before)))
	for _, v := range m.before {
		b = appendLink(appendField(b, v.shard), v.link)
	}
	return b
}

// decodeMark reads a mark's fields.
func decodeMark(fields []byte) (mark, bool) {
	c := cursor{rest: fields}
	m := mark{number: c.uint(), run: replication.RunID(c.uint())}
	m.synced = position{c.uint(), int64(c.uint())}
	m.origin = position{c.uint(), int64(c.uint())}
	m.time = c.uint()
	m.doubtful = c.bool()
	for n := c.uint(); n > 0 && !c.bad; n-- {
		m.before = append(m.before, vouched{replication.ShardID(c.uint()), c.link()})
	}
	return m, c.ended()
}

// finishMark completes the mark at the front of a whole batch at an offset.
func (k *key) finishMark(batch []byte, at int64, frames int) {
	size := binary.LittleEndian.Uint32(batch[12:])
	binary.LittleEndian.PutUint32(batch[16:], uint32(len(batch)))
	binary.LittleEndian.PutUint32(batch[20:], uint32(frames))
	binary.LittleEndian.PutUint32(batch[8:], k.checksum(at, batch[12:size]))
}

// markAt returns the mark at the front of the bytes, which are at an offset of the
// segment.
func (k *key) markAt(b []byte, at int64) (mark, bool) {
	if len(b) < markBytes || !bytes.Equal(b[:8], k.seal[:]) {
		return mark{}, false
	}
	size := int64(binary.LittleEndian.Uint32(b[12:]))
	if size < markBytes || size > int64(len(b)) ||
		binary.LittleEndian.Uint32(b[8:]) != k.checksum(at, b[12:size]) {
		return mark{}, false
	}
	m, ok := decodeMark(b[markBytes:size])
	m.size = size
	m.length, m.frames = binary.LittleEndian.Uint32(b[16:]), binary.LittleEndian.Uint32(b[20:])
	return m, ok && int64(m.length) >= size
}

// foundBatch is a batch whose mark was found.
type foundBatch struct {
	mark
	segment *segment
	at      int64
	// content is what there is of the frames' bytes.
	content []byte
}

// batches yields the batches of a segment's content, looking beyond what is
// damaged.
func (s *segment) batches(content []byte, yield func(foundBatch)) {
	for at := int64(0); at < int64(len(content)); {
		next := bytes.Index(content[at:], s.key.seal[:])
		if next < 0 {
			s.beyond = s.key.anyFrame(content[at:], at)
			return
		}
		at += int64(next)
		m, ok := s.key.markAt(content[at:], at)
		if !ok {
			at++
			continue
		}
		end := min(at+int64(m.length), int64(len(content)))
		yield(foundBatch{mark: m, segment: s, at: at, content: content[at+m.size : end]})
		at = end
	}
}

// whole reports whether nothing of a batch is missing or damaged.
func (b *foundBatch) whole() bool {
	intact := uint32(0)
	at, size := b.at+b.size, int64(0)
	b.segment.key.frames(b.content, at, func(f frame) bool {
		if f.body != nil {
			intact++
			size += f.size
		}
		return true
	})
	return intact == b.frames && size+b.mark.size == int64(b.length)
}
