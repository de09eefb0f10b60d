package wal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// writer is what writing batches needs to know.
type writer struct {
	// active is the segment that batches go to; nil when the next one needs a new.
	active *segment
	// dir is the index of the directory that segments are made in.
	dir int
	// last is the highest number that a segment ever had.
	last uint64
	// batch is the number of the newest batch, synced where it ends, and touched what
	// it touched.
	batch   uint64
	synced  position
	touched []vouched
	// spareAfter is when it is tried again to make a spare segment.
	spareAfter time.Time
	// buffer is for the next batch.
	buffer []byte
}

// batch is what one write takes: operations, and entries that are carried forward.
type batch struct {
	ops     []batchRecord
	carried []batchRecord
	// bytes and entries are what the queue, and the cache, hold for it.
	bytes   int64
	entries uint64
	// states says that the batch begins a segment, stateBytes what they take then.
	states     bool
	stateBytes int64
}

// batchRecord is a record of a batch, and where it was put.
type batchRecord struct {
	record
	shard    *shardLog
	sequence uint64
	entries  []replication.Entry
	at       place
}

// maxKeptBuffer bounds what is kept for the next batch.
const maxKeptBuffer = 8 << 20

// Sync makes everything that was submitted before durable, and reports what became
// so, by shard, each shard's newest operation. Where more waits than a batch
// takes, there is a write and a sync for each. An error is final: nothing more
// will be written, and the process should end. Calls come one at a time.
func (l *Log) Sync() ([]Durable, error) {
	l.mu.Lock()
	left, err := len(l.queue), l.failed
	l.mu.Unlock()
	var durable []Durable
	for err == nil && left > 0 {
		b := l.take(left)
		left -= len(b.ops)
		if err = l.put(b); err == nil {
			durable = append(durable, l.settle(b)...)
			l.removeUnused()
		}
	}
	if err != nil {
		return nil, err
	}
	l.retrySpare()
	return newest(durable), nil
}

// newest leaves the newest operation of each shard.
func newest(durable []Durable) []Durable {
	slices.SortFunc(durable, func(a, b Durable) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(b.Sequence, a.Sequence))
	})
	return slices.CompactFunc(durable, func(a, b Durable) bool { return a.Shard == b.Shard })
}

// take takes the next operations from the queue, at most as many as given, and
// counts them to what is on disk.
func (l *Log) take(most int) *batch {
	b := &batch{}
	l.mu.Lock()
	n := 0
	for n < most && (n == 0 || b.bytes+l.queue[n].bytes <= l.options.MaxBatchBytes) {
		b.bytes += l.queue[n].bytes
		n++
	}
	taken := l.queue[:n]
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	l.mu.Unlock()
	b.carried = l.carry()
	b.ops = make([]batchRecord, n)
	for i, q := range taken {
		b.ops[i] = batchRecord{
			record: operationOf(q.shard.id, q.shard.disk.link(), q.op),
			shard:  q.shard, sequence: q.op.Sequence, entries: q.op.Entries,
		}
		b.entries += uint64(len(q.op.Entries))
		q.shard.disk.apply(q.op)
	}
	return b
}

// put writes a batch and syncs it, in the other directory if it must be.
func (l *Log) put(b *batch) error {
	l.writer.batch++
	err := l.write(b)
	for err != nil && l.failOver(err) {
		err = l.write(b)
	}
	if err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = fmt.Errorf("write the log in %s: %w; its files are in a state that nobody knows, so the process must end",
		l.dirs[l.writer.dir].path, err)
	return l.failed
}

// write writes a batch to the active segment, or a new one if it does not fit.
func (l *Log) write(b *batch) error {
	w := &l.writer
	if w.active != nil {
		b.states = false
		w.buffer = l.encode(w.buffer[:0], w.active, b)
		if w.active.end-w.active.states+int64(len(w.buffer)) > l.options.SegmentBytes {
			w.active = nil
		}
	}
	if w.active == nil {
		w.last++
		s, err := createSegment(l.dirs[w.dir], w.last, l.options.SegmentBytes, l.incarnation)
		if err != nil {
			return err
		}
		b.states = true
		w.buffer = l.encode(appendSegmentHeader(w.buffer[:0], s.number, l.incarnation), s, b)
		if err := writeSynced(s, w.buffer); err != nil {
			return errors.Join(err, s.file.Close())
		}
		s.states = b.stateBytes
		l.begin(s)
	} else if err := writeSynced(w.active, w.buffer); err != nil {
		return err
	}
	l.written(b)
	return nil
}

