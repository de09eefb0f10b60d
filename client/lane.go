package client

import (
	"context"
	"time"
)

// lane gathers operations of one shard into batches, each of which goes its way in a
// goroutine of its own: reads, and writes with names. Of the batches that are on their
// way there is a bound; while it is reached the next one gathers.
type lane struct {
	c     *Client
	in    chan *operation
	slots chan struct{}
	// deliver carries a batch out, and ends its operations.
	deliver func(*batch)
	next    *operation // was taken from in, and did not fit
}

func newLane(c *Client, inFlight int, deliver func(*batch)) *lane {
	return &lane{
		c: c, in: make(chan *operation, maxQueuedOperations), slots: make(chan struct{}, inFlight), deliver: deliver,
	}
}

// run is the lane's goroutine.
func (l *lane) run() {
	for {
		b, open := l.gather()
		if !open || !l.c.start(func() { defer func() { <-l.slots }(); l.deliver(b) }) {
			b.drop(ErrClosed)
			if l.next != nil {
				l.next.drop(ErrClosed)
			}
			drain(l.in)
			return
		}
	}
}

// gather fills a batch until it is full, or its time has come and there is a slot for
// it, which it then has. It reports false if the client is closed.
func (l *lane) gather() (*batch, bool) {
	b := &batch{}
	if l.next == nil {
		select {
		case l.next = <-l.in:
		case <-l.c.ctx.Done():
			return b, false
		}
	}
	b.add(l.next)
	l.next = nil
	var linger <-chan time.Time
	if l.c.conf.linger > 0 {
		timer := time.NewTimer(l.c.conf.linger)
		defer timer.Stop()
		linger = timer.C
	} else {
		l.collect(b)
	}
	for {
		in, slots := l.in, l.slots
		if l.next != nil || b.full(&l.c.conf) {
			in, linger = nil, nil
		}
		if linger != nil {
			slots = nil
		}
		select {
		case slots <- struct{}{}:
			return b, true
		case o := <-in:
			l.offer(b, o)
		case <-linger:
			linger = nil
		case <-l.c.ctx.Done():
			return b, false
		}
	}
}

// collect takes what waits already.
func (l *lane) collect(b *batch) {
	for l.next == nil && !b.full(&l.c.conf) {
		select {
		case o := <-l.in:
			l.offer(b, o)
		default:
			return
		}
	}
}

func (l *lane) offer(b *batch, o *operation) {
	if b.admits(o, &l.c.conf) {
		b.add(o)
	} else {
		l.next = o
	}
}

// lanes are the ways to one shard.
type lanes struct {
	writes *writeLane
	named  *lane
	reads  *lane
	names  names
}

func newLanes(c *Client, id int64) *lanes {
	l := &lanes{writes: newWriteLane(c, id)}
	l.names.draw()
	l.named = newLane(c, min(c.conf.maxInFlight, maxNamedInFlight), func(b *batch) { c.deliverNamed(id, &l.names, b) })
	l.reads = newLane(c, maxReadsInFlight, func(b *batch) { c.deliverReads(id, b) })
	return l
}

// queue returns the queue for an operation.
func (l *lanes) queue(o *operation) chan<- *operation {
	switch {
	case o.kind == kindGet:
		return l.reads.in
	case o.named:
		return l.named.in
	}
	return l.writes.in
}

// enqueue puts an operation on the way to its shard. It waits for the shard map and for
// room in the queue, as long as the operation has time.
func (c *Client) enqueue(o *operation) {
	for {
		now := c.router.load()
		id, found := o.shard, o.pinned
		if !found {
			s, holds := now.shards.of(o.hash)
			id, found = s.id, holds
		}
		if _, exists := now.leader(id); o.pinned && !exists && len(now.shards) > 0 {
			o.finish(nil, errShardGone)
			return
		}
		if !found {
			select {
			case <-now.superseded:
				continue
			case <-o.done:
				return
			case <-c.ctx.Done():
				o.drop(ErrClosed)
				return
			}
		}
		lanes := c.lanesOf(id)
		if lanes == nil {
			o.drop(ErrClosed)
			return
		}
		select {
		case lanes.queue(o) <- o:
			if c.ctx.Err() != nil { // the lane may have looked into its queue before
				o.drop(ErrClosed)
			}
		case <-o.done:
		case <-c.ctx.Done():
			o.drop(ErrClosed)
		}
		return
	}
}

// reroute sends operations on whose shard is gone. They keep their order, but not with
// what is issued meanwhile.
func (c *Client) reroute(ops []*operation) {
	if len(ops) == 0 {
		return
	}
	started := c.start(func() {
		for _, o := range ops {
			c.enqueue(o)
		}
	})
	if !started {
		for _, o := range ops {
			o.drop(ErrClosed)
		}
	}
}

// issue starts an operation.
func (c *Client) issue(ctx context.Context, o *operation) *operation {
	o.arm(ctx, &c.conf)
	c.enqueue(o)
	return o
}
