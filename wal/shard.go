package wal

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// shardLog is what the log holds of one shard, operations that wait included.
type shardLog struct {
	id      replication.ShardID
	record  replication.TermRecord
	history replication.History
	// entries are those above the history's base, in order.
	entries []replication.Entry
	// submitted is the sequence of the newest operation, reported that of the
	// newest one that a Sync reported.
	submitted, reported uint64
}

// entryOverhead is what an entry counts for beside its payload, when entries
// are read up to a limit of bytes.
const entryOverhead = 32

// check tells why an operation does not fit the log as it is.
func (s *shardLog) check(op replication.LogOp) error {
	switch op.Kind {
	case replication.OpAppend:
		head := s.history.Head()
		for _, e := range op.Entries {
			if e.ID.Offset != head.Offset+1 || e.ID.Term < head.Term {
				return fmt.Errorf("shard %d: entry %v is appended after %v", s.id, e.ID, head)
			}
			head = e.ID
		}
	case replication.OpTruncate:
		if _, known := s.history.TermAt(op.Truncate); !known {
			return fmt.Errorf("shard %d: truncated to %d, which is not in the log", s.id, op.Truncate)
		}
	case replication.OpReset:
		if op.Base.Offset < 0 || op.Base.Term < 0 {
			return fmt.Errorf("shard %d: reset to %v", s.id, op.Base)
		}
	}
	return nil
}

// apply makes the effect of an operation that fits.
func (s *shardLog) apply(op replication.LogOp) {
	switch op.Kind {
	case replication.OpTerm:
		s.record = op.Record
	case replication.OpAppend:
		for _, e := range op.Entries {
			s.history.Append(e.ID)
		}
		s.entries = append(s.entries, op.Entries...)
	case replication.OpTruncate:
		s.history.TruncateTo(op.Truncate)
		// What is appended next must not overwrite entries that were handed out.
		s.entries = slices.Clip(s.entries[:op.Truncate-s.history.Base().Offset])
	case replication.OpReset:
		s.history = replication.NewHistory(op.Base)
		s.entries = nil
	}
}

// read returns entries from an offset on, at least one if there is any, and not
// more than fit.
func (s *shardLog) read(first replication.Offset, maxBytes int) []replication.Entry {
	from := int(first - s.history.Base().Offset - 1)
	if from < 0 || from >= len(s.entries) {
		return nil
	}
	to, bytes := from, 0
	for to < len(s.entries) {
		bytes += len(s.entries[to].Payload) + entryOverhead
		if bytes > maxBytes && to > from {
			break
		}
		to++
	}
	return slices.Clip(s.entries[from:to])
}
