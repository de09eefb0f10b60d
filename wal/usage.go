package wal

import (
	"cmp"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Usage is what a log takes, and what holds it.
type Usage struct {
	// Bytes are about those that all segments take on disk.
	Bytes int64
	// IndexBytes are about those of memory that say where entries are.
	IndexBytes int64
	// Segments are by number, the oldest first.
	Segments []SegmentUsage
	// Shards are those that hold entries in files, by shard.
	Shards []ShardUsage
}

// SegmentUsage is what one segment takes.
type SegmentUsage struct {
	Number uint64
	Bytes  int64
	// Live are the bytes of the frames with entries that are in a shard's log.
	Live int64
	// Begun is the wall clock at its first batch, in milliseconds since the Unix
	// epoch. It ended when the next one began.
	Begun int64
}

// ShardUsage is what one shard holds.
type ShardUsage struct {
	Shard      replication.ShardID
	Base, Head replication.EntryID
	// Bytes are those of the frames with its entries.
	Bytes int64
	// Holds are the segments that its entries are in, by number.
	Holds []Hold
}

// Hold says that a segment stays until a shard's log is trimmed up to an offset.
type Hold struct {
	Segment uint64
	To      replication.Offset
	Bytes   int64
}

// Usage tells what the log takes. It looks at every point of the index, so it is
// not for every step.
func (l *Log) Usage() Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := Usage{Bytes: l.bytes()}
	for _, s := range l.segments {
		u.Segments = append(u.Segments, SegmentUsage{
			Number: s.number, Bytes: l.room(s), Live: s.live, Begun: int64(s.begun),
		})
	}
	for _, s := range l.shards {
		if len(s.index.points) > 0 {
			u.Shards = append(u.Shards, s.usage())
			u.IndexBytes += int64(len(s.index.points)) * pointBytes
		}
	}
	return u
}

func (s *shardLog) usage() ShardUsage {
	u := ShardUsage{Shard: s.id, Base: s.now.history.Base(), Head: s.now.history.Head()}
	for i := range s.index.points {
		p := &s.index.points[i]
		u.Bytes += p.bytes
		at, found := slices.BinarySearchFunc(u.Holds, p.segment.number, func(h Hold, n uint64) int {
			return cmp.Compare(h.Segment, n)
		})
		if !found {
			u.Holds = slices.Insert(u.Holds, at, Hold{Segment: p.segment.number})
		}
		u.Holds[at].To = max(u.Holds[at].To, p.last)
		u.Holds[at].Bytes += p.bytes
	}
	return u
}
