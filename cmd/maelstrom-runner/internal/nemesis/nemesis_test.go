package nemesis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

func cluster(n int) []string {
	var nodes []string
	for i := range n {
		nodes = append(nodes, fmt.Sprint("n", i))
	}
	return nodes
}

// hears is what each node hears under a grudge, itself included.
func hears(nodes []string, g network.Grudge) map[string][]string {
	out := make(map[string][]string)
	for _, node := range nodes {
		for _, src := range nodes {
			if !slices.Contains(g[node], src) {
				out[node] = append(out[node], src)
			}
		}
	}
	return out
}

func drawGrudge(t *rapid.T, kind nemesis.PartitionKind, low int) ([]string, map[string][]string, network.Grudge) {
	nodes := cluster(rapid.IntRange(low, 9).Draw(t, "nodes"))
	seed := rapid.Uint64().Draw(t, "seed")
	g := nemesis.MakeGrudge(kind, nodes, rand.New(rand.NewPCG(seed, 0)))
	heard := hears(nodes, g)
	for _, node := range nodes {
		if !slices.Contains(heard[node], node) {
			t.Fatalf("%s: %s does not hear itself: %v", kind, node, g)
		}
	}
	return nodes, heard, g
}

func TestInAMajoritiesRingEveryNodeHearsAMajority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, heard, g := drawGrudge(t, nemesis.MajoritiesRing, 1)
		for _, node := range nodes {
			if len(heard[node]) <= len(nodes)/2 {
				t.Fatalf("%s hears only %v: %v", node, heard[node], g)
			}
		}
	})
}

func TestInAnExactRingNoTwoMajoritiesAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 5).Draw(t, "n")
		nodes := cluster(n)
		g := nemesis.MakeGrudge(nemesis.MajoritiesRing, nodes, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		seen := make(map[string]bool)
		for node, of := range hears(nodes, g) {
			if seen[strings.Join(of, " ")] {
				t.Fatalf("%s hears the same majority as another: %v", node, g)
			}
			seen[strings.Join(of, " ")] = true
			if len(of) != n/2+1 {
				t.Fatalf("%s hears %v, want just a majority", node, of)
			}
		}
	})
}

func TestAThreeNodeRingIsDirected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := cluster(3)
		g := nemesis.MakeGrudge(nemesis.MajoritiesRing, nodes, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		for node, deafTo := range g {
			if len(deafTo) != 1 {
				t.Fatalf("%s does not hear %v, want one node", node, deafTo)
			}
			if slices.Contains(g[deafTo[0]], node) {
				t.Fatalf("%s and %s are cut off both ways: %v", node, deafTo[0], g)
			}
		}
	})
}

func TestComponentsAreCutOffBothWays(t *testing.T) {
	smallest := map[nemesis.PartitionKind]func(n int) int{
		nemesis.SingleNode:    func(int) int { return 1 },
		nemesis.Halves:        func(n int) int { return n / 2 },
		nemesis.MinorityThird: func(n int) int { return (n - 1) / 3 },
	}
	for kind, size := range smallest {
		rapid.Check(t, func(t *rapid.T) {
			nodes, heard, g := drawGrudge(t, kind, 2)
			few := 0
			for _, a := range nodes {
				if len(heard[a]) == size(len(nodes)) {
					few++
				}
				for _, b := range nodes {
					if slices.Contains(g[a], b) != slices.Contains(g[b], a) {
						t.Fatalf("%s: %s and %s are cut one way: %v", kind, a, b, g)
					}
				}
			}
			if want := size(len(nodes)); few < want {
				t.Fatalf("%s: no component of %d nodes: %v", kind, want, g)
			}
		})
	}
}

func TestAnAsymmetricCutHasOneDirection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, g := drawGrudge(t, nemesis.Asymmetric, 2)
		cut := 0
		for a, deafTo := range g {
			for _, b := range deafTo {
				cut++
				if slices.Contains(g[b], a) {
					t.Fatalf("%s and %s are cut off both ways: %v", a, b, g)
				}
			}
		}
		if cut == 0 {
			t.Fatalf("nothing is cut: %v", g)
		}
	})
}

func everything(seed uint64, nodes int) nemesis.Config {
	return nemesis.Config{
		Nodes: cluster(nodes), Faults: nemesis.Faults(),
		Interval: time.Second, Until: time.Minute, Seed: seed, HealAtEnd: true,
	}
}

func TestAPlanDependsOnItsSeedAlone(t *testing.T) {
	a, b, c := nemesis.Plan(everything(1, 5)), nemesis.Plan(everything(1, 5)), nemesis.Plan(everything(2, 5))
	if !reflect.DeepEqual(a, b) {
		t.Error("one seed made two plans")
	}
	if reflect.DeepEqual(a, c) {
		t.Error("two seeds made one plan")
	}
}

func TestFaultsAndCuresAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := nemesis.Plan(everything(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 7).Draw(t, "nodes")))
		if plan[0].At != 0 {
			t.Fatalf("the first step comes after %v", plan[0].At)
		}
		ailing := make(map[nemesis.Action]bool)
		last := time.Duration(0)
		for i, step := range plan {
			if step.At < last || step.At > time.Minute {
				t.Fatalf("step %d comes at %v, after %v", i, step.At, last)
			}
			last = step.At
			if step.Do.Cures() {
				if !ailing[step.Do] && step.At < time.Minute {
					t.Fatalf("step %d cures what is well: %v", i, step)
				}
				delete(ailing, step.Do)
			} else {
				if ailing[step.Do.Cure()] {
					t.Fatalf("step %d hurts what is hurt: %v", i, step)
				}
				ailing[step.Do.Cure()] = true
			}
		}
		if len(ailing) > 0 {
			t.Fatalf("%v is missing at the end", ailing)
		}
	})
}

