package network

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
)

// MaxQueued bounds an inbox. It is far above what a live node lets pile up; a node
// paused for long under load may reach it, and then loses messages, which a network
// is allowed to do.
const MaxQueued = 1 << 16

type envelope struct {
	m    message.Message
	due  time.Time
	from time.Time // before it the receiver does not see the message at all
}

// Inbox is where one participant's messages wait for it.
type Inbox struct {
	net  *Network
	id   string
	wake chan struct{} // holds one token while the queue may be non-empty

	mu    sync.Mutex // guards queue and late
	queue byDue
	late  byFrom // what the receiver does not see yet
}

func newInbox(n *Network, id string) *Inbox {
	return &Inbox{net: n, id: id, wake: make(chan struct{}, 1)}
}

// Recv returns the next message. It ends with the context's error; a message in hand
// at that moment is lost with the receiver.
func (b *Inbox) Recv(ctx context.Context) (message.Message, error) {
	for {
		e, next, ok := b.take(time.Now())
		if !ok {
			if err := b.wait(ctx, next); err != nil {
				return message.Message{}, err
			}
			continue
		}
		if !b.net.takes(e.m) {
			continue
		}
		if err := sleepUntil(ctx, e.due); err != nil {
			return message.Message{}, err
		}
		b.net.delivered(e.m)
		return e.m, nil
	}
}

// wait returns when there may be something to take: at the given time, unless it is
// zero, or when something new has come.
func (b *Inbox) wait(ctx context.Context, until time.Time) error {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-b.wake:
		return nil
	case <-due:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sleepUntil(ctx context.Context, due time.Time) error {
	wait := time.Until(due)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Inbox) put(e envelope) bool {
	b.mu.Lock()
	if b.queue.Len()+b.late.Len() >= MaxQueued {
		b.mu.Unlock()
		return false
	}
	if e.from.After(time.Now()) {
		heap.Push(&b.late, e)
	} else {
		heap.Push(&b.queue, e)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // a token is there already
	}
	return true
}

// take returns the message that is due first, or else when there will be one; never, if
// that is zero.
func (b *Inbox) take(now time.Time) (e envelope, next time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.late.Len() > 0 && !b.late.envelopes[0].from.After(now) {
		heap.Push(&b.queue, heap.Pop(&b.late))
	}
	if b.queue.Len() > 0 {
		return heap.Pop(&b.queue).(envelope), time.Time{}, true
	}
	if b.late.Len() > 0 {
		next = b.late.envelopes[0].from
	}
	return envelope{}, next, false
}

// envelopes is the part that the two heaps below have in common.
type envelopes []envelope

func (q envelopes) Len() int      { return len(q) }
func (q envelopes) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *envelopes) Push(x any)   { *q = append(*q, x.(envelope)) }
func (q *envelopes) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = envelope{}
	*q = old[:len(old)-1]
	return last
}

// byDue is a heap: earliest due first, and in the order of sending among equals.
type byDue struct{ envelopes }

func (q byDue) Less(i, j int) bool {
	a, b := q.envelopes[i], q.envelopes[j]
	if !a.due.Equal(b.due) {
		return a.due.Before(b.due)
	}
	return a.m.ID < b.m.ID
}

// byFrom is a heap: what the receiver will see first is first.
type byFrom struct{ envelopes }

func (q byFrom) Less(i, j int) bool { return q.envelopes[i].from.Before(q.envelopes[j].from) }
