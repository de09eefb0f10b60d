package session

import (
	"container/heap"
	"time"
)

// session is one that is kept.
type session struct {
	reign    *reign
	id       int64
	deadline time.Time
	// at is its place in the queue of deadlines, or notQueued.
	at int
	// ending is set while it is being ended, and closed when that is over.
	ending chan struct{}
}

const notQueued = -1

// deadlines are a queue of sessions, the one that is due first in front.
type deadlines []*session

// set puts a session where its deadline belongs.
func (d *deadlines) set(s *session, deadline time.Time) {
	s.deadline = deadline
	if s.at == notQueued {
		heap.Push((*queue)(d), s)
	} else {
		heap.Fix((*queue)(d), s.at)
	}
}

// remove takes a session out, if it is in.
func (d *deadlines) remove(s *session) {
	if s.at != notQueued {
		heap.Remove((*queue)(d), s.at)
	}
}

// queue is how package heap sees deadlines.
type queue deadlines

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].deadline.Before(q[j].deadline) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	s := x.(*session)
	s.at = len(*q)
	*q = append(*q, s)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	last.at = notQueued
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	return last
}
