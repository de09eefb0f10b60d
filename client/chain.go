package client

import (
	"context"
	"errors"
	"sync"
)

// chain makes one sequence of several by letting one follow another: what lists of an
// index tell has no order across shards. So not all shards need be open at once. While
// one is read, the next are asked, maxScanOpens of them: that many parts are held, and
// no server waits for a client that has far to go until it reads it.
type chain struct {
	client *Client
	ctx    context.Context // the iteration's
	scan   *scanSettings
	ask    asker

	// streams is the context of those that were opened since the last start, which stop
	// ends.
	streams context.Context
	stop    context.CancelFunc
	opening sync.WaitGroup
	// rest are the shards that were not asked yet, ahead those that were, in order.
	rest  shardMap
	ahead []*opened
	now   *cursor
	// delivered is set once a record was, and behind when it is the first of now.
	delivered, behind bool
}

// opened is a cursor, once done is closed.
type opened struct {
	done   chan struct{}
	cursor *cursor
	err    error
}

func (c *Client) openChain(ctx context.Context, s *scanSettings, ask asker) (*chain, error) {
	q := &chain{client: c, ctx: ctx, scan: s, ask: ask, stop: func() {}}
	return q, q.start()
}

// start asks the first shards, of those that there are now.
func (q *chain) start() error {
	q.close()
	finding, cancel := context.WithTimeout(q.ctx, q.client.conf.requestTimeout)
	defer cancel()
	shards, err := q.client.scanned(finding, q.scan)
	if err != nil {
		return err
	}
	q.streams, q.stop = context.WithCancel(q.ctx)
	q.rest, q.ahead, q.now = shards, nil, nil
	q.lookAhead()
	return nil
}

// lookAhead asks the shards that come next.
func (q *chain) lookAhead() {
	for len(q.rest) > 0 && len(q.ahead) < maxScanOpens {
		id, streams, next := q.rest[0].id, q.streams, &opened{done: make(chan struct{})}
		q.rest, q.ahead = q.rest[1:], append(q.ahead, next)
		q.opening.Go(func() {
			defer close(next.done)
			opening, cancel := context.WithTimeout(streams, q.client.conf.requestTimeout)
			defer cancel()
			next.cursor, next.err = q.client.openCursor(streams, opening, id, q.ask)
		})
	}
}

// close ends what is open, and waits for what is being opened.
func (q *chain) close() {
	q.stop()
	q.opening.Wait()
}

// next implements sequence.
func (q *chain) next() (Record, bool, error) {
	if q.behind {
		// Only now, so that a record is delivered before the one after it has come.
		q.behind = false
		if err := q.now.advance(); err != nil {
			return Record{}, false, err
		}
	}
	for q.now == nil || len(q.now.part) == 0 {
		if len(q.ahead) == 0 {
			return Record{}, false, nil
		}
		if err := q.turn(); err != nil {
			return Record{}, false, err
		}
	}
	q.delivered, q.behind = true, true
	return q.now.part[0], true, nil
}

// turn goes on to the next shard. As long as nothing was delivered, one that is no more
// is reason to begin anew with those that there are.
func (q *chain) turn() error {
	first := q.ahead[0]
	<-first.done
	if errors.Is(first.err, errShardGone) && !q.delivered {
		return q.start()
	}
	if first.err != nil {
		return first.err
	}
	q.now, q.ahead = first.cursor, q.ahead[1:]
	q.lookAhead()
	return nil
}
