package wal

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ostraka-db/ostraka/replication"
)

// Log is a server's log. It implements replication.Log; Sync and Reads are its
// driver's.
type Log struct {
	options     Options
	incarnation replication.Incarnation
	run         replication.RunID
	// dirs are the directories; the log is written to the first of them, until it
	// fails over.
	dirs []*directory

	// doubtful is what Doubtful reports. It is settled when the log is open.
	doubtful bool

	// mu guards everything below, up to writer, and the fields of shards and
	// segments that say so. It is never held across a call of the file system.
	mu     sync.Mutex
	shards []*shardLog
	cache  cache
	// segments are those that hold something, by number; the last one is written to,
	// unless it is an earlier run's.
	segments []*segment
	queue    []queued
	// queuedBytes are those of the operations that wait for a Sync, or are in one.
	queuedBytes int64
	asked       []readAsk
	reads       []ReadAnswer
	// low is what Low reports.
	low    bool
	failed error

	// writer is Sync's own.
	writer writer
}

var _ replication.Log = (*Log)(nil)

// queued is an operation that waits for a Sync.
type queued struct {
	shard *shardLog
	op    replication.LogOp
	bytes int64
}

// Durable says that a shard's operations up to a sequence are durable.
type Durable struct {
	Shard    replication.ShardID
	Sequence uint64
}

// Recovered is what the log holds of a shard. Its entries are had by Read.
type Recovered struct {
	Shard  replication.ShardID
	Record replication.TermRecord
	// History has the ids of all entries, also of those that are damaged.
	History replication.History
	// Damaged is the highest offset of an entry in the history that cannot be read
	// back; zero if there is none.
	Damaged replication.Offset
	// Amnesia says that a durable step of unknown content was lost: the record and
	// the history are not to be trusted, and the replica must not vote. An OpDelete
	// ends it.
	Amnesia bool
	// Replica is the highest id of a replica that any durable record of the shard ever
	// named, those that were lost included: no later replica was here. Zero if that is
	// not known, as it may be after an Amnesia.
	Replica replication.ReplicaID
}

// ErrClosed is what a closed log answers.
var ErrClosed = errors.New("the log is closed")

// Incarnation is the directory's, drawn when it was formatted.
func (l *Log) Incarnation() replication.Incarnation { return l.incarnation }

// Run numbers this opening of the directory, above all earlier ones.
func (l *Log) Run() replication.RunID { return l.run }

// Recovered returns what the log holds of each shard of which it holds anything,
// by shard, with everything that was submitted.
func (l *Log) Recovered() []Recovered {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Recovered
	for _, s := range l.shards {
		if s.now.empty() {
			continue
		}
		found = append(found, Recovered{
			Shard: s.id, Record: s.now.record, History: s.now.history.Clone(),
			Damaged: s.damaged(), Amnesia: s.now.amnesia, Replica: s.now.replica,
		})
	}
	return found
}

// damaged is the highest offset of an entry that is neither in memory nor to be
// found in a file.
func (s *shardLog) damaged() replication.Offset {
	written := s.now.history.Clone()
	if first := s.firstKept(); first <= written.Head().Offset {
		written.TruncateTo(max(first-1, written.Base().Offset))
	}
	return s.index.missing(&written)
}

// Doubtful reports that batches were lost when the log was opened, so that it is
// not known which shards they touched. Those that Recovered lists say for
// themselves what they lost; but there may have been others. It takes two harmed
// batches in a row, or the loss of the newest ones that an earlier opening found,
// and lasts as long as the directory: that is best given up.
func (l *Log) Doubtful() bool { return l.doubtful }

// Submit queues an operation for the next Sync. Before the first numbered one of
// a shard there may be some without a number, of which Sync reports nothing.
func (l *Log) Submit(shard replication.ShardID, op replication.LogOp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	if op.Sequence <= s.submitted && op.Sequence+s.submitted > 0 {
		panic(fmt.Sprintf("wal: shard %d: operation %d after %d", shard, op.Sequence, s.submitted))
	}
	if err := s.now.check(op); err != nil {
		panic(fmt.Sprintf("wal: shard %d: %v", shard, err))
	}
	s.submit(&l.cache, op)
	s.submitted = op.Sequence
	q := queued{s, op, operationOverhead}
	for _, e := range op.Entries {
		q.bytes += int64(len(e.Payload)) + entryOverhead
	}
	if q.bytes > maxOperationBytes {
		panic(fmt.Sprintf("wal: shard %d: an operation of %d bytes", shard, q.bytes))
	}
	l.queue = append(l.queue, q)
	l.queuedBytes += q.bytes
}

// operationOverhead is what an operation counts for beside its entries.
const operationOverhead = 128

// maxOperationBytes bounds an operation. Nothing that the core asks for comes near.
const maxOperationBytes = 1 << 30

// Queued reports whether operations wait for a Sync.
func (l *Log) Queued() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0
}

// Full reports whether so much waits for a Sync, or is in one, that nothing more
// should be submitted before that ends.
func (l *Log) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queuedBytes >= l.options.MaxQueuedBytes
}

// Low reports that the disk had no room for a spare segment: what makes the log
// longer should be refused, and what makes it shorter be done, before what is left
// of the last segment is used up.
func (l *Log) Low() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.low
}

// Close gives the directories back. What was not synced is dropped. Nothing else
// may be under way.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.failed, ErrClosed) {
		return nil
	}
	l.failed = ErrClosed
	if err := l.closeFiles(); err != nil {
		return fmt.Errorf("close the log: %w", err)
	}
	return nil
}

func (l *Log) closeFiles() error {
	var errs []error
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	for _, d := range l.dirs {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}
