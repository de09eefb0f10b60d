package wal

import (
	"cmp"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// index says where a shard's entries are. An entry in the history that it does
// not cover cannot be read back. It has one point for a stretch of a segment, and
// never more points than records: pointBytes each.
type index struct {
	// points ascend in first, and do not overlap. Segments need not ascend: what
	// was carried forward is old.
	points []point
	// every is the longest stretch that a point covers.
	every int64
}

// pointBytes is about what a point takes of memory.
const pointBytes = 56

// point covers consecutive entries of a shard, whose frames are in one stretch of
// a segment, in order. Between these there is no other frame with entries of the
// shard that are in the point's range.
type point struct {
	first, last replication.Offset
	segment     *segment
	// from and to are where the first frame begins and the last one ends.
	from, to int64
	// bytes are those of the frames themselves.
	bytes int64
	// closed says that no more entries may be covered.
	closed bool
}

// place is a frame's.
type place struct {
	segment  *segment
	from, to int64
}

// find returns which point covers an offset.
func (x *index) find(o replication.Offset) (int, bool) {
	return slices.BinarySearchFunc(x.points, o, func(p point, o replication.Offset) int {
		if p.last < o {
			return -1
		}
		return cmp.Compare(max(p.first, o), o)
	})
}

// put covers entries where nothing is covered.
func (x *index) put(first, last replication.Offset, at place) {
	i, _ := x.find(first)
	if i > 0 {
		p := &x.points[i-1]
		if !p.closed && p.last+1 == first && p.segment == at.segment && at.from >= p.to && at.to-p.from <= x.every {
			p.last, p.to = last, at.to
			p.bytes += at.to - at.from
			at.segment.live += at.to - at.from
			return
		}
	}
	at.segment.points++
	at.segment.live += at.to - at.from
	x.points = slices.Insert(x.points, i, point{
		first: first, last: last, segment: at.segment, from: at.from, to: at.to, bytes: at.to - at.from,
	})
}

// replace covers entries anew.
func (x *index) replace(first, last replication.Offset, at place) {
	x.cut(first, last)
	x.put(first, last, at)
}

// truncate uncovers everything after an offset.
func (x *index) truncate(to replication.Offset) {
	i, _ := x.find(to + 1)
	if i < len(x.points) && x.points[i].first <= to {
		x.points[i].last = to
		i++
	}
	x.drop(i, len(x.points))
	if n := len(x.points); n > 0 {
		// The frames of what was dropped may follow.
		x.points[n-1].closed = true
	}
}

// trim uncovers everything up to and including an offset, but for what shares a
// point with entries after it.
func (x *index) trim(to replication.Offset) {
	i, _ := x.find(to + 1)
	x.drop(0, i)
	if len(x.points) > 0 {
		x.points[0].first = max(x.points[0].first, to+1)
	}
}

// uncover uncovers a range, which may be empty.
func (x *index) uncover(first, last replication.Offset) {
	if first <= last {
		x.cut(first, last)
	}
}

// cut uncovers a range that is not empty.
func (x *index) cut(first, last replication.Offset) {
	i, _ := x.find(first)
	if i < len(x.points) && x.points[i].first < first {
		p := &x.points[i]
		rest := *p
		p.last, p.closed = first-1, true
		i++
		if rest.last > last {
			rest.first, rest.bytes = last+1, 0
			rest.segment.points++
			x.points = slices.Insert(x.points, i, rest)
			return
		}
	}
	j := i
	for j < len(x.points) && x.points[j].last <= last {
		j++
	}
	if j < len(x.points) && x.points[j].first <= last {
		x.points[j].first = last + 1
	}
	x.drop(i, j)
}

func (x *index) drop(from, to int) {
	for _, p := range x.points[from:to] {
		p.segment.points--
		p.segment.live -= p.bytes
	}
	x.points = slices.Delete(x.points, from, to)
}

// missing returns the highest offset of a history that is not covered, zero if all
// are.
func (x *index) missing(h *replication.History) replication.Offset {
	o := h.Head().Offset
	for i := len(x.points) - 1; i >= 0 && o > h.Base().Offset; i-- {
		if x.points[i].last < o {
			break
		}
		// Points above the head are of what is to be dropped by a batch to come.
		o = min(o, x.points[i].first-1)
	}
	if o > h.Base().Offset {
		return o
	}
	return 0
}
