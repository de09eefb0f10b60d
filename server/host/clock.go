package host

import (
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// clock tells a run's time. Its instants begin above zero, which means never.
type clock struct{ start time.Time }

func newClock() clock { return clock{start: time.Now()} }

func (c clock) now() replication.Time {
	now := time.Now()
	return replication.Time{Mono: c.instant(now), Wall: replication.Timestamp(now.UnixMilli())}
}

// instant is the instant of a time that has a monotonic reading; what was before
// the start is the first instant.
func (c clock) instant(t time.Time) replication.Instant {
	return replication.Instant(max(t.Sub(c.start), 0) + 1)
}
