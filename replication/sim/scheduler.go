package sim

import "time"

// scheduler is the one queue of everything that is going to happen, and the one
// clock that is right. What is due at the same instant happens in the order in
// which it was scheduled.
type scheduler struct {
	now  time.Duration
	last uint64
	// queue is a binary heap.
	queue []event
	// ran counts the events that happened.
	ran int
}

type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// after lets something happen when a time has passed, and not now, even if that is
// zero.
func (s *scheduler) after(d time.Duration, do func()) { s.at(s.now+max(d, 0), do) }

// at lets something happen at an instant that is not over.
func (s *scheduler) at(at time.Duration, do func()) {
	s.last++
	s.queue = append(s.queue, event{at: max(at, s.now), seq: s.last, do: do})
	q := s.queue
	for i := len(q) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q[i].before(&q[parent]) {
			break
		}
		q[i], q[parent] = q[parent], q[i]
		i = parent
	}
}

// runUntil lets time pass up to an instant, or until stop says so after an event.
func (s *scheduler) runUntil(end time.Duration, stop func() bool) {
	for len(s.queue) > 0 && s.queue[0].at <= end {
		e := s.pop()
		s.now = e.at
		s.ran++
		e.do()
		if stop() {
			return
		}
	}
	s.now = max(s.now, end)
}

func (s *scheduler) pop() event {
	q := s.queue
	first, end := q[0], len(q)-1
	q[0] = q[end]
	q[end] = event{}
	s.queue = q[:end]
	q = s.queue
	for i := 0; ; {
		least, left := i, 2*i+1
		for child := left; child < left+2 && child < end; child++ {
			if q[child].before(&q[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}
