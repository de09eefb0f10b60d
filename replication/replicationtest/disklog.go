package replicationtest

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// diskLog is a shard's log: the entries after base, in order.
type diskLog struct {
	base    replication.EntryID
	entries []replication.Entry
}

func (l *diskLog) head() replication.EntryID {
	if len(l.entries) == 0 {
		return l.base
	}
	return l.entries[len(l.entries)-1].ID
}

// at returns the id of the entry at an offset, and whether the log knows it.
func (l *diskLog) at(o replication.Offset) (replication.EntryID, bool) {
	switch {
	case o == l.base.Offset:
		return l.base, true
	case o < l.base.Offset || o > l.head().Offset:
		return replication.EntryID{}, false
	}
	return l.entries[o-l.base.Offset-1].ID, true
}

// after returns the entries above an offset.
func (l *diskLog) after(o replication.Offset) []replication.Entry {
	return l.entries[min(max(0, int(o-l.base.Offset)), len(l.entries)):]
}

func (l *diskLog) clone() diskLog { return diskLog{l.base, slices.Clone(l.entries)} }

func (l *diskLog) history() replication.History {
	history := replication.NewHistory(l.base)
	for _, e := range l.entries {
		history.Append(e.ID)
	}
	return history
}

// carryOut does to the log what an operation says, in place.
func (l *diskLog) carryOut(op replication.LogOp) {
	switch op.Kind {
	case replication.OpTerm:
	case replication.OpAppend:
		if op.Entries[0].ID.Offset != l.head().Offset+1 {
			panic(fmt.Sprintf("disk: append of %v after %v", op.Entries[0].ID, l.head()))
		}
		l.entries = append(l.entries, op.Entries...)
	case replication.OpTruncate:
		l.entries = l.entries[:op.Truncate-l.base.Offset]
	case replication.OpReset:
		l.base, l.entries = op.Base, nil
	case replication.OpTrim:
		if id, held := l.at(op.Base.Offset); !held || id != op.Base {
			panic(fmt.Sprintf("disk: trim to %v, which is not in the log after %v", op.Base, l.base))
		}
		l.base, l.entries = op.Base, slices.Clone(l.after(op.Base.Offset))
	case replication.OpDelete:
		*l = diskLog{}
	default:
		panic(fmt.Sprintf("disk: unexpected operation %v", op.Kind))
	}
}

// read answers a question to the log.
func (s *diskShard) read(r diskRead) replication.EntriesRead {
	answer := replication.EntriesRead{ID: r.id}
	if r.first <= s.current.base.Offset {
		return answer
	}
	log := s.current.after(r.first - 1)
	bytes, last := 0, 0
	for last < len(log) && (bytes == 0 || bytes+len(log[last].Payload) <= r.maxBytes) {
		if log[last].ID.Offset == s.rotten {
			answer.Damaged = s.rotten
			break
		}
		bytes += len(log[last].Payload) + 1
		last++
	}
	answer.Entries = slices.Clone(log[:last])
	return answer
}
