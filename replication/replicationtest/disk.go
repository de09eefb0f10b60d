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

type diskShard struct {
	record  replication.TermRecord
	entries []replication.Entry
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
		s.record, s.entries = applyOp(s.record, s.entries, op)
	}
	return done
}

// log is the log with what is not yet synced.
func (s *diskShard) log() []replication.Entry {
	entries := slices.Clone(s.entries)
	for _, op := range s.pending {
		_, entries = applyOp(s.record, entries, op)
	}
	return entries
}

func applyOp(record replication.TermRecord, entries []replication.Entry, op replication.LogOp) (replication.TermRecord, []replication.Entry) {
	switch op.Kind {
	case replication.OpTerm:
		record = op.Record
	case replication.OpAppend:
		if op.Entries[0].ID.Offset != replication.Offset(len(entries)+1) {
			panic(fmt.Sprintf("disk: append of %v after %d entries", op.Entries[0].ID, len(entries)))
		}
		entries = append(slices.Clip(entries), op.Entries...)
	case replication.OpTruncate:
		entries = entries[:op.Truncate]
	default:
		panic(fmt.Sprintf("disk: unexpected operation %v", op.Kind))
	}
	return record, entries
}

// read answers a question to the log.
func (s *diskShard) read(r diskRead) []replication.Entry {
	log := s.log()
	if int(r.first) > len(log) {
		return nil
	}
	bytes, last := 0, int(r.first)-1
	for last < len(log) && (bytes == 0 || bytes+len(log[last].Payload) <= r.maxBytes) {
		bytes += len(log[last].Payload) + 1
		last++
	}
	return log[r.first-1 : last]
}

// crash loses what was not synced.
func (d *disk) crash() {
	for _, s := range d.shards {
		s.pending, s.reads = nil, nil
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
