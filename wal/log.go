package wal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Log is a server's log. It implements replication.Log; Sync and Reads are its
// driver's.
type Log struct {
	dir         *directory
	file        *os.File
	framer      framer
	shards      []*shardLog
	incarnation replication.Incarnation
	run         replication.RunID

	// queued are framed operations that wait for a Sync.
	queued []byte
	// synced is the length of the file, all of which is synced.
	synced int64
	reads  []ReadAnswer
	failed error
}

var _ replication.Log = (*Log)(nil)

// Durable says that a shard's operations up to a sequence are durable.
type Durable struct {
	Shard    replication.ShardID
	Sequence uint64
}

// ReadAnswer is what came of a Read.
type ReadAnswer struct {
	Shard replication.ShardID
	Read  replication.EntriesRead
}

// Recovered is what the log held of a shard when it was opened.
type Recovered struct {
	Shard   replication.ShardID
	Record  replication.TermRecord
	History replication.History
	// Entries are those above the history's base.
	Entries []replication.Entry
}

// ErrClosed is what a closed log answers.
var ErrClosed = errors.New("the log is closed")

// Incarnation is the directory's, drawn when it was formatted.
func (l *Log) Incarnation() replication.Incarnation { return l.incarnation }

// Run numbers this opening of the directory, above all earlier ones.
func (l *Log) Run() replication.RunID { return l.run }

// Recovered returns what the log holds of each shard, by shard.
func (l *Log) Recovered() []Recovered {
	found := make([]Recovered, len(l.shards))
	for i, s := range l.shards {
		found[i] = Recovered{
			Shard: s.id, Record: s.record, History: s.history.Clone(), Entries: slices.Clip(s.entries),
		}
	}
	return found
}

// Submit queues an operation for the next Sync.
func (l *Log) Submit(shard replication.ShardID, op replication.LogOp) {
	s := l.shard(shard)
	if op.Sequence <= s.submitted {
		panic(fmt.Sprintf("wal: shard %d: operation %d after %d", shard, op.Sequence, s.submitted))
	}
	if err := s.check(op); err != nil {
		panic(fmt.Sprintf("wal: %v", err))
	}
	s.apply(op)
	s.submitted = op.Sequence
	l.queued = l.framer.appendFrame(l.queued, func(b []byte) []byte { return appendOp(b, shard, op) })
}

// Queued reports whether operations wait for a Sync.
func (l *Log) Queued() bool { return len(l.queued) > 0 }

// Sync makes everything that was submitted durable, and reports what became so
// since the last time, by shard. An error is final: nothing more will be
// written, and the process should end.
func (l *Log) Sync() ([]Durable, error) {
	if l.failed != nil || !l.Queued() {
		return nil, l.failed
	}
	batch := l.framer.appendFrame(nil, func(b []byte) []byte { return appendMark(b, l.synced) })
	batch = append(batch, l.queued...)
	if err := l.write(batch); err != nil {
		l.failed = fmt.Errorf("write the log %s at %d: %w", l.file.Name(), l.synced, err)
		return nil, l.failed
	}
	l.synced += int64(len(batch))
	l.queued = l.queued[:0]
	var durable []Durable
	for _, s := range l.shards {
		if s.submitted > s.reported {
			s.reported = s.submitted
			durable = append(durable, Durable{Shard: s.id, Sequence: s.reported})
		}
	}
	return durable, nil
}

func (l *Log) write(batch []byte) error {
	if _, err := l.file.WriteAt(batch, l.synced); err != nil {
		return err
	}
	return syncData(l.file)
}

// Read asks for entries. The answer is among the next Reads.
func (l *Log) Read(shard replication.ShardID, id replication.ReadID, first replication.Offset, maxBytes int) {
	l.reads = append(l.reads, ReadAnswer{
		Shard: shard,
		Read:  replication.EntriesRead{ID: id, Entries: l.shard(shard).read(first, maxBytes)},
	})
}

// Reads returns the answers since the last call.
func (l *Log) Reads() []ReadAnswer {
	reads := l.reads
	l.reads = nil
	return reads
}

// Close gives the directory back. What was not synced is dropped.
func (l *Log) Close() error {
	if errors.Is(l.failed, ErrClosed) {
		return nil
	}
	l.failed = ErrClosed
	if err := errors.Join(l.file.Close(), l.dir.close()); err != nil {
		return fmt.Errorf("close the log: %w", err)
	}
	return nil
}

// shard returns what is held of a shard, which is nothing at first.
func (l *Log) shard(id replication.ShardID) *shardLog {
	i, found := slices.BinarySearchFunc(l.shards, id, func(s *shardLog, id replication.ShardID) int {
		return cmp.Compare(s.id, id)
	})
	if !found {
		l.shards = slices.Insert(l.shards, i, &shardLog{id: id})
	}
	return l.shards[i]
}
