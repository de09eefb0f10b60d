package replicationtest_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication/replicationtest"
)

var (
	seeds = flag.Uint64("chaos.seeds", 200, "how many seeds TestChaos runs")
	first = flag.Uint64("chaos.first", 1, "the first of them")
	trace = flag.String("chaos.trace", "", "write the trace of the first seed to this file")
)

// TestChaos runs the core under random faults, for fixed seeds.
func TestChaos(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		c := replicationtest.Chaos{Seed: seed, For: 20 * time.Second}
		if *trace != "" && seed == *first {
			f, err := os.Create(*trace)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			c.Trace = func(line string) { fmt.Fprintln(f, line) }
		}
		report, err := c.Run()
		if err != nil {
			t.Errorf("%v\n%+v\nreproduce: go test ./replication/replicationtest -run TestChaos "+
				"-chaos.first %d -chaos.seeds 1 -chaos.trace trace.txt", err, report, seed)
		}
		if testing.Verbose() {
			t.Logf("seed %d: %+v", seed, report)
		}
	}
}