func TestTheMeanIntervalIsTheOneAskedFor(t *testing.T) {
	cfg := everything(1, 3)
	cfg.Faults, cfg.Until = []nemesis.Fault{nemesis.Partition}, 1000*time.Second
	if steps := len(nemesis.Plan(cfg)); steps < 900 || steps > 1100 {
		t.Errorf("%d steps in 1000 s, want about one each second", steps)
	}
}

// sufferer records what is done to it.
type sufferer struct {
	mu   sync.Mutex // guards done
	done []string
}

func (s *sufferer) note(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, fmt.Sprintf(format, args...))
	return nil
}

func (s *sufferer) Drop(g network.Grudge)   { _ = s.note("drop %v", g) }
func (s *sufferer) Heal()                   { _ = s.note("heal") }
func (s *sufferer) Lose(share float64)      { _ = s.note("lose %v", share) }
func (s *sufferer) Duplicate(share float64) { _ = s.note("duplicate %v", share) }
func (s *sufferer) Slow(node string, extra time.Duration) {
	_ = s.note("slow %s %v", node, extra)
}
func (s *sufferer) Kill(node string) error   { return s.note("kill %s", node) }
func (s *sufferer) Pause(node string) error  { return s.note("pause %s", node) }
func (s *sufferer) Resume(node string) error { return s.note("resume %s", node) }
func (s *sufferer) Start(_ context.Context, node string) error {
	return errors.New(node + " is broken")
}

func TestPlayCarriesOutAPlanOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sufferer{}
		start := time.Now()
		var log []string
		nemesis.Play(t.Context(), []nemesis.Step{
			{At: 0, Do: nemesis.StartPartition, Kind: "one", Grudge: network.Grudge{"n0": {"n1"}}},
			{At: time.Second, Do: nemesis.KillNodes, Nodes: []string{"n1"}},
			{At: 3 * time.Second, Do: nemesis.StopPartition},
			{At: 3 * time.Second, Do: nemesis.StartNodes, Nodes: []string{"n1"}},
		}, start, s, func(step nemesis.Step, done bool, err error) {
			log = append(log, fmt.Sprintf("%v %s %t %v", time.Since(start), step.Do, done, err))
		})
		wantDone := []string{"drop map[n0:[n1]]", "kill n1", "heal"}
		wantLog := []string{
			"0s start-partition false <nil>", "0s start-partition true <nil>", "1s kill false <nil>", "1s kill true <nil>",
			"3s stop-partition false <nil>", "3s stop-partition true <nil>", "3s start false <nil>", "3s start true start n1: n1 is broken",
		}
		if !slices.Equal(s.done, wantDone) || !slices.Equal(log, wantLog) {
			t.Errorf("done %q\nlog %q", s.done, log)
		}
	})
}

func TestPlayMakesTheNetworkBadAndGoodAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sufferer{}
		nemesis.Play(t.Context(), []nemesis.Step{
			{Do: nemesis.StartLoss, Share: 0.5},
			{Do: nemesis.StopLoss},
			{Do: nemesis.StartDuplicate, Share: 1},
			{Do: nemesis.StopDuplicate},
			{Do: nemesis.SlowNodes, Nodes: []string{"n1"}, Extra: time.Second},
			{Do: nemesis.HastenNodes, Nodes: []string{"n0", "n1"}},
		}, time.Now(), s, func(nemesis.Step, bool, error) {})
		want := []string{"lose 0.5", "lose 0", "duplicate 1", "duplicate 0", "slow n1 1s", "slow n0 0s", "slow n1 0s"}
		if !slices.Equal(s.done, want) {
			t.Errorf("done %q", s.done)
		}
	})
}

func TestAFaultDoesNotMoveAnother(t *testing.T) {
	all := nemesis.Plan(everything(1, 5))
	for _, alone := range []nemesis.Fault{nemesis.Partition, nemesis.Loss, nemesis.Duplicate, nemesis.Slow} {
		cfg := everything(1, 5)
		cfg.Faults = []nemesis.Fault{alone}
		for _, step := range nemesis.Plan(cfg) {
			if !slices.ContainsFunc(all, func(s nemesis.Step) bool { return reflect.DeepEqual(s, step) }) {
				t.Errorf("%v at %v comes only when %s is alone", step, step.At, alone)
			}
		}
	}
}

func TestAPrefixHasTheFirstFaultsAndAllCures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := nemesis.Plan(everything(rapid.Uint64().Draw(t, "seed"), 3))
		total := nemesis.Hurts(plan)
		k := rapid.IntRange(0, total).Draw(t, "k")
		prefix := nemesis.Prefix(plan, k)
		if got := nemesis.Hurts(prefix); got != k {
			t.Fatalf("%d faults, want %d", got, k)
		}
		cures := func(s nemesis.Step) bool { return !s.Do.Cures() }
		if !reflect.DeepEqual(slices.DeleteFunc(slices.Clone(prefix), cures), slices.DeleteFunc(slices.Clone(plan), cures)) {
			t.Fatal("the cures are not the same")
		}
		if k == total && !reflect.DeepEqual(prefix, plan) {
			t.Fatal("all faults are not the plan")
		}
	})
}

func TestPlayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		s := &sufferer{}
		nemesis.Play(ctx, []nemesis.Step{{At: time.Hour, Do: nemesis.StopPartition}}, time.Now(), s,
			func(nemesis.Step, bool, error) {})
		if len(s.done) > 0 {
			t.Errorf("done %q", s.done)
		}
	})
}
