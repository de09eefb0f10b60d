package storage

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// In no stretch of time is more taken than the rate gives in it and in one burst,
// and a last part; and what waits until next says so may be sent.
func TestThrottleBoundsEveryStretchOfTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 256 << 10
		rate := rapid.Int64Range(MinSnapshotRate, 64<<20).Draw(t, "rate")
		th := throttle{rate: rate}
		type part struct {
			at    replication.Instant
			bytes int
		}
		var sent []part
		now := replication.Instant(1)
		for range rapid.IntRange(1, 60).Draw(t, "parts") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(200*time.Millisecond)).Draw(t, "pause")))
			if !th.allows(now) {
				if now = th.next(); !th.allows(now) {
					t.Fatal("not allowed when it was said to be")
				}
			}
			bytes := rapid.IntRange(1, most).Draw(t, "bytes")
			th.took(now, bytes)
			sent = append(sent, part{now, bytes})
		}
		for i := range sent {
			taken := int64(0)
			for j := i; j < len(sent); j++ {
				taken += int64(sent[j].bytes)
				stretch := sent[j].at.Sub(sent[i].at) + throttleBurst
				if bound := int64(stretch.Seconds()*float64(rate)) + most + 1; taken > bound {
					t.Fatalf("%d bytes in %v at %d per second", taken, stretch, rate)
				}
			}
		}
	})
}

func TestNoRateIsNoBound(t *testing.T) {
	var th throttle
	for range 3 {
		if !th.allows(1) {
			t.Fatal("bounded")
		}
		th.took(1, 1<<30)
	}
}
