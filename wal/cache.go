package wal

import "github.com/ostraka-db/ostraka/replication"

// cache keeps the newest entries of all shards within one budget. An entry that
// is not written yet is in it whatever the budget.
type cache struct {
	budget, bytes int64
	// order are the cached entries as they came, the next to go first, and some that
	// are gone already.
	order []cachedAt
	// gone is how many of them are.
	gone int
	// serial counts entries; those up to written are in a file.
	serial, written uint64
}

// cachedAt finds an entry: it is its shard's first one, if the serial is.
type cachedAt struct {
	shard  *shardLog
	serial uint64
}

type cachedEntry struct {
	replication.Entry
	serial uint64
}

// cachedOverhead is about what a cached entry takes beside its payload.
const cachedOverhead = 96

func (e *cachedEntry) bytes() int64 { return int64(len(e.Payload)) + cachedOverhead }

// keep takes entries of a shard that follow what is kept of it.
func (c *cache) keep(s *shardLog, entries []replication.Entry) {
	for _, e := range entries {
		c.serial++
		kept := cachedEntry{e, c.serial}
		s.tail = append(s.tail, kept)
		c.order = append(c.order, cachedAt{s, c.serial})
		c.bytes += kept.bytes()
	}
}

// forget drops a part of what is kept of a shard: from its front, or its end.
func (c *cache) forget(s *shardLog, from, to int) {
	for i := from; i < to; i++ {
		c.bytes -= s.tail[i].bytes()
		s.tail[i] = cachedEntry{} // or the array below would keep the payload
	}
	c.gone += to - from
	if from == 0 {
		s.tail = s.tail[to:]
	} else {
		s.tail = s.tail[:from]
	}
	if len(s.tail) == 0 {
		s.tail = nil
	}
	c.compact()
}

// forgetAfter drops what is kept of a shard after an offset.
func (c *cache) forgetAfter(s *shardLog, to replication.Offset) {
	if n := len(s.tail); n > 0 {
		c.forget(s, int(min(max(to-s.tail[0].ID.Offset+1, 0), replication.Offset(n))), n)
	}
}

// forgetUpTo drops what is kept of a shard up to and including an offset.
func (c *cache) forgetUpTo(s *shardLog, to replication.Offset) {
	if n := len(s.tail); n > 0 {
		c.forget(s, 0, int(min(max(to-s.tail[0].ID.Offset+1, 0), replication.Offset(n))))
	}
}

// shrink drops the oldest entries until the rest fits the budget, or is not
// written.
func (c *cache) shrink() {
	for len(c.order) > 0 && c.bytes > c.budget {
		at := c.order[0]
		if len(at.shard.tail) > 0 && at.shard.tail[0].serial == at.serial {
			if at.serial > c.written {
				return
			}
			c.forget(at.shard, 0, 1)
			continue // what is gone is skipped in the next round
		}
		c.order[0] = cachedAt{}
		c.order = c.order[1:]
		c.gone--
	}
}

// compact drops what is gone when that is most of the order.
func (c *cache) compact() {
	if c.gone < 64 || c.gone < len(c.order)/2 {
		return
	}
	kept := c.order[:0]
	for _, at := range c.order {
		if at.shard.keeps(at.serial) {
			kept = append(kept, at)
		}
	}
	clear(c.order[len(kept):])
	c.order, c.gone = kept, 0
}

// keeps reports whether the entry with a serial is still cached.
func (s *shardLog) keeps(serial uint64) bool {
	// Serials of a shard ascend, but not one by one.
	low, high := 0, len(s.tail)
	for low < high {
		if middle := (low + high) / 2; s.tail[middle].serial < serial {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(s.tail) && s.tail[low].serial == serial
}
