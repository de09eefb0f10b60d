package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
)

// errMoved ends an attempt because another server leads the shard now.
var errMoved = errors.New("leadership of the shard moved")

// repeatable says what an attempt whose answer was lost means.
type repeatable bool

const (
	// onlyIfRefused: it is repeated only if it was provably not carried out.
	onlyIfRefused repeatable = false
	// always: it does no harm twice.
	always repeatable = true
)

// attempt calls do with a connection to the shard's leader, again and again, until it
// succeeds, fails for good, or the context ends. An attempt is cut short when another
// server is known to lead, at once if it may be repeated.
func (c *Client) attempt(ctx context.Context, id int64, use purpose, repeat repeatable,
	do func(context.Context, *grpc.ClientConn) error,
) error {
	var last error
	failures, heard := 0, uint64(0)
	for {
		now, leader, err := c.awaitLeader(ctx, id)
		if err != nil {
			return blame(err, last)
		}
		if news := now.heard(id); news != heard {
			failures, heard = 0, news
		}
		err = c.once(ctx, id, leader, use, repeat, do)
		if err == nil {
			return nil
		}
		v := judge(id, err)
		moved := errors.Is(err, errMoved)
		switch {
		case c.ctx.Err() != nil:
			return outcome(ErrClosed, v, repeat)
		case ctx.Err() != nil:
			return outcome(late(ctx, err), v, repeat)
		case repeat == onlyIfRefused && !v.refused:
			return unknown(err)
		case !v.again && !moved:
			return explain(err)
		}
		last = err
		if moved {
			continue
		}
		failures++
		wait := failures
		if v.moved {
			c.router.correct(id, leader, v.hint)
		} else {
			wait++ // it has too much to do: not at once
		}
		c.rest(ctx, id, backoff(wait))
	}
}

// outcome leaves open what became of an attempt that was cut off, where that matters.
func outcome(err error, v verdict, repeat repeatable) error {
	if repeat == onlyIfRefused && !v.refused {
		return unknown(err)
	}
	return err
}

// blame adds what came of the last attempt to the error that ends them.
func blame(err, last error) error {
	if last == nil {
		return err
	}
	return fmt.Errorf("%w; the last attempt: %w", err, last)
}

// awaitLeader waits until a leader of the shard is known.
func (c *Client) awaitLeader(ctx context.Context, id int64) (*routes, string, error) {
	for {
		now := c.router.load()
		leader, known := now.leader(id)
		if leader != "" {
			return now, leader, nil
		}
		if !known && len(now.shards) > 0 {
			return nil, "", errShardGone
		}
		select {
		case <-now.superseded:
		case <-ctx.Done():
			return nil, "", late(ctx, fmt.Errorf("shard %d has no leader", id))
		case <-c.ctx.Done():
			return nil, "", ErrClosed
		}
	}
}

// rest waits before the next attempt, but not past news of who leads the shard.
func (c *Client) rest(ctx context.Context, id int64, wait time.Duration) {
	deadline := time.Now().Add(wait)
	for start := c.router.load(); ; {
		now := c.router.load()
		left := time.Until(deadline)
		if now.heard(id) != start.heard(id) || left <= 0 || !pause(ctx, left, now.superseded) {
			return
		}
	}
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, id int64, leader string, use purpose, repeat repeatable,
	do func(context.Context, *grpc.ClientConn) error,
) error {
	conn, err := c.pool.get(leader, use)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })()
	stopWatching := c.watchLeader(ctx, id, leader, repeat, cancel)
	defer stopWatching()
	err = do(ctx, conn)
	if err != nil && errors.Is(context.Cause(ctx), errMoved) {
		return fmt.Errorf("%w from %s: %w", errMoved, leader, err)
	}
	return err
}

// watchLeader cancels an attempt when another server is known to lead the shard. It
// costs a goroutine only while the attempt is under way. The function that it returns
// ends the watch.
func (c *Client) watchLeader(ctx context.Context, id int64, asked string, repeat repeatable, cancel context.CancelCauseFunc) func() {
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for {
			now := c.router.load()
			leader, _ := now.leader(id)
			if leader != "" && leader != asked {
				if repeat == always || pause(ctx, leaderGrace, done) {
					cancel(errMoved)
				}
				return
			}
			select {
			case <-now.superseded:
			case <-ctx.Done():
				return
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-finished }
}
