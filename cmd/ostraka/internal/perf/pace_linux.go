package perf

import (
	"syscall"
	"time"
)

// nap sleeps by the kernel's clock, which is some fifty microseconds late. A signal may
// end it early.
func nap(d time.Duration) {
	wait := syscall.NsecToTimespec(int64(d))
	// The only error is that of a signal: the caller looks at the time again.
	_ = syscall.Nanosleep(&wait, nil)
}
