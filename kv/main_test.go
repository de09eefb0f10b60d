package kv

import (
	"testing"

	"go.uber.org/goleak"
)

// Every test closes what it opened: nothing may still be running at the end.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
