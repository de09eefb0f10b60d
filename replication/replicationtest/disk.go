package replicationtest

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// disk is one server's log: what was synced survives a crash, what was only
// submitted does not.
type disk struct {
	shards map[replication.ShardID]*diskShard
	// stuck keeps submissions from being synced.
	stuck bool
}

// diskShard is one shard's part: record and entries are durable, current is the
// log with what is not yet synced. The two share no memory.
type diskShard struct {
	record  replication.TermRecord
	entries []replication.Entry
	current []replication.Entry
	applied replication.Offset
	pending []replication.LogOp
	reads   []diskRead
}

type diskRead struct {
	id       replication.ReadID
	first    replication.Offset
	maxBytes int
}

func newDisk() *disk { return &disk{shards: map[replication.ShardID]*diskShard{}} }

func (d *disk) shard(id replication.ShardID) *diskShard {
	if d.shards[id] == nil {
		d.shards[id] = &diskShard{}
	}
	return d.shards[id]
}

// Submit implements replication.Log.
func (d *disk) Submit(id replication.ShardID, op replication.LogOp) {
	s := d.shard(id)
	s.pending = append(s.pending, op)
	s.current = applyOp(s.current, op)
}

// Read implements replication.Log.
func (d *disk) Read(id replication.ShardID, read replication.ReadID, first replication.Offset, maxBytes int) {
	s := d.shard(id)
	s.reads = append(s.reads, diskRead{read, first, maxBytes})
}

// sync makes up to count pending operations of a shard durable, all if negative,
// and returns them.
func (s *diskShard) sync(count int) []replication.LogOp {
	if count < 0 || count > len(s.pending) {
		count = len(s.pending)
	}
	done := slices.Clone(s.pending[:count])
	s.pending = s.pending[count:]
	for _, op := range done {
		if op.Kind == replication.OpTerm {
			s.record = op.Record
		}
		s.entries = applyOp(s.entries, op)
	}
	return done
}

// applyOp does to a log what an operation says, in place.
func applyOp(entries []replication.Entry, op replication.LogOp) []replication.Entry {
	switch op.Kind {
	case replication.OpTerm:
	case replication.OpAppend:
		if op.Entries[0].ID.Offset != replication.Offset(len(entries)+1) {
			panic(fmt.Sprintf("disk: append of %v after %d entries", op.Entries[0].ID, len(entries)))
		}
		entries = append(entries, op.Entries...)
	case replication.OpTruncate:
		entries = entries[:op.Truncate]
	default:
		panic(fmt.Sprintf("disk: unexpected operation %v", op.Kind))
	}
	return entries
}

// read answers a question to the log.
func (s *diskShard) read(r diskRead) []replication.Entry {
	log := s.current
	if int(r.first) > len(log) {
		return nil
	}
	bytes, last := 0, int(r.first)-1
	for last < len(log) && (bytes == 0 || bytes+len(log[last].Payload) <= r.maxBytes) {
		bytes += len(log[last].Payload) + 1
		last++
	}
	return slices.Clone(log[r.first-1 : last])
}

// crash loses what was not synced.
func (d *disk) crash() {
	for _, s := range d.shards {
		s.pending, s.reads = nil, nil
		s.current = slices.Clone(s.entries)
	}
}

// recover is what a restarted server finds.
func (s *diskShard) recover() replication.Recovered {
	history := replication.NewHistory(replication.EntryID{})
	for _, e := range s.entries {
		history.Append(e.ID)
	}
	return replication.Recovered{Record: s.record, History: history, Applied: s.applied}
}
