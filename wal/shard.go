package wal

import (
	"cmp"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// shardLog is what the log holds of one shard.
type shardLog struct {
	id replication.ShardID
	// now counts everything submitted; the log's lock guards it and what follows.
	now ledger
	// tail are the newest entries, up to the head.
	tail  []cachedEntry
	index index
	// submitted is the sequence of the newest operation.
	submitted uint64

	// disk counts what was put into batches. It is Sync's, and recovery's.
	disk ledger
	// doubt says, in recovery, that records may have been lost of which nothing was
	// found yet.
	doubt bool
	// suspect says, in recovery, that records were lost, so that the index may cover
	// entries that were dropped since.
	suspect bool
}

// firstKept is the offset of the first entry that is cached, or one after the head.
func (s *shardLog) firstKept() replication.Offset {
	return s.now.history.Head().Offset - replication.Offset(len(s.tail)) + 1
}

// submit makes the effect of an operation on what is known of the shard in memory.
func (s *shardLog) submit(c *cache, op replication.LogOp) {
	s.now.apply(op)
	switch op.Kind {
	case replication.OpAppend:
		c.keep(s, op.Entries)
	case replication.OpTruncate:
		c.forgetAfter(s, op.Truncate)
	case replication.OpReset, replication.OpDelete:
		c.forget(s, 0, len(s.tail))
	case replication.OpTrim:
		c.forgetUpTo(s, op.Base.Offset)
	}
}

// note makes the effect of an operation that is on disk, on the index.
func (s *shardLog) note(r *record, at place) {
	switch r.kind {
	case recordAppend:
		if n := len(s.index.points); n > 0 && s.index.points[n-1].last >= r.first {
			s.index.truncate(r.first - 1)
		}
		if r.last() >= r.first {
			s.index.put(r.first, r.last(), at)
		}
	case recordTruncate:
		s.index.truncate(r.op.Truncate)
	case recordReset, recordDelete:
		s.index.truncate(0)
	case recordTrim:
		s.index.trim(r.op.Base.Offset)
	}
}

// shard returns what is held of a shard, which is nothing at first.
func (l *Log) shard(id replication.ShardID) *shardLog {
	i, found := slices.BinarySearchFunc(l.shards, id, func(s *shardLog, id replication.ShardID) int {
		return cmp.Compare(s.id, id)
	})
	if !found {
		l.shards = slices.Insert(l.shards, i, &shardLog{id: id, index: index{every: l.options.IndexEveryBytes}})
	}
	return l.shards[i]
}
