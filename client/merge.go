package client

import (
	"cmp"
	"container/heap"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// merge makes one ordered sequence of several. It holds one part of each.
type merge struct {
	order   keyspace.Order
	stop    func()    // ends all streams
	cursors []*cursor // a heap by first record; none is at its end
	behind  *cursor   // its first record was delivered, and is to be dropped
}

func newMerge(order keyspace.Order, cursors []*cursor, stop func()) *merge {
	m := &merge{order: order, stop: stop}
	for place, s := range cursors {
		s.place = place
		if len(s.part) > 0 {
			m.cursors = append(m.cursors, s)
		}
	}
	heap.Init(m)
	return m
}

// close implements sequence.
func (m *merge) close() { m.stop() }

// next implements sequence.
func (m *merge) next() (Record, bool, error) {
	if m.behind != nil {
		// Only now, so that a record is delivered before the one after it has come.
		if err := m.behind.advance(); err != nil {
			return Record{}, false, err
		}
		if len(m.behind.part) > 0 {
			heap.Fix(m, 0)
		} else {
			heap.Pop(m)
		}
		m.behind = nil
	}
	if len(m.cursors) == 0 {
		return Record{}, false, nil
	}
	m.behind = m.cursors[0]
	return m.behind.part[0], true, nil
}

// Len, Less, Swap, Push and Pop are heap.Interface.
func (m *merge) Len() int { return len(m.cursors) }

func (m *merge) Less(i, j int) bool {
	a, b := m.cursors[i], m.cursors[j]
	return cmp.Or(compareRecords(m.order, a.part[0], b.part[0]), cmp.Compare(a.place, b.place)) < 0
}

func (m *merge) Swap(i, j int) { m.cursors[i], m.cursors[j] = m.cursors[j], m.cursors[i] }

func (m *merge) Push(any) { panic("nothing is pushed: a cursor that ended stays so") }

func (m *merge) Pop() any {
	last := m.cursors[len(m.cursors)-1]
	m.cursors = m.cursors[:len(m.cursors)-1]
	return last
}
