package workload_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func generator(t *testing.T, name string, nodes, threads int, seed uint64) (workload.Generator, *workload.Pool) {
	t.Helper()
	w, err := workload.New(name, workload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := w.Generator(workload.Setup{Nodes: nodes, Threads: threads, Rng: seeded(seed)})
	if err != nil {
		t.Fatal(err)
	}
	return g, workload.NewPool(threads)
}

// perfect is a register that answers at once.
type perfect map[int]string

func (p perfect) succeeds(op workload.Operation) bool {
	reg := op.Value.(checker.Register)
	switch current, exists := p[reg.Key]; {
	case op.F == checker.Read:
		return exists
	case op.F == checker.CAS && current != reg.From:
		return false
	case op.F == checker.CAS:
		p[reg.Key] = reg.To
	default:
		p[reg.Key] = reg.Value
	}
	return true
}

// With 4n clients there are two groups of 2n. Half of the first only read; everyone
// else makes one write to two cas, and a cas finds one of five values. So a perfect
// store has 1/4 reads + 3/4 * (1/3 writes + 2/3 * 1/5 cas) = 60 % successes, less the
// reads and cas that come before the first write of a key. This is why the best that
// Maelstrom can report under its usual flags is 59 %.
func TestAPerfectStoreHasSixtyPercentSuccesses(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		g, pool := generator(t, "lin-kv", nodes, 4*nodes, 1)
		store := make(perfect)
		kinds := make(map[string]int)
		const total = 20000
		ok := 0
		for range total {
			thread, op, chosen := g.Next(pool)
			if !chosen {
				t.Fatal("nothing to do for free threads")
			}
			kinds[op.F]++
			pool.Busy(thread)
			if store.succeeds(op) {
				ok++
			}
			pool.Done(thread, history.OK)
		}
		for _, c := range []struct {
			what      string
			got, want float64
		}{
			{"successes", float64(ok), 0.60},
			{"reads", float64(kinds[checker.Read]), 0.25},
			{"writes", float64(kinds[checker.Write]), 0.25},
			{"cas", float64(kinds[checker.CAS]), 0.50},
		} {
			if math.Abs(c.got/total-c.want) > 0.02 {
				t.Errorf("%d nodes: %.3f %s, want %.2f", nodes, c.got/total, c.what, c.want)
			}
		}
	}
}

func TestOnlyTheFirstThreadsRead(t *testing.T) {
	g, pool := generator(t, "lin-kv", 3, 12, 1)
	for range 1000 {
		thread, op, _ := g.Next(pool)
		if reads := op.F == checker.Read; reads != (thread < 3) {
			t.Fatalf("thread %d does a %s", thread, op.F)
		}
		if key := op.Value.(checker.Register).Key; key != thread/6 {
			t.Fatalf("thread %d uses key %d", thread, key)
		}
		pool.Busy(thread)
		pool.Done(thread, history.OK)
	}
}

func TestBusyThreadsGetNothing(t *testing.T) {
	g, pool := generator(t, "lin-kv", 3, 6, 1)
	seen := make(map[int]bool)
	for range 6 {
		thread, _, ok := g.Next(pool)
		if !ok || seen[thread] {
			t.Fatalf("thread %d, %t, after %v", thread, ok, seen)
		}
		seen[thread] = true
		pool.Busy(thread)
	}
	if thread, _, ok := g.Next(pool); ok {
		t.Errorf("thread %d is busy and got more", thread)
	}
}

// Every unknown outcome makes a new process, and a key is given up when more than
// twenty processes would have touched it.
func TestAKeyIsGivenUpAfterTwentyProcesses(t *testing.T) {
	g, pool := generator(t, "lin-kv", 3, 6, 1)
	processes := make(map[int]map[history.Process]bool)
	for range 500 {
		thread, op, _ := g.Next(pool)
		key := op.Value.(checker.Register).Key
		if processes[key] == nil {
			processes[key] = make(map[history.Process]bool)
		}
		processes[key][pool.Process(thread)] = true
		pool.Busy(thread)
		pool.Done(thread, history.Info)
	}
	for key, of := range processes {
		if len(of) > 20 {
			t.Errorf("%d processes touched key %d", len(of), key)
		}
	}
	// A key starts with 6 processes, and 14 unknown outcomes bring it to 20.
	if len(processes) < 500/15 || len(processes) > 500/13 {
		t.Errorf("%d keys were used for 500 unknown operations", len(processes))
	}
}

func TestAGeneratorDependsOnItsSeedAlone(t *testing.T) {
	for _, name := range workload.Names() {
		sequence := func(seed uint64) (ops []string) {
			g, pool := generator(t, name, 3, 12, seed)
			for i := range 200 {
				thread, op, _ := g.Next(pool)
				ops = append(ops, fmt.Sprint(thread, op))
				pool.Busy(thread)
				pool.Done(thread, []history.Type{history.OK, history.Info}[i%2])
			}
			return ops
		}
		if !slices.Equal(sequence(1), sequence(1)) {
			t.Errorf("%s: one seed made two sequences", name)
		}
		if name != "unique-ids" && slices.Equal(sequence(1), sequence(2)) {
			t.Errorf("%s: two seeds made one sequence", name)
		}
	}
}

func TestThreadsTakeTurns(t *testing.T) {
	g, pool := generator(t, "unique-ids", 3, 3, 1)
	counts := make(map[int]int)
	for range 400 {
		thread, _, _ := g.Next(pool)
		counts[thread]++
		pool.Busy(thread)
		pool.Done(thread, history.OK)
	}
	for thread := range 3 {
		if counts[thread] < 80 {
			t.Errorf("thread %d had %d of 400 turns", thread, counts[thread])
		}
	}
}
