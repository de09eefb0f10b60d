package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// The waits between attempts. The first repetition waits for nothing, since what went
// wrong is most often known by then; those after it wait firstWait, twice that, and so
// on to maxWait, each drawn from the upper half, so that clients that failed together
// do not come back together.
const (
	firstWait = 2 * time.Millisecond
	maxWait   = 100 * time.Millisecond
)

// backoff returns how long to wait after so many failures in a row.
func backoff(failures int) time.Duration {
	if failures <= 1 {
		return 0
	}
	wait := maxWait
	if shift := failures - 2; shift < 6 {
		wait = min(firstWait<<shift, maxWait)
	}
	return wait/2 + rand.N(wait/2+1)
}

// pause waits, unless the context ends or early is closed. It reports whether the
// context goes on.
func pause(ctx context.Context, wait time.Duration, early <-chan struct{}) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-early:
	case <-timer.C:
	}
	return ctx.Err() == nil
}
