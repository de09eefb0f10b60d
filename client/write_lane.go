package client

import (
	"slices"
	"time"
)

// writeLane carries the writes of one shard over a stream to its leader. One goroutine
// owns all of it but in. Batches leave in order, several at a time once the stream has
// shown that the server leads the shard; answers come in order. What was refused goes
// back to the front, so that the order is kept.
type writeLane struct {
	c  *Client
	id int64
	in chan *operation

	pending  []*batch // not sent; the last may be open for more
	inFlight []*batch // sent on stream, oldest first
	stream   *writeStream
	answered int64 // by stream
	leaving  bool  // stream was cancelled, and its end is awaited

	failures int       // in a row
	resume   time.Time // not to be sent before; zero: at once
	leaveBy  time.Time // when the stream is given up, since another server leads; zero: not
	heard    uint64    // the news of the shard's leader that the failures are later than
}

// maxPendingBatches is how many batches a lane fills while it cannot send. What comes
// then waits in the lane's queue.
const maxPendingBatches = 4

func newWriteLane(c *Client, id int64) *writeLane {
	return &writeLane{c: c, id: id, in: make(chan *operation, maxQueuedOperations)}
}

// run is the lane's goroutine.
func (l *writeLane) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := l.c.router.load()
		leader, known := now.leader(l.id)
		if !known && len(now.shards) > 0 {
			l.leave()
		}
		l.follow(leader, now.heard(l.id))
		timer.Reset(l.push(leader))
		select {
		case o := <-l.accepting():
			l.accept(o)
		case event := <-l.events():
			l.handle(event)
		case <-now.superseded:
		case <-timer.C:
		case <-l.c.ctx.Done():
			l.close()
			return
		}
	}
}

// accepting is the lane's queue while there is room for another batch.
func (l *writeLane) accepting() <-chan *operation {
	if len(l.pending) < maxPendingBatches || !l.pending[len(l.pending)-1].full(&l.c.conf) {
		return l.in
	}
	return nil
}

func (l *writeLane) events() <-chan streamEvent {
	if l.stream == nil {
		return nil
	}
	return l.stream.events
}

// accept takes an operation from the queue, and what else waits there, as long as the
// batch has room: operations issued together leave together.
func (l *writeLane) accept(o *operation) {
	for {
		l.enqueue(o)
		if len(l.pending) >= maxPendingBatches || l.pending[len(l.pending)-1].full(&l.c.conf) {
			return
		}
		select {
		case o = <-l.in:
		default:
			return
		}
	}
}

func (l *writeLane) enqueue(o *operation) {
	if n := len(l.pending); n > 0 && l.pending[n-1].admits(o, &l.c.conf) {
		l.pending[n-1].add(o)
		return
	}
	b := &batch{}
	b.add(o)
	l.pending = append(l.pending, b)
}

// follow gives the stream up if another server leads: at once if nothing is in
// flight, and else when that is answered, or has had its time. The stream's end is an
// event like any other, so that what never left is told from what did.
func (l *writeLane) follow(leader string, heard uint64) {
	if heard != l.heard {
		l.heard, l.failures, l.resume = heard, 0, time.Time{}
	}
	switch {
	case l.stream == nil || leader == "" || leader == l.stream.address:
		l.leaveBy = time.Time{}
	case len(l.inFlight) == 0, !l.leaveBy.IsZero() && !time.Now().Before(l.leaveBy):
		l.leaveBy, l.leaving = time.Time{}, true
		l.stream.cancel()
	case l.leaveBy.IsZero():
		l.leaveBy = time.Now().Add(leaderGrace)
	}
}

// push sends what may be sent, and returns after how long there will be more.
func (l *writeLane) push(leader string) time.Duration {
	for {
		wait, ready := l.ready(leader)
		if !ready {
			return wait
		}
		b := l.pending[0]
		l.pending[0] = nil
		l.pending = l.pending[1:]
		if !b.take(nil) {
			continue
		}
		if l.stream == nil && !l.open(leader) {
			b.drop(ErrClosed)
			continue
		}
		l.inFlight = append(l.inFlight, b)
		l.stream.requests <- b.writeRequest(l.id)
	}
}

