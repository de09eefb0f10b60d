package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/ostraka-db/ostraka/replication"
)

// Call is a request that was submitted.
type Call struct {
	shard    replication.ShardID
	kind     replication.RequestKind
	payload  []byte
	deadline time.Time
	// began is when it was submitted.
	began time.Time
	// room is where the call gives weight back when it ends; nil if it took none.
	room   *semaphore.Weighted
	weight int64

	// done is closed when outcome and err are set.
	done    chan struct{}
	outcome replication.Outcome
	err     error
}

// ErrUnknown says that a write may have happened, may yet happen, or never.
var ErrUnknown = errors.New("the outcome of the write is not known")

// ErrClosed says that the server is ending, and that the request did not happen.
var ErrClosed = errors.New("the server is ending")

// RefusedError says that a request did not happen, and never will.
type RefusedError struct {
	Shard replication.ShardID
	Why   replication.Refusal
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("shard %d refused the request: %v", e.Shard, e.Why)
}

// Done is closed when the call has ended.
func (c *Call) Done() <-chan struct{} { return c.done }

// Written returns what the state machine made of a write that has ended, and the
// offset of its entry. The error is a *RefusedError, ErrClosed or ErrUnknown.
func (c *Call) Written() ([]byte, replication.Offset, error) {
	return c.outcome.Result, c.outcome.Offset, c.err
}

// end gives the call its outcome. It is called once, by the loop or, where that has
// ended, by who ended it.
func (c *Call) end(o replication.Outcome) {
	c.outcome = o
	switch o.Kind {
	case replication.OutcomeRefused:
		c.err = &RefusedError{Shard: c.shard, Why: o.Refusal}
	case replication.OutcomeUnknown:
		c.err = ErrUnknown
	}
	c.finish()
}

// abandon ends a call that the loop does not answer any more: given says whether
// the node had it.
func (c *Call) abandon(given bool) {
	c.err = ErrClosed
	if given && c.kind == replication.RequestWrite {
		c.err = ErrUnknown
	}
	c.finish()
}

func (c *Call) finish() {
	c.payload = nil
	close(c.done)
	if c.room != nil {
		c.room.Release(c.weight)
	}
}

// Write proposes an entry with a payload, as those of package kv. It waits until the
// shard has room for it, and no longer than the context lasts; an error says that
// nothing happened. What becomes of it after that, the call tells, by the context's
// deadline or MaxCallTime; that the context is cancelled makes it end no sooner.
func (h *Host) Write(ctx context.Context, shard replication.ShardID, payload []byte) (*Call, error) {
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("an entry of %d bytes for shard %d: must be %d at the most", len(payload), shard, MaxPayload)
	}
	room, weight := h.rooms.of(shard), int64(len(payload)+callOverhead)
	if err := room.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("wait for room in shard %d: %w", shard, err)
	}
	c := newCall(ctx, shard, replication.RequestWrite)
	c.payload, c.room, c.weight = payload, room, weight
	return c, h.submit(c)
}

// Confirm returns a view of a shard that has everything that was committed before the
// call: this server led the shard at some moment after it. The error is the
// context's, a *RefusedError or ErrClosed.
func (h *Host) Confirm(ctx context.Context, shard replication.ShardID) (View, error) {
	c := newCall(ctx, shard, replication.RequestRead)
	if err := h.submit(c); err != nil {
		return View{}, err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return View{}, ctx.Err()
	}
	if c.err != nil {
		return View{}, c.err
	}
	return View{Shard: shard, host: h, generation: binary.LittleEndian.Uint64(c.outcome.Result)}, nil
}

func newCall(ctx context.Context, shard replication.ShardID, kind replication.RequestKind) *Call {
	now := time.Now()
	deadline := now.Add(MaxCallTime)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return &Call{shard: shard, kind: kind, began: now, deadline: deadline, done: make(chan struct{})}
}

// submit gives a call to the loop. What finds no room ends at once.
func (h *Host) submit(c *Call) error {
	if h.calls.Add(1) > MaxCalls {
		h.calls.Add(-1)
		c.end(replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedOverload})
		return nil
	}
	if !h.mail.put(func(m *mail) { m.calls = append(m.calls, c) }) {
		h.calls.Add(-1)
		c.abandon(false)
		return ErrClosed
	}
	return nil
}
