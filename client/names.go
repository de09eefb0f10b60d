package client

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
)

// names gives requests to one shard the names by which the shard tells repetitions.
type names struct {
	client [16]byte

	slots   chan struct{}
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]struct{}
}

// maxNamesWaiting is how many requests of a client to a shard may be unanswered: half
// of what a shard remembers, so that none is forgotten that is still asked for.
const maxNamesWaiting = 512

func (n *names) draw() {
	// It does not fail: where there is no randomness, the process ends.
	_, _ = rand.Read(n.client[:])
	n.slots = make(chan struct{}, maxNamesWaiting)
	n.waiting = map[uint64]struct{}{}
}

// next gives out a name, as soon as there are not too many.
func (n *names) next(ctx context.Context) (uint64, error) {
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	n.waiting[n.last] = struct{}{}
	return n.last, nil
}

// done says that nobody waits for the answer any more.
func (n *names) done(sequence uint64) {
	n.mu.Lock()
	delete(n.waiting, sequence)
	n.mu.Unlock()
	<-n.slots
}

// name is the name as it is sent now: low may rise from one repetition to the next.
func (n *names) name(sequence uint64) *api.RequestName {
	n.mu.Lock()
	defer n.mu.Unlock()
	low := sequence
	for waiting := range n.waiting {
		low = min(low, waiting)
	}
	return &api.RequestName{Client: n.client[:], Sequence: sequence, Low: low}
}

// named makes attempts at a request with a name until its outcome is known. Whatever
// happened to an attempt, the next one does no harm; but an attempt whose answer was
// lost leaves the outcome open if no later one is answered.
func (c *Client) named(ctx context.Context, id int64, n *names,
	do func(context.Context, *grpc.ClientConn, *api.RequestName) error,
) error {
	sequence, err := n.next(ctx)
	if err != nil {
		return err
	}
	defer n.done(sequence)
	open := false // an attempt may have been carried out
	err = c.attempt(ctx, id, forCalls, always, func(ctx context.Context, conn *grpc.ClientConn) error {
		err := do(ctx, conn, n.name(sequence))
		if err != nil {
			open = open || !judge(id, err).refused
		}
		return err
	})
	if err != nil && open && !errors.Is(err, ErrUnknownOutcome) {
		return unknown(err)
	}
	return err
}

// deliverNamed carries a batch of writes out exactly once.
func (c *Client) deliverNamed(id int64, n *names, b *batch) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	if !b.take(cancel) {
		return
	}
	var answer *api.WriteResponse
	err := c.named(ctx, id, n, func(ctx context.Context, conn *grpc.ClientConn, name *api.RequestName) error {
		res, err := api.NewOstrakaClient(conn).WriteOnce(ctx, &api.WriteOnceRequest{
			Shard: id, Write: b.writeRequest(id), Name: name,
		})
		answer = res.GetWrite()
		return err
	})
	switch {
	case err == nil:
		b.answerWrites(answer)
	case errors.Is(err, ErrUnknownOutcome):
		b.drop(err)
	case errors.Is(err, errShardGone):
		c.reroute(b.giveBack(err))
	case len(b.ops) > 1 && ctx.Err() == nil:
		// One of them had all of them refused.
		for _, single := range singles(b.giveBack(err)) {
			c.deliverNamed(id, n, single)
		}
	default:
		b.fail(err)
	}
}
