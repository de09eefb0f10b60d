package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostraka-db/ostraka/replication/sim"
)

// shrinkWithin is how long a failure is shrunk, at most.
const shrinkWithin = 3 * time.Minute

func main() {
	within := flag.Duration("within", 10*time.Minute, "how long to go on")
	first := flag.Uint64("first", uint64(time.Now().UnixMilli())*1000, "the first seed")
	most := flag.Uint64("seeds", 0, "how many seeds at most; 0 is no limit")
	length := flag.Duration("for", time.Minute, "how long faults go on in each, in simulated time")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "how many simulations at a time")
	keepGoing := flag.Bool("keep-going", false, "go on after a failure")
	noShrink := flag.Bool("no-shrink", false, "leave failures as they are")
	flag.Parse()

	// There is little that lives on: collecting garbage less often costs nothing.
	debug.SetGCPercent(400)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, *within)
	defer stop()
	fmt.Printf("soak: seeds from %d on, for %v, %d at a time, %v of faults in each\n", *first, *within, *workers, *length)
	s := &soak{first: *first, most: *most, length: *length, stop: stop, keepGoing: *keepGoing, noShrink: *noShrink}
	begun := time.Now()
	var group sync.WaitGroup
	for range *workers {
		group.Go(func() { s.work(ctx) })
	}
	group.Wait()
	s.print(time.Since(begun), *workers)
	if len(s.failed) > 0 {
		os.Exit(1)
	}
}

// soak is what all workers share.
type soak struct {
	first, most uint64
	length      time.Duration
	stop        context.CancelFunc
	keepGoing   bool
	noShrink    bool
	next        atomic.Uint64

	// mu guards what follows.
	mu     sync.Mutex
	sum    totals
	failed []uint64
}

// totals are the sums of what simulations did.
type totals struct {
	seeds, events            int
	terms, snapshots         int
	truncations, deletions   int
	restarts                 int
	done, refused, unknown   int
	unchecked                int
	simulated, slowestToHeal time.Duration
	faults                   map[sim.Kind]int
}

func (s *soak) work(ctx context.Context) {
	for ctx.Err() == nil {
		n := s.next.Add(1) - 1
		if s.most > 0 && n >= s.most {
			return
		}
		part := sim.Part{Seed: s.first + n, For: s.length}
		report, err := sim.Run(part.Scenario())
		s.add(report)
		if err == nil {
			continue
		}
		s.fail(part, err)
		if !s.keepGoing {
			s.stop()
		}
	}
}

func (s *soak) add(r sim.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.sum
	t.seeds++
	t.events += r.Events
	t.done, t.refused, t.unknown = t.done+r.Done, t.refused+r.Refused, t.unknown+r.Unknown
	t.terms, t.snapshots, t.truncations = t.terms+r.Terms, t.snapshots+r.Snapshots, t.truncations+r.Truncations
	t.deletions, t.restarts = t.deletions+r.Deletions, t.restarts+r.Restarts
	t.unchecked += r.Unchecked
	t.simulated += r.Simulated
	t.slowestToHeal = max(t.slowestToHeal, r.Served)
	if t.faults == nil {
		t.faults = map[sim.Kind]int{}
	}
	for kind, count := range r.Faults {
		t.faults[sim.Kind(kind)] += count
	}
}

// fail tells of a failure at once, and then of the smallest part that still fails.
func (s *soak) fail(part sim.Part, err error) {
	s.mu.Lock()
	s.failed = append(s.failed, part.Seed)
	s.mu.Unlock()
	fmt.Printf("\nFAILED: seed %d: %v\n  %s\n", part.Seed, err, part.Command())
	if s.noShrink {
		return
	}
	end := time.Now().Add(shrinkWithin)
	last := err
	small := sim.Shrink(part, func(p sim.Part) bool {
		_, err := sim.Run(p.Scenario())
		if err != nil {
			last = err
		}
		return err != nil
	}, func() bool { return time.Now().After(end) })
	text := fmt.Sprintf("\nshrunk: seed %d: %v\n  %s\n", part.Seed, last, small.Command())
	for _, f := range small.Scenario().Faults {
		text += fmt.Sprintf("    %v\n", &f)
	}
	fmt.Print(text)
}

func (s *soak) print(took time.Duration, workers int) {
	t := s.sum
	fmt.Printf("\nsoak: %d seeds in %v, %.1f simulated hours, %.0f times real time per core\n",
		t.seeds, took.Round(time.Second), t.simulated.Hours(), t.simulated.Seconds()/took.Seconds()/float64(workers))
	fmt.Printf("soak: %d events; requests: %d done, %d refused, %d unknown; %d histories too hard to check; served at most %v after healing\n",
		t.events, t.done, t.refused, t.unknown, t.unchecked, t.slowestToHeal)
	fmt.Printf("soak: %d terms with a leader, %d snapshots installed, %d logs truncated, %d replicas deleted, %d restarts\n",
		t.terms, t.snapshots, t.truncations, t.deletions, t.restarts)
	fmt.Print("soak: faults:")
	for _, kind := range sim.Kinds() {
		fmt.Printf(" %v %d", kind, t.faults[kind])
	}
	fmt.Println()
	if len(s.failed) > 0 {
		fmt.Printf("soak: %d seeds failed: %v\n", len(s.failed), s.failed)
	}
}
