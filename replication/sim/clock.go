package sim

import (
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// epoch is the wall clock at the beginning of a simulation, in a server without
// skew.
const epoch = 1_700_000_000_000 * time.Millisecond

// normalRate is the rate of a clock that is right, in parts per million.
const normalRate = 1_000_000

// clock is what a server believes of time: a monotonic reading that may run fast
// or slow, or jump ahead, and a wall clock that may be anywhere.
type clock struct {
	true *scheduler
	// since is when rate was set, and mono the reading then.
	since time.Duration
	mono  replication.Instant
	// rate is in parts per million.
	rate int64
	// skew is by how much the wall clock is ahead.
	skew time.Duration
}

func newClock(s *scheduler) *clock { return &clock{true: s, since: s.now, mono: 1, rate: normalRate} }

func (c *clock) now() replication.Time {
	return replication.Time{Mono: c.read(), Wall: replication.Timestamp(c.wall().UnixMilli())}
}

func (c *clock) read() replication.Instant {
	passed := int64(c.true.now - c.since)
	// In two parts: the product of both would overflow within hours.
	whole, rest := passed/normalRate, passed%normalRate
	return c.mono + replication.Instant(whole*c.rate+rest*c.rate/normalRate)
}

func (c *clock) wall() time.Time { return time.Unix(0, int64(epoch+c.true.now+c.skew)) }

// when is the true instant at which the clock reads at least i.
func (c *clock) when(i replication.Instant) time.Duration {
	left := int64(i - c.mono)
	if left <= 0 {
		return c.true.now
	}
	whole, rest := left/c.rate, left%c.rate
	return max(c.true.now, c.since+time.Duration(whole*normalRate+(rest*normalRate+c.rate-1)/c.rate))
}

// setRate makes the clock run at another rate from now on.
func (c *clock) setRate(rate int64) { c.mono, c.since, c.rate = c.read(), c.true.now, rate }

// jump moves the monotonic reading ahead: it never goes back.
func (c *clock) jump(d time.Duration) { c.setRate(c.rate); c.mono = c.mono.Add(d) }