// ready reports whether the first pending batch may be sent now, or else after how
// long that will be so by itself.
func (l *writeLane) ready(leader string) (time.Duration, bool) {
	const never = time.Hour
	switch {
	case !l.leaveBy.IsZero():
		return max(time.Until(l.leaveBy), 0), false
	case len(l.pending) == 0, leader == "", l.leaving, l.stream != nil && len(l.inFlight) >= l.window():
		return never, false
	}
	if wait := time.Until(l.resume); !l.resume.IsZero() && wait > 0 {
		return wait, false
	}
	b := l.pending[0]
	if linger := l.c.conf.linger; linger > 0 && len(l.pending) == 1 && !b.full(&l.c.conf) {
		if wait := time.Until(b.born.Add(linger)); wait > 0 {
			return wait, false
		}
	}
	return 0, true
}

// window is how many batches may be in flight. A stream that has not answered yet may
// be refused, and then only of the first request is it sure what that means.
func (l *writeLane) window() int {
	if l.answered == 0 {
		return 1
	}
	return l.c.conf.maxInFlight
}

func (l *writeLane) open(leader string) bool {
	stream, started := l.c.openWriteStream(l.id, leader)
	if !started {
		stream.cancel()
		return false
	}
	l.stream, l.answered = stream, 0
	return true
}

// handle takes in what the stream said.
func (l *writeLane) handle(event streamEvent) {
	if event.err == nil {
		if len(l.inFlight) == 0 { // answered what it was not asked: it makes no sense
			l.leaving = true
			l.stream.cancel()
			return
		}
		l.answered++
		l.failures, l.resume = 0, time.Time{}
		b := l.inFlight[0]
		l.inFlight[0] = nil
		l.inFlight = l.inFlight[1:]
		b.answerWrites(event.answer)
		return
	}
	l.settle(event.err)
}

// settle decides what becomes of what was in flight when the stream ended.
func (l *writeLane) settle(err error) {
	stream, inFlight, left := l.stream, l.inFlight, l.leaving
	l.stream, l.inFlight, l.leaving, l.leaveBy = nil, nil, false, time.Time{}
	v := judge(l.id, err)
	var again []*batch
	sent := int(stream.sent.Load() - l.answered)
	for i, b := range inFlight {
		// A refusal for good is the first's even if the stream was refused before it.
		first := i == 0 && (sent > 0 || v.refused && !v.again)
		switch {
		case i >= sent && !first, first && v.refused && v.again, !first && v.rest:
			if ops := b.giveBack(err); len(ops) > 0 {
				again = append(again, &batch{ops: ops, bytes: b.bytes, born: b.born, alone: true})
			}
		case first && v.refused && len(b.ops) > 1:
			again = append(again, singles(b.giveBack(err))...)
		case first && v.refused:
			b.fail(explain(err))
		default:
			b.drop(err)
		}
	}
	l.pending = slices.Concat(again, l.pending)
	if left {
		return
	}
	if v.moved && l.c.router.correct(l.id, stream.address, v.hint) && l.failures == 0 {
		l.failures = 1
		return
	}
	l.failures++
	wait := l.failures
	if v.refused && v.again && !v.moved {
		wait++ // it has too much to do: not at once
	}
	l.resume = time.Now().Add(backoff(wait))
}

// singles makes a batch of each operation: one of them had them all refused.
func singles(ops []*operation) []*batch {
	batches := make([]*batch, len(ops))
	for i, o := range ops {
		batches[i] = &batch{ops: []*operation{o}, bytes: o.size, born: time.Now(), alone: true}
	}
	return batches
}

// leave sends what is pending on by the new map: the shard is not in it any more.
func (l *writeLane) leave() {
	var ops []*operation
	for _, b := range l.pending {
		ops = append(ops, b.ops...)
	}
	l.pending = nil
	for len(l.in) > 0 {
		ops = append(ops, <-l.in)
	}
	l.c.reroute(ops)
}

// close ends everything that waits.
func (l *writeLane) close() {
	for _, b := range slices.Concat(l.inFlight, l.pending) {
		b.drop(ErrClosed)
	}
	drain(l.in)
}

// drain ends the operations in a queue, of a client that is closed.
func drain(in <-chan *operation) {
	for {
		select {
		case o := <-in:
			o.drop(ErrClosed)
		default:
			return
		}
	}
}
