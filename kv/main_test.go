package kv

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Every test closes what it opened: nothing may still be running at the end. In a
// process of the error sweep, an engine that failed while it was opened may leave a
// goroutine behind.
func TestMain(m *testing.M) {
	if os.Getenv(errorSweepVariable) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}
