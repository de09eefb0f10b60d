package storage

import (
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// throttleBurst is how much may be sent at once after a pause, as time.
const throttleBurst = 100 * time.Millisecond

// throttle bounds bytes per second. What it keeps is one instant, up to which the
// bytes that were taken use the rate up: a bucket of tokens, told by when it is
// full. In any stretch of time no more is taken than the rate gives in it, and in
// throttleBurst, and one part.
type throttle struct {
	// rate is in bytes per second; zero is no bound.
	rate int64
	used replication.Instant
}

// allows reports whether a part may be sent.
func (t *throttle) allows(now replication.Instant) bool { return t.rate == 0 || t.next() <= now }

// next is when a part may be sent, which may have been long ago.
func (t *throttle) next() replication.Instant { return t.used.Add(-throttleBurst) }

// took takes note of bytes that were sent.
func (t *throttle) took(now replication.Instant, bytes int) {
	if t.rate == 0 {
		return
	}
	// A part is far from the 8 GiB at which this would overflow.
	t.used = max(t.used, now).Add(time.Duration(int64(bytes) * int64(time.Second) / t.rate))
}
