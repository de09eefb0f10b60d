package replication_test

import (
	"testing"

	"github.com/ostraka-db/ostraka/replication/replicationtest"
)

// TestGolden runs the protocol stories of testdata.
func TestGolden(t *testing.T) { replicationtest.Script(t, "testdata") }
