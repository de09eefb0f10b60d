//go:build !linux

package perf

import "time"

// nap sleeps by the runtime's timers.
func nap(d time.Duration) { time.Sleep(d) }
