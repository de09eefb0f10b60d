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
	m   message.Message
	due time.Time
}

// Inbox is where one participant's messages wait for it.
type Inbox struct {
	net  *Network
	id   string
	wake chan struct{} // holds one token while the queue may be non-empty

	mu    sync.Mutex // guards queue
	queue byDue
}

func newInbox(n *Network, id string) *Inbox {
	return &Inbox{net: n, id: id, wake: make(chan struct{}, 1)}
}

// Recv returns the next message. It ends with the context's error; a message in hand
// at that moment is lost with the receiver.
func (b *Inbox) Recv(ctx context.Context) (message.Message, error) {
	for {
		e, ok := b.take()
		if !ok {
			select {
			case <-b.wake:
				continue
			case <-ctx.Done():
				return message.Message{}, ctx.Err()
			}
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
	if len(b.queue) >= MaxQueued {
		b.mu.Unlock()
		return false
	}
	heap.Push(&b.queue, e)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // a token is there already
	}
	return true
}

func (b *Inbox) take() (envelope, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return envelope{}, false
	}
	return heap.Pop(&b.queue).(envelope), true
}

// byDue is a heap: earliest due first, and in the order of sending among equals.
type byDue []envelope

func (q byDue) Len() int { return len(q) }
func (q byDue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].m.ID < q[j].m.ID
}
func (q byDue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *byDue) Push(x any)   { *q = append(*q, x.(envelope)) }
func (q *byDue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = envelope{}
	*q = old[:len(old)-1]
	return last
}
