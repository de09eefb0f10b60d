package dependency_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/internal/dependency"
)

var kindNames = map[string]dependency.Kind{
	"ww": dependency.WW, "wr": dependency.WR, "rw": dependency.RW, "rt": dependency.RealTime,
}

// graph reads edges such as "0 ww 1, 1 rt 0"; a star marks one that a clock told.
func graph(t *testing.T, text string) *dependency.Graph {
	t.Helper()
	g := dependency.New(10)
	for _, edge := range strings.Split(text, ",") {
		var e dependency.Edge
		var kind string
		if _, err := fmt.Sscan(edge, &e.From, &kind, &e.To); err != nil {
			t.Fatalf("%q: %v", edge, err)
		}
		e.ByClock = strings.HasSuffix(kind, "*")
		e.Kind = kindNames[strings.TrimSuffix(kind, "*")]
		g.Add(e)
	}
	return g
}

func TestCyclesAreNamedByTheirEdges(t *testing.T) {
	for _, c := range []struct{ edges, want string }{
		{"0 ww 1, 1 wr 2, 0 rw 2", ""},
		{"0 ww 0", ""},
		{"0 ww 1, 1 ww 0", "G0 2"},
		{"0 ww 1, 1 wr 0", "G1c 2"},
		{"0 wr 1, 1 wr 2, 2 wr 0", "G1c 3"},
		{"0 ww 1, 1 rw 0", "G-single 2"},
		{"0 rw 1, 1 rw 0", "G2-item 2"},
		{"0 rw 1, 1 wr 2, 2 rw 0", "G2-item 3"},
		{"0 ww 1, 1 rt 0", "G0-realtime 2"},
		{"0 wr 1, 1 rt 0", "G1c-realtime 2"},
		{"0 rw 1, 1 rt 0", "G-single-realtime 2"},
		{"0 rw 1, 1 rw 2, 2 rt 0", "G2-item-realtime 3"},
		{"0 ww* 1, 1 ww 0", "cyclic-versions 2"},
		{"0 rw* 1, 1 wr 0", "G-single-realtime 2"},
		// The worst comes first, and each name once.
		{"0 ww 1, 1 ww 0, 1 rw 0", "G0 2, G-single 2"},
		{"0 ww 1, 1 ww 0, 2 ww 3, 3 ww 2", "G0 2"},
		// A short cycle is shown rather than a long one, wherever it is.
		{"0 ww 1, 1 ww 2, 2 ww 0, 2 ww 3, 3 ww 2", "G0 2"},
		{"0 ww 1, 1 ww 2, 2 ww 0, 5 ww 6, 6 ww 5", "G0 2"},
	} {
		var got []string
		for _, cycle := range graph(t, c.edges).Cycles() {
			got = append(got, fmt.Sprint(cycle.Name(), " ", len(cycle)))
			for i, e := range cycle {
				if e.To != cycle[(i+1)%len(cycle)].From {
					t.Errorf("%s: %v is not closed", c.edges, cycle)
				}
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %q, want %q", c.edges, strings.Join(got, ", "), c.want)
		}
	}
}

func TestThereIsACycleIfAndOnlyIfOneIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 10
		g, edges := dependency.New(n), make(map[[2]int]bool)
		for range rapid.IntRange(0, 20).Draw(t, "edges") {
			from, to := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
			kind := rapid.SampledFrom([]dependency.Kind{dependency.WW, dependency.WR, dependency.RW, dependency.RealTime}).Draw(t, "kind")
			if kind == dependency.RealTime && from >= to {
				continue // time has no cycles
			}
			g.Add(dependency.Edge{From: from, To: to, Kind: kind})
			if from != to {
				edges[[2]int{from, to}] = true
			}
		}
		cyclic := false
		for pair := range reach(n, edges) {
			cyclic = cyclic || pair[0] == pair[1]
		}
		if found := g.Cycles(); (len(found) > 0) != cyclic {
			t.Fatalf("cyclic %t, found %v", cyclic, found)
		}
	})
}

func TestALongCycleIsFoundInAGreatGraph(t *testing.T) {
	const n = 100_000
	g := dependency.New(n)
	for i := range n {
		g.Add(dependency.Edge{From: i, To: (i + 1) % n, Kind: dependency.WR})
	}
	found := g.Cycles()
	if len(found) != 1 || len(found[0]) != n || found[0].Name() != "G1c" {
		t.Errorf("%d cycles", len(found))
	}
}
