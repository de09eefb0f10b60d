package wal

import (
	"io"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// carryBytes is about how much a batch carries forward, beside what it was made
// for.
const carryBytes = 1 << 20

// Carrying forward keeps a shard that is hardly ever written to from holding an old
// segment for a few entries. They are written again, into the current segment; once
// that is synced, the old one has nothing left that is live, and goes. What is
// dense with live entries stays: to write that again would free nothing for long,
// and it is for the retention policy to have it trimmed.

// carry reads what is live in the oldest segment, if that is to go.
func (l *Log) carry() []batchRecord {
	l.mu.Lock()
	oldest := l.sparseOldest()
	if oldest == nil {
		l.mu.Unlock()
		return nil
	}
	type piece struct {
		shard *shardLog
		point point
	}
	var pieces []piece
	bytes := int64(0)
	for _, s := range l.shards {
		for _, p := range s.index.points {
			if p.segment == oldest && bytes < carryBytes {
				pieces = append(pieces, piece{s, p})
				bytes += p.bytes
			}
		}
	}
	oldest.readers++
	l.mu.Unlock()

	var carried []batchRecord
	for _, p := range pieces {
		entries, err := p.point.read(p.shard.id, p.point.first, 0)
		if err != nil {
			// The disk may do better another time. Until then, the segment stays.
			l.options.Logger.Error("cannot read the log", "file", oldest.path(), "error", err)
			continue
		}
		l.forgetDamaged(p.shard, p.point, entries)
		for len(entries) > 0 {
			n := 1
			for n < len(entries) && entries[n].ID.Offset == entries[n-1].ID.Offset+1 {
				n++
			}
			carried = append(carried, batchRecord{
				record: record{
					kind: recordCarried, shard: p.shard.id, before: p.shard.disk.link(),
					first: entries[0].ID.Offset, runs: runsOf(entries[:n]),
				},
				shard: p.shard, entries: entries[:n],
			})
			entries = entries[n:]
		}
	}
	l.mu.Lock()
	file := oldest.release()
	l.mu.Unlock()
	l.closeUnused(file)
	return carried
}

// sparseOldest returns the oldest segment, if the log is too large, and what is live
// in there is less than half of it.
func (l *Log) sparseOldest() *segment {
	if len(l.segments) <= keptSegments || l.bytes() <= l.options.CarryAboveBytes {
		return nil
	}
	oldest := l.segments[0]
	if oldest.points == 0 || oldest.live > l.room(oldest)/2 {
		return nil
	}
	return oldest
}

// forgetDamaged uncovers what could not be read of a point, as it will not be
// carried.
func (l *Log) forgetDamaged(s *shardLog, p point, entries []replication.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := p.first
	for _, e := range entries {
		s.index.uncover(next, e.ID.Offset-1)
		next = e.ID.Offset + 1
	}
	s.index.uncover(next, p.last)
}

// keptSegments is how many of the newest segments stay though nothing in them may
// be live: the current one, and the one before, which has the shards' states
// should those in the current one be damaged.
const keptSegments = 2

// removeUnused removes segments in which nothing is live.
func (l *Log) removeUnused() {
	l.mu.Lock()
	var unused []*segment
	kept := l.segments[:0]
	for i, s := range l.segments {
		if s.points == 0 && i < len(l.segments)-keptSegments {
			s.gone = true
			unused = append(unused, s)
		} else {
			kept = append(kept, s)
		}
	}
	clear(l.segments[len(kept):])
	l.segments = kept
	l.mu.Unlock()
	for _, s := range unused {
		l.mu.Lock()
		file := s.unused()
		l.mu.Unlock()
		l.closeUnused(file)
		if err := s.dir.fs.Remove(s.path()); err != nil {
			// It is found when the log is opened, and nothing in it counts.
			l.options.Logger.Warn("cannot remove a segment of the log", "file", s.path(), "error", err)
		}
	}
	if len(unused) > 0 {
		l.writer.spareAfter = time.Time{} // there may be room now
	}
}

// retrySpareEvery is how often it is tried to make the spare segment that there was
// no room for.
const retrySpareEvery = time.Second

// retrySpare tries to make the spare segment that is missing, now and then.
func (l *Log) retrySpare() {
	if !l.Low() {
		return
	}
	now := l.options.Now()
	if now.Before(l.writer.spareAfter) {
		return
	}
	l.writer.spareAfter = now.Add(retrySpareEvery)
	l.spare(l.dirs[l.writer.dir])
}

// spare makes the spare segment, or notes that there is none.
func (l *Log) spare(d *directory) {
	err := d.makeSpare(l.options.SegmentBytes)
	if err != nil {
		l.options.Logger.Warn("no room for a spare segment of the log", "dir", d.path, "error", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.low = err != nil
}

// closeUnused closes the file of a segment that is gone, if there is one. What
// comes of that matters to nobody.
func (l *Log) closeUnused(file io.Closer) {
	if file != nil {
		_ = file.Close()
	}
}

// bytes is about what the segments take on disk.
func (l *Log) bytes() int64 {
	total := int64(0)
	for _, s := range l.segments {
		total += l.room(s)
	}
	return total
}

// room is about what a segment takes on disk.
func (l *Log) room(s *segment) int64 { return max(s.end, l.options.SegmentBytes) }
