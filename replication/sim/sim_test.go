package sim_test

import (
	"bufio"
	"flag"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication/sim"
)

var (
	first   = flag.Uint64("sim.first", 1, "the first seed of TestSeeds")
	seeds   = flag.Int("sim.seeds", 600/share, "how many seeds TestSeeds runs")
	verbose = flag.Bool("sim.verbose", false, "print what happens")
	length  = flag.Duration("sim.for", time.Minute, "how long faults go on, in simulated time")
	keep    = flag.String("sim.keep", "", "the places of the faults that strike, with commas between them; all if empty")
)

func TestMain(m *testing.M) {
	// Each simulation leaves everything behind.
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// workers is how many simulations run at a time.
const workers = 4

// run runs parts, several at a time, and returns their hashes.
func run(t *testing.T, parts []sim.Part) []uint64 {
	t.Helper()
	hashes := make([]uint64, len(parts))
	next := make(chan int)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range next {
				s := parts[i].Scenario()
				if *verbose {
					s.Trace = os.Stdout
				}
				report, err := sim.Run(s)
				if err != nil {
					t.Errorf("seed %d: %v\n%s", parts[i].Seed, err, parts[i].Command())
				}
				hashes[i] = report.Hash
			}
		})
	}
	for i := range parts {
		next <- i
	}
	close(next)
	group.Wait()
	return hashes
}

// A cluster keeps its promises under the faults of fixed seeds.
func TestSeeds(t *testing.T) {
	kept, err := sim.ParseKeep(*keep)
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]sim.Part, *seeds)
	for i := range parts {
		parts[i] = sim.Part{Seed: *first + uint64(i), For: *length, Keep: kept}
	}
	run(t, parts)
}

// What once failed does not fail again.
func TestRegressions(t *testing.T) {
	file, err := os.Open("testdata/regressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var parts []sim.Part
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(strings.SplitN(lines.Text(), "#", 2)[0])
		if len(words) == 0 {
			continue
		}
		part := sim.Part{For: time.Minute}
		if part.Seed, err = strconv.ParseUint(words[0], 10, 64); err != nil {
			t.Fatal(err)
		}
		if len(words) > 1 {
			if part.For, err = time.ParseDuration(words[1]); err != nil {
				t.Fatal(err)
			}
		}
		parts = append(parts, part)
	}
	run(t, parts)
}

// One seed is one story: whatever else the machine does, it comes out the same.
func TestDeterminism(t *testing.T) {
	parts := make([]sim.Part, 200/share)
	for i := range parts {
		parts[i] = sim.Part{Seed: 1_000_000 + uint64(i), For: 20 * time.Second}
	}
	once, again := run(t, parts), run(t, parts)
	for i := range parts {
		if once[i] != again[i] {
			t.Errorf("seed %d: hash %x, and then %x", parts[i].Seed, once[i], again[i])
		}
	}
}
