package maelstrom

import (
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// clock tells a run's time. Its instants start above zero, which means never.
type clock struct{ start time.Time }

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() replication.Time {
	now := time.Now()
	return replication.Time{
		Mono: replication.Instant(now.Sub(c.start) + 1),
		Wall: replication.Timestamp(now.UnixMilli()),
	}
}
