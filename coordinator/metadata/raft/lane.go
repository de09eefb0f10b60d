package raft

import (
	"context"
	"fmt"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// The lanes of a member: the lease waits for no documents.
const (
	documentLane = 1
	leaseLane    = 2
)

// update is a call that waits for its changes. What is not its caller's belongs to the
// loop.
type update struct {
	ctx    context.Context
	pieces []piece
	// errs may be read once done is closed.
	errs []error
	left int
	done chan struct{}
}

func newUpdate(ctx context.Context, changes int) *update {
	return &update{ctx: ctx, errs: make([]error, changes), done: make(chan struct{})}
}

// piece is one change of an update: of a document, or of the lease.
type piece struct {
	of     *update
	at     int
	change metadata.Change
	lease  *leaseChange
}

type leaseChange struct {
	lease   metadata.Lease
	version int64
}

// settle says what became of the piece.
func (p piece) settle(err error) {
	p.of.errs[p.at] = err
	if p.of.left--; p.of.left == 0 {
		close(p.of.done)
	}
}

// outcome is the error that a result stands for.
func (p piece) outcome(result int64) error {
	switch {
	case result == state.Made:
		return nil
	case p.lease != nil:
		return fmt.Errorf("write the lease over version %d, and there is %d: %w", p.lease.version, result, metadata.ErrConflict)
	default:
		return fmt.Errorf("store document %s over version %d, and there is %d: %w", p.change.Key, p.change.Version, result, metadata.ErrConflict)
	}
}

// lane has the member's commands of one kind, one after the other. It is asked again
// what is not answered: the state passes over what it has applied.
type lane struct {
	id       state.Lane
	run      uint64
	sequence uint64
	waiting  []piece
	flying   *command
}

// command is under way.
type command struct {
	stamp  state.Stamp
	data   []byte
	pieces []piece
	// ticks counts since it was asked last, and patience is when it is asked again.
	ticks, patience int
}

func (l *lane) full() bool { return len(l.waiting) >= maxWaiting }

// next makes a command of what waits, if none is under way and somebody waits for it. It
// returns nil if there is nothing to do.
func (l *lane) next() (*command, error) {
	if l.flying != nil {
		return nil, nil
	}
	var taken []piece
	size, at := 0, 0
	for ; at < len(l.waiting) && len(taken) < commandChanges; at++ {
		p := l.waiting[at]
		if p.of.ctx.Err() != nil {
			continue // the caller is gone, and nothing was done
		}
		if p.lease != nil && len(taken) > 0 || len(taken) > 0 && size+len(p.change.Value) > commandBytes {
			break
		}
		taken, size = append(taken, p), size+len(p.change.Key)+len(p.change.Value)
	}
	l.waiting = l.waiting[at:]
	if len(l.waiting) == 0 {
		l.waiting = nil // lets go of the array
	}
	if len(taken) == 0 {
		return nil, nil
	}
	l.sequence++
	c := &command{stamp: state.Stamp{Run: l.run, Sequence: l.sequence}, pieces: taken, patience: retryTicks}
	var err error
	if first := taken[0]; first.lease != nil {
		c.data, err = state.EncodeLease(l.id, c.stamp, first.lease.lease, first.lease.version)
	} else {
		changes := make([]metadata.Change, len(taken))
		for i, p := range taken {
			changes[i] = p.change
		}
		c.data, err = state.EncodeChanges(l.id, c.stamp, changes)
	}
	l.flying = c
	return c, err
}

// settle answers the command that is under way, if that is what has come about.
func (l *lane) settle(o state.Outcome) {
	if l.flying == nil || l.flying.stamp != o.Stamp {
		return
	}
	for i, p := range l.flying.pieces {
		p.settle(p.outcome(o.Results[i]))
	}
	l.flying = nil
}

// tick reports whether the command under way is to be asked again. One for which nobody
// waits any more is given up: it comes about now, or, once another follows it, never.
func (l *lane) tick() (again *command) {
	c := l.flying
	if c == nil {
		return nil
	}
	wanted := false
	for _, p := range c.pieces {
		wanted = wanted || p.of.ctx.Err() == nil
	}
	if !wanted {
		l.flying = nil
		return nil
	}
	if c.ticks++; c.ticks < c.patience {
		return nil
	}
	c.ticks, c.patience = 0, min(2*c.patience, retryTicksMost)
	return c
}
