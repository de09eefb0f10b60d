package perf

import (
	"context"
	"time"
)

// fineWait is the last part of a wait, which is left to nap: the runtime's timers may
// be a millisecond late, as much as a good service needs for its whole answer.
const fineWait = 2 * time.Millisecond

// pace waits for moments. nap sleeps for less than fineWait, to within some ten
// microseconds where the system can.
type pace struct{ nap func(time.Duration) }

// until waits for a moment, or for the end of the context, which it reports by false.
func (p pace) until(ctx context.Context, moment time.Time) bool {
	if wait := time.Until(moment); wait > fineWait {
		timer := time.NewTimer(wait - fineWait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for {
		wait := time.Until(moment)
		if ctx.Err() != nil {
			return false
		}
		if wait <= 0 {
			return true
		}
		p.nap(wait)
	}
}
