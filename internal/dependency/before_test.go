package dependency_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/internal/dependency"
)

// reach returns which pairs are connected by edges, in one or more steps.
func reach(n int, edges map[[2]int]bool) map[[2]int]bool {
	out := make(map[[2]int]bool)
	for e := range edges {
		out[e] = true
	}
	for k := range n {
		for i := range n {
			for j := range n {
				if out[[2]int{i, k}] && out[[2]int{k, j}] {
					out[[2]int{i, j}] = true
				}
			}
		}
	}
	return out
}

// Whatever is made of edges that hold follows from edges that hold; so it is enough to
// compare what can be reached.
func TestBeforeSaysAllAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		intervals := make([]dependency.Interval, n)
		for i := range intervals {
			// Starts are even and ends are odd: no event is both.
			start := 2 * rapid.IntRange(0, 20).Draw(t, "start")
			end := 2*rapid.IntRange(-20, 20).Draw(t, "length") + start + 1
			if rapid.IntRange(0, 5).Draw(t, "ends") == 0 {
				end = dependency.Never
			}
			intervals[i] = dependency.Interval{Start: start, End: end}
		}
		want, got := make(map[[2]int]bool), make(map[[2]int]bool)
		for i := range n {
			for j := range n {
				if i != j && intervals[i].End < intervals[j].Start {
					want[[2]int{i, j}] = true
				}
			}
		}
		dependency.Before(intervals, func(i, j int) { got[[2]int{i, j}] = true })
		for e := range got {
			if !want[e] {
				t.Fatalf("%v does not end before %v begins", intervals[e[0]], intervals[e[1]])
			}
		}
		if a, b := fmt.Sprint(reach(n, got)), fmt.Sprint(reach(n, want)); a != b {
			t.Fatalf("%v: got %s, want %s", intervals, a, b)
		}
	})
}

func TestBeforeIsNearlyLinear(t *testing.T) {
	const n, open = 10_000, 10
	var intervals []dependency.Interval
	for i := range n {
		intervals = append(intervals, dependency.Interval{Start: 2 * i, End: 2*(i+open) + 1})
	}
	edges := 0
	dependency.Before(intervals, func(int, int) { edges++ })
	if edges > 2*open*n {
		t.Errorf("%d edges for %d intervals, %d of them at a time", edges, n, open)
	}
}
