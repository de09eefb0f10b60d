package wal

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// recovery puts together what the batches that can be read say. Each batch waits
// until the next one is found: that proves that it was synced, and tells what it
// touched.
type recovery struct {
	l *Log
	// pending is the newest batch that was found.
	pending *foundBatch
	// number is the newest batch that is known to have been; zero at first.
	number uint64
	// last is the batch that the log ends with, if it is not known to be synced.
	last *foundBatch
	// torn says that batch has records that cannot be read.
	torn bool
}

// found takes the next batch that can be read.
func (r *recovery) found(b foundBatch) {
	if p := r.pending; p != nil && !superseded(p, &b) {
		r.accept(p)
	}
	r.pending = &b
}

// superseded reports whether the log does not go through a batch to the next one:
// it is in a segment behind the end that the later batch knows.
func superseded(p, next *foundBatch) bool {
	if p.number >= next.number {
		return true
	}
	return p.segment != next.segment && (p.segment.number > next.origin.segment ||
		p.segment.number == next.origin.segment && p.at >= next.origin.offset)
}

// finish decides about the last batch. If it is not whole, then it was never
// synced (or it is damaged, and that cannot be told: the stated limit), and does
// not count; but what it says of those before it does. If something of a later one
// is there, it was synced.
func (r *recovery) finish(floor uint64) error {
	if p := r.pending; p != nil {
		switch {
		case p.whole():
			r.accept(p)
			r.last = p
		case p.segment.beyond:
			r.accept(p)
			if r.torn {
				r.doubtAll() // the next mark would tell what it touched
			}
		default:
			r.reach(p)
			r.number = p.number - 1
		}
	}
	if r.number < floor {
		// An earlier opening found more.
		r.doubtAll()
		r.number = floor
	}
	for _, s := range r.l.shards {
		if s.doubt {
			s.disk.amnesia, s.disk.replica = true, 0 // no link vouches for it
		}
		s.clip()
		if s.suspect {
			if err := s.verify(); err != nil {
				return fmt.Errorf("read what is left of shard %d: %w", s.id, err)
			}
		}
		s.now = s.disk.clone()
		if s.disk.chain > 0 {
			r.l.writer.touched = append(r.l.writer.touched, vouched{s.id, s.disk.link()})
		}
		if lost := s.damaged(); lost > 0 || s.now.amnesia {
			r.l.options.Logger.Error("the log is damaged", "shard", s.id, "lost up to", lost, "amnesia", s.now.amnesia)
		}
	}
	r.l.writer.batch = r.number
	for _, s := range r.l.segments {
		if s.end > 0 {
			r.l.writer.synced = position{s.number, s.end}
		}
	}
	return nil
}

// verify reads what the index covers, and uncovers what is not in the history: it
// was dropped by a record that is lost.
func (s *shardLog) verify() error {
	for _, p := range slices.Clone(s.index.points) {
		entries, err := p.read(s.id, p.first, 0)
		if err != nil {
			return err
		}
		next := p.first
		for _, e := range entries {
			if s.disk.history.Contains(e.ID) {
				s.index.uncover(next, e.ID.Offset-1)
				next = e.ID.Offset + 1
			}
		}
		s.index.uncover(next, p.last)
	}
	return nil
}

// clip uncovers what is not in the history.
func (s *shardLog) clip() {
	s.index.truncate(s.disk.history.Head().Offset)
	s.index.trim(s.disk.history.Base().Offset)
}

// reach takes what a batch says of those before it.
func (r *recovery) reach(b *foundBatch) {
	first := b.at == segmentHeaderBytes
	switch {
	case r.number == 0 && !first:
		// The segment began with states that are lost.
		r.doubtAll()
	case r.number == 0:
	case b.number > r.number+2, b.number == r.number+2 && r.torn:
		// Nothing tells what all the batches between touched.
		r.doubtAll()
	}
	for _, v := range b.before {
		r.l.shard(v.shard).vouch(v.link)
	}
}

func (r *recovery) doubtAll() {
	r.l.doubtful = true
	for _, s := range r.l.shards {
		s.doubt = true
	}
}

// accept takes a batch that was synced, or is whole.
func (r *recovery) accept(b *foundBatch) {
	r.reach(b)
	at := b.at + b.size
	frames := uint32(0)
	b.segment.key.frames(b.content, at, func(f frame) bool {
		if r.replay(b.segment, &f) {
			frames++
		}
		return true
	})
	r.number, r.torn = b.number, frames < b.frames
	if b.segment.end == 0 {
		b.segment.begun = b.time
	}
	b.segment.end = b.at + int64(b.length)
	if b.at == segmentHeaderBytes && !r.torn {
		// It has the states of all shards that there are.
		r.l.doubtful = false
	}
	r.l.doubtful = r.l.doubtful || b.doubtful
}

// replay takes a record, and reports whether it is of use.
func (r *recovery) replay(seg *segment, f *frame) bool {
	s := r.l.shard(f.shard)
	at := place{segment: seg, from: f.at, to: f.at + f.size}
	switch f.kind {
	case recordState:
		return s.replayState(f)
	case recordCarried:
		s.vouch(f.before)
		if f.body != nil && s.mayHold(&f.record) {
			s.index.replace(f.first, f.last(), at)
		}
		return true
	}
	s.vouch(f.before)
	op := f.op
	op.Entries = f.ids()
	if err := s.disk.check(op); err != nil {
		// What is known of the shard is not what the record was written after.
		s.disk.amnesia = true
		s.disk.chain++
		s.disk.step = s.disk.chain
	} else {
		s.disk.apply(op)
	}
	s.note(&f.record, at)
	if f.body == nil && f.kind == recordAppend && f.last() >= f.first {
		s.index.cut(f.first, f.last())
	}
	return true
}

func (s *shardLog) replayState(f *frame) bool {
	state, ok := decodeState(f.before, f.body)
	if !ok || f.body == nil {
		return false
	}
	s.suspect = s.suspect || s.disk.chain > 0 && s.disk.link() != f.before
	s.disk, s.doubt = state, false
	s.clip()
	return true
}

// mayHold reports whether carried entries are in the history, as far as that is
// known.
func (s *shardLog) mayHold(r *record) bool {
	if s.disk.amnesia || s.doubt || len(r.runs) == 0 {
		return s.disk.amnesia || s.doubt
	}
	h := &s.disk.history
	return h.Contains(replication.EntryID{Term: r.runs[0].term, Offset: r.first}) &&
		h.Contains(replication.EntryID{Term: r.runs[len(r.runs)-1].term, Offset: r.last()})
}

// ids returns entries that have nothing but their ids.
func (r *record) ids() []replication.Entry {
	var entries []replication.Entry
	next := r.first
	for _, run := range r.runs {
		for range run.count {
			entries = append(entries, replication.Entry{ID: replication.EntryID{Term: run.term, Offset: next}})
			next++
		}
	}
	return entries
}
