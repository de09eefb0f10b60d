package replicationtest

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// disk is one server's disk, with its log and what its state machine flushed:
// what was synced survives a crash, what was only submitted does not.
type disk struct {
	shards map[replication.ShardID]*diskShard
	// stuck keeps submissions from being synced.
	stuck bool
}

// diskShard is one shard's part: record, log and flushed are durable, current is
// the log with what is not yet synced. The two share no memory.
type diskShard struct {
	record  replication.TermRecord
	log     diskLog
	current diskLog
	flushed state
	pending []replication.LogOp
	reads   []diskRead
	// rotten is the offset of an entry that cannot be read back, zero if there is
	// none. hurt is set when the disk lost something that it had synced.
	rotten replication.Offset
	hurt   bool
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
	s.current.carryOut(op)
	s.outlived()
}

// outlived forgets a rotten entry that is not in the log any more.
func (s *diskShard) outlived() {
	if s.rotten <= s.current.base.Offset || s.rotten > s.current.head().Offset {
		s.rotten = 0
	}
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
		if op.Kind == replication.OpTerm || op.Kind == replication.OpDelete {
			s.record = op.Record
		}
		s.log.carryOut(op)
	}
	return done
}

// crash loses what was not synced.
func (d *disk) crash() {
	for _, s := range d.shards {
		s.pending, s.reads = nil, nil
		s.current = s.log.clone()
	}
}

// recover is what a restarted server finds, settled, and the operation that was
// needed for that, if any.
func (s *diskShard) recover() (replication.Recovered, *replication.LogOp) {
	if s.record.Replica == 0 {
		// A state without a replica is what a deletion did not come to.
		s.flushed = state{}
		return replication.Recovered{}, nil
	}
	s.outlived()
	found, op := replication.Recovered{
		Record: s.record, History: s.log.history(), Applied: s.flushed.last, Damaged: s.rotten,
	}.Settle()
	if op != nil {
		s.log.carryOut(*op)
		s.current = s.log.clone()
		s.outlived()
	}
	return found, op
}

// durable is the last offset that a crash would leave, be it in the log or in
// the state alone.
func (s *diskShard) durable() replication.Offset {
	if id, held := s.log.at(s.flushed.last.Offset); held && id == s.flushed.last || s.flushed.last.Offset < s.log.base.Offset {
		return s.log.head().Offset
	}
	return s.flushed.last.Offset
}
