package wal

import (
	"cmp"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Limits are those of what is kept for followers that lag.
type Limits struct {
	// Bytes is how much all segments may take; no limit if zero.
	Bytes int64
	// Age is how long ago a segment may have ended; no limit if zero.
	Age time.Duration
}

// Flushed is the last entry of a shard whose effects the state machine holds
// durably.
type Flushed struct {
	Shard   replication.ShardID
	Applied replication.EntryID
}

// Trim says up to which entry a shard's log is to be trimmed.
type Trim struct {
	Shard replication.ShardID
	To    replication.Offset
}

// Retention is what is to be done so that a log keeps its limits.
type Retention struct {
	// Trims are by shard.
	Trims []Trim
	// Flush says that a shard holds what it should not, because the state machine
	// does not have it durably. It is to be flushed, and then retention planned
	// again.
	Flush bool
}

// Retain decides what is to be done about a log that is used as told, at a time.
// The oldest segments that are beyond the limits are condemned; each shard lets go
// of what it has there, as far as it is flushed. Flushed shards may come in any
// order; a shard that is not among them keeps everything. The last segment, which
// is written to, is never condemned.
func Retain(limits Limits, now time.Time, usage Usage, flushed []Flushed) Retention {
	condemned := condemn(limits, now, usage)
	if condemned == 0 {
		return Retention{}
	}
	held := slices.SortedFunc(slices.Values(flushed), func(a, b Flushed) int { return cmp.Compare(a.Shard, b.Shard) })
	var r Retention
	for _, s := range usage.Shards {
		last := replication.Offset(0)
		for _, h := range s.Holds {
			if h.Segment <= condemned {
				last = max(last, h.To)
			}
		}
		i, known := slices.BinarySearchFunc(held, s.Shard, func(f Flushed, id replication.ShardID) int {
			return cmp.Compare(f.Shard, id)
		})
		if last == 0 || !known {
			continue
		}
		to := min(last, held[i].Applied.Offset)
		if to < last {
			r.Flush = true
		}
		if to > s.Base.Offset {
			r.Trims = append(r.Trims, Trim{Shard: s.Shard, To: to})
		}
	}
	return r
}

// condemn returns the number of the newest segment that is beyond the limits, zero
// if none is.
func condemn(limits Limits, now time.Time, usage Usage) uint64 {
	condemned := uint64(0)
	bytes := usage.Bytes
	for i := 0; i+1 < len(usage.Segments); i++ {
		ended := time.UnixMilli(usage.Segments[i+1].Begun)
		tooOld := limits.Age > 0 && now.Sub(ended) > limits.Age
		tooMuch := limits.Bytes > 0 && bytes > limits.Bytes
		if !tooOld && !tooMuch {
			break
		}
		condemned = usage.Segments[i].Number
		bytes -= usage.Segments[i].Bytes
	}
	return condemned
}
