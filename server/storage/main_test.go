package storage

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(errorSweepVariable) != "" {
		// An engine that failed while it was opened may leave a goroutine behind.
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}
