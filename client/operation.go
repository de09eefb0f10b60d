package client

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/ostraka-db/ostraka/api"
)

// kind is what an operation does. The order is that in which a server applies the
// operations of one request.
type kind uint8

const (
	kindPut kind = iota
	kindDelete
	kindDeleteRange
	kindGet
)

// operation is a request of a user on its way through a lane. It is queued, sent,
// perhaps refused and queued again, and done once. Exactly one of the request fields
// is set, by kind, and likewise of the answers.
type operation struct {
	kind kind
	put  *api.PutRequest
	del  *api.DeleteRequest
	rng  *api.DeleteRangeRequest
	get  *api.GetRequest

	// hash routes the operation; where pinned, shard does, and hash means nothing.
	hash   uint32
	shard  int64
	pinned bool
	size   int
	// named: it is sent with a name, and may be repeated.
	named bool

	ctx    context.Context
	cancel context.CancelFunc // of the request timeout
	unhook func() bool        // of expire from ctx

	mu      sync.Mutex
	state   opState
	last    error  // what came of the last attempt
	release func() // tells whoever sent the operation that nobody waits for it any more

	done   chan struct{}
	putRes *api.PutResponse
	status api.Status // of a delete or range delete
	getRes *api.GetResponse
	err    error
}

type opState uint8

const (
	opQueued opState = iota
	opSent
	opDone
)

// key returns the key that the operation is about: the start of a range.
func (o *operation) key() string {
	switch o.kind {
	case kindPut:
		return o.put.GetKey()
	case kindDelete:
		return o.del.GetKey()
	case kindDeleteRange:
		return o.rng.GetStartInclusive()
	}
	return o.get.GetKey()
}

// arm starts the operation's time.
func (o *operation) arm(ctx context.Context, conf *config) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = make(chan struct{})
	o.ctx, o.cancel = context.WithTimeout(ctx, conf.requestTimeout)
	o.unhook = context.AfterFunc(o.ctx, o.expire)
}

// take moves the operation from queued to sent, with what to call when it ends. It
// reports false if it is done already.
func (o *operation) take(release func()) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state != opQueued {
		return false
	}
	o.state, o.release = opSent, release
	return true
}

// giveBack moves the operation from sent to queued: it was refused. It reports false
// if it is done already.
func (o *operation) giveBack(why error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == opDone {
		return false
	}
	o.state, o.last, o.release = opQueued, why, nil
	return true
}

// finish ends the operation. set stores its answer, and may be nil. Only the first
// end has an effect.
func (o *operation) finish(set func(), err error) {
	o.end(func() error {
		if set != nil {
			set()
		}
		return err
	})
}

// expire ends the operation because its context did. A write that was sent is then
// unknown: whether it was is looked at in one step with ending it.
func (o *operation) expire() {
	o.end(func() error { return o.whenSent(late(o.ctx, o.last)) })
}

// drop ends the operation with an error that leaves open what became of it if it was
// sent.
func (o *operation) drop(err error) {
	o.end(func() error { return o.whenSent(err) })
}

// whenSent makes an unknown outcome of an error if the operation is a write that was
// sent. The caller holds o.mu.
func (o *operation) whenSent(err error) error {
	if o.state == opSent && o.kind != kindGet {
		return unknown(err)
	}
	return err
}

// end makes the operation done. What set does and returns is seen by whoever waits.
func (o *operation) end(set func() error) {
	o.mu.Lock()
	if o.state == opDone {
		o.mu.Unlock()
		return
	}
	o.err = set()
	o.state = opDone
	release, unhook, cancel := o.release, o.unhook, o.cancel
	o.mu.Unlock()

	close(o.done)
	unhook()
	cancel()
	if release != nil {
		release()
	}
}

// countdown calls do when it was called n times.
func countdown(n int, do func()) func() {
	var left atomic.Int64
	left.Store(int64(n))
	return func() {
		if left.Add(-1) == 0 {
			do()
		}
	}
}
