package client

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/api"
)

// batch is operations that travel in one request. A server applies the puts of a
// request first, then the deletes, then the ranges; so an operation joins only if that
// leaves it after those on its key that were issued before it.
type batch struct {
	ops     []*operation
	bytes   int
	born    time.Time
	ranges  int
	deleted map[string]struct{}
	// alone: nothing may join. The batch was refused once, and is sent again as it was,
	// or in single operations to find the one that was meant.
	alone bool
}

// admits reports whether an operation may join the batch.
func (b *batch) admits(o *operation, conf *config) bool {
	switch {
	case b.alone:
		return false
	case len(b.ops) == 0:
		return true
	case len(b.ops) >= conf.maxBatchOps || b.bytes+o.size > conf.maxBatchBytes:
		return false
	case o.kind == kindPut:
		_, deleted := b.deleted[o.put.GetKey()]
		return b.ranges == 0 && !deleted
	case o.kind == kindDelete:
		return b.ranges == 0
	case o.kind == kindDeleteRange:
		return b.ranges < maxRanges
	}
	return true
}

// add lets an operation join that was admitted.
func (b *batch) add(o *operation) {
	if len(b.ops) == 0 {
		b.born = time.Now()
	}
	b.ops = append(b.ops, o)
	b.bytes += o.size
	switch o.kind {
	case kindDelete:
		if b.deleted == nil {
			b.deleted = map[string]struct{}{}
		}
		b.deleted[o.del.GetKey()] = struct{}{}
	case kindDeleteRange:
		b.ranges++
	}
}

// full reports whether the batch need not wait for more.
func (b *batch) full(conf *config) bool {
	return b.alone || len(b.ops) >= conf.maxBatchOps || b.bytes >= conf.maxBatchBytes
}

// take keeps the operations that somebody still waits for, as sent, and reports
// whether there are any. release, which may be nil, is called when each of them ended.
func (b *batch) take(release func()) bool {
	var count func()
	if release != nil {
		count = countdown(len(b.ops), release)
	}
	kept := b.ops[:0]
	for _, o := range b.ops {
		if o.take(count) {
			kept = append(kept, o)
		} else if count != nil {
			count()
		}
	}
	clear(b.ops[len(kept):])
	b.ops = kept
	return len(kept) > 0
}

// writeRequest is the request of a batch of writes.
func (b *batch) writeRequest(id int64) *api.WriteRequest {
	req := &api.WriteRequest{Shard: &id}
	for _, o := range b.ops {
		switch o.kind {
		case kindPut:
			req.Puts = append(req.Puts, o.put)
		case kindDelete:
			req.Deletes = append(req.Deletes, o.del)
		case kindDeleteRange:
			req.DeleteRanges = append(req.DeleteRanges, o.rng)
		}
	}
	return req
}

// answerWrites ends the operations of a batch of writes with their answers.
func (b *batch) answerWrites(res *api.WriteResponse) {
	puts, deletes, ranges := res.GetPuts(), res.GetDeletes(), res.GetDeleteRanges()
	var count [kindGet]int
	for _, o := range b.ops {
		count[o.kind]++
	}
	if len(puts) != count[kindPut] || len(deletes) != count[kindDelete] || len(ranges) != count[kindDeleteRange] {
		b.drop(fmt.Errorf("the server answered %d puts, %d deletes and %d range deletes of %d, %d and %d",
			len(puts), len(deletes), len(ranges), count[kindPut], count[kindDelete], count[kindDeleteRange]))
		return
	}
	for _, o := range b.ops {
		switch o.kind {
		case kindPut:
			res := puts[0]
			puts = puts[1:]
			o.finish(func() { o.putRes = res }, nil)
		case kindDelete:
			status := deletes[0].GetStatus()
			deletes = deletes[1:]
			o.finish(func() { o.status = status }, nil)
		case kindDeleteRange:
			status := ranges[0].GetStatus()
			ranges = ranges[1:]
			o.finish(func() { o.status = status }, nil)
		}
	}
}

// readRequest is the request of a batch of gets.
func (b *batch) readRequest(id int64) *api.ReadRequest {
	req := &api.ReadRequest{Shard: &id, Gets: make([]*api.GetRequest, len(b.ops))}
	for i, o := range b.ops {
		req.Gets[i] = o.get
	}
	return req
}

// giveBack queues the operations again, which were refused, and returns those that
// somebody still waits for.
func (b *batch) giveBack(why error) []*operation {
	kept := b.ops[:0]
	for _, o := range b.ops {
		if o.giveBack(why) {
			kept = append(kept, o)
		}
	}
	return kept
}

// drop ends the operations with an error; those writes that were sent as unknown.
func (b *batch) drop(err error) {
	for _, o := range b.ops {
		o.drop(err)
	}
}

// fail ends the operations with an error that says that they were not applied.
func (b *batch) fail(err error) {
	for _, o := range b.ops {
		o.finish(nil, err)
	}
}
