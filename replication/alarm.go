package replication

import "container/heap"

// alarms is what a node waits for, soonest first: a node with ten thousand quiet
// shards looks at none of them until one's time has come. Those of the same
// instant go off in the order in which they were made, so that a run repeats.
type alarms[T any] struct {
	queue alarmQueue[T]
	made  uint64
}

// alarm is one owner's next instant; it is in the queue while that is set.
type alarm[T any] struct {
	owner T
	at    Instant
	made  uint64
	index int
}

// add makes an owner's alarm, not set.
func (a *alarms[T]) add(owner T) *alarm[T] {
	a.made++
	return &alarm[T]{owner: owner, made: a.made, index: -1}
}

// set changes when an alarm goes off; Never takes it out.
func (a *alarms[T]) set(one *alarm[T], at Instant) {
	switch {
	case one.at == at:
	case one.index < 0:
		one.at = at
		heap.Push(&a.queue, one)
	case at == Never:
		heap.Remove(&a.queue, one.index)
		one.at = Never
	default:
		one.at = at
		heap.Fix(&a.queue, one.index)
	}
}

// pop takes out the soonest alarm that is due and returns its owner.
func (a *alarms[T]) pop(now Instant) (owner T, ok bool) {
	if len(a.queue) == 0 || a.queue[0].at > now {
		return owner, false
	}
	one := a.queue[0]
	a.set(one, Never)
	return one.owner, true
}

// next is when the soonest alarm goes off.
func (a *alarms[T]) next() Instant {
	if len(a.queue) == 0 {
		return Never
	}
	return a.queue[0].at
}

// alarmQueue implements heap.Interface.
type alarmQueue[T any] []*alarm[T]

func (q alarmQueue[T]) Len() int { return len(q) }

func (q alarmQueue[T]) Less(i, j int) bool {
	return q[i].at < q[j].at || (q[i].at == q[j].at && q[i].made < q[j].made)
}

func (q alarmQueue[T]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *alarmQueue[T]) Push(x any) {
	one, _ := x.(*alarm[T])
	one.index = len(*q)
	*q = append(*q, one)
}

func (q *alarmQueue[T]) Pop() any {
	last := len(*q) - 1
	one := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	one.index = -1
	return one
}