func writeSynced(s *segment, content []byte) error {
	if _, err := s.file.WriteAt(content, s.end); err != nil {
		return err
	}
	return s.file.SyncData()
}

// begin takes a new segment into use, whose first batch is synced.
func (l *Log) begin(s *segment) {
	l.writer.active = s
	l.spare(s.dir)
	l.writer.spareAfter = l.options.Now().Add(retrySpareEvery)
	l.mu.Lock()
	defer l.mu.Unlock()
	s.begun = l.millis()
	l.segments = append(l.segments, s)
}

func (l *Log) millis() uint64 { return uint64(max(l.options.Now().UnixMilli(), 0)) }

// written counts a batch that is synced.
func (l *Log) written(b *batch) {
	w := &l.writer
	l.mu.Lock()
	w.active.end += int64(len(w.buffer))
	w.synced = position{w.active.number, w.active.end}
	l.mu.Unlock()
	w.touched = l.touchedBy(b)
	if cap(w.buffer) > maxKeptBuffer {
		w.buffer = nil
	}
}

// touchedBy returns what the shards that a batch touched have come to.
func (l *Log) touchedBy(b *batch) []vouched {
	var touched []vouched
	if b.states {
		for _, s := range l.onDisk() {
			touched = append(touched, vouched{s.id, s.disk.link()})
		}
		return touched
	}
	for i := range b.ops {
		touched = append(touched, vouched{b.ops[i].shard.id, b.ops[i].shard.disk.link()})
	}
	slices.SortFunc(touched, func(a, b vouched) int { return cmp.Compare(a.shard, b.shard) })
	return slices.Compact(touched)
}

// onDisk returns the shards of which there are records, by id.
func (l *Log) onDisk() []*shardLog {
	l.mu.Lock()
	all := slices.Clone(l.shards)
	l.mu.Unlock()
	return slices.DeleteFunc(all, func(s *shardLog) bool { return s.disk.chain == 0 })
}

// encode appends a batch to bytes that go to the end of a segment. What was carried
// forward comes first, so that the operations count after it; the states come last,
// so that they count everything.
func (l *Log) encode(b []byte, s *segment, of *batch) []byte {
	w, k := &l.writer, &s.key
	start, frames := len(b), len(of.carried)+len(of.ops)
	b = k.appendMark(b, &mark{
		number: w.batch, run: l.run, synced: w.synced, origin: l.originOf(s), time: l.millis(),
		doubtful: l.doubtful, before: w.touched,
	})
	for _, records := range [][]batchRecord{of.carried, of.ops} {
		for i := range records {
			r := &records[i]
			r.at = place{segment: s, from: s.end + int64(len(b))}
			b = k.appendFrame(b, s.end, &r.record, func(b []byte) []byte { return appendEntries(b, r.entries) })
			r.at.to = s.end + int64(len(b))
		}
	}
	if of.states {
		before := len(b)
		for _, shard := range l.onDisk() {
			frames++
			r := record{kind: recordState, shard: shard.id, before: shard.disk.link()}
			b = k.appendFrame(b, s.end, &r, func(b []byte) []byte { return appendState(b, &shard.disk) })
		}
		of.stateBytes = int64(len(b) - before)
	}
	k.finishMark(b[start:], s.end+int64(start), frames)
	return b
}

// originOf is where the segment before one ends.
func (l *Log) originOf(s *segment) position {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, before := range slices.Backward(l.segments) {
		if before.number < s.number && before.end > 0 {
			return position{before.number, before.end}
		}
	}
	return position{}
}

// settle makes what a batch did known: where its entries are, and which operations
// are durable.
func (l *Log) settle(b *batch) []Durable {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range b.carried {
		r := &b.carried[i]
		r.shard.index.replace(r.first, r.last(), r.at)
	}
	var durable []Durable
	for i := range b.ops {
		r := &b.ops[i]
		r.shard.note(&r.record, r.at)
		if r.sequence > 0 {
			durable = append(durable, Durable{Shard: r.shard.id, Sequence: r.sequence})
		}
	}
	l.cache.written += b.entries
	l.queuedBytes -= b.bytes
	l.cache.shrink()
	return durable
}
