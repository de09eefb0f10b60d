package dependency

import "slices"

// Cycle is a closed way: each edge begins where the one before it ends.
type Cycle []Edge

// Name is the name of the anomaly that the cycle is.
func (c Cycle) Name() string {
	name, suffix, antis := "G0", "", 0
	reads, writes, byClock := false, true, false
	for _, e := range c {
		reads = reads || e.Kind == WR
		writes = writes && e.Kind == WW
		byClock = byClock || e.ByClock
		if e.Kind == RW {
			antis++
		}
		if !e.timeless() {
			suffix = "-realtime"
		}
	}
	switch {
	case writes && byClock:
		return "cyclic-versions"
	case antis == 1:
		name = "G-single"
	case antis > 1:
		name = "G2-item"
	case reads:
		name = "G1c"
	}
	return name + suffix
}

// class is a family of cycles: through an edge of the kind through, and else along
// edges of the kinds along.
type class struct {
	through, along Kind
	clock          bool
}

// classes are in the order of how bad they are. Every cycle is in one of them: real time
// alone has no cycle, so there is always an edge of another kind to go through.
var classes = []class{
	{WW, WW, false}, {WR, WW | WR, false}, {RW, WW | WR, false}, {RW, WW | WR | RW, false},
	{WW, WW | RealTime, true}, {WR, WW | WR | RealTime, true},
	{RW, WW | WR | RealTime, true}, {RW, WW | WR | RW | RealTime, true},
}

// allows tells whether an edge may be in the rest of the cycle.
func (c class) allows(e Edge) bool {
	return e.Kind&c.along != 0 && (c.clock || e.timeless())
}

// begins tells whether a cycle may be searched through the edge.
func (c class) begins(e Edge) bool {
	return e.Kind == c.through && (c.clock || e.timeless())
}

// Cycles returns a short cycle of each name that is found.
func (g *Graph) Cycles() []Cycle {
	all := make([]int, len(g.out))
	for i := range all {
		all[i] = i
	}
	tangled := slices.Concat(g.components(all, func(Edge) bool { return true })...)
	slices.Sort(tangled) // for the sake of a result that is easy to foresee
	var found []Cycle
	for _, c := range classes {
		cycle := g.shortest(c, tangled)
		known := slices.ContainsFunc(found, func(k Cycle) bool { return k.Name() == cycle.Name() })
		if len(cycle) > 0 && !known {
			found = append(found, cycle)
		}
	}
	return found
}

// budget bounds the edges looked at in the search for one class. A search that has begun
// is always ended; and the first one succeeds in every class whose cycles may go through
// any number of its edges. So there is a cycle in the result if there is one at all.
const budget = 2_000_000

// shortest returns the shortest cycle of a class that the budget finds.
func (g *Graph) shortest(c class, in []int) Cycle {
	if len(in) == 0 {
		return nil
	}
	s := newSearch(g, c)
	components := g.components(in, func(e Edge) bool { return c.allows(e) || c.begins(e) })
	for i, of := range components {
		for _, v := range of {
			s.component[v] = i + 1
		}
	}
	var best Cycle
	for _, of := range components {
		slices.Sort(of)
		for _, v := range of {
			for _, e := range g.out[v] {
				if !c.begins(e) || s.component[e.To] != s.component[v] {
					continue
				}
				if s.looked > budget {
					return best
				}
				if way, ok := s.way(e.To, e.From, len(best)); ok {
					best = append(Cycle{e}, way...)
				}
				if len(best) == shortestCycle {
					return best
				}
			}
		}
	}
	return best
}

const shortestCycle = 2

// search looks for ways inside components.
type search struct {
	g         *Graph
	class     class
	component []int // of each node; 0 for those that are in none
	looked    int   // edges

	walk int    // counts the calls of way
	seen []int  // the last walk that came to a node
	by   []Edge // and the edge by which it came
}

func newSearch(g *Graph, c class) *search {
	n := len(g.out)
	return &search{g: g, class: c, component: make([]int, n), seen: make([]int, n), by: make([]Edge, n)}
}

// way returns the shortest way between two nodes of a component, by breadth-first
// search. If less is not 0, only a way that makes a cycle shorter than that counts.
func (s *search) way(from, to, less int) ([]Edge, bool) {
	s.walk++
	s.seen[from] = s.walk
	layer := []int{from}
	for length := 1; len(layer) > 0 && (less == 0 || length+1 < less); length++ {
		var next []int
		for _, v := range layer {
			s.looked += len(s.g.out[v])
			for _, e := range s.g.out[v] {
				if s.seen[e.To] == s.walk || s.component[e.To] != s.component[from] || !s.class.allows(e) {
					continue
				}
				s.seen[e.To], s.by[e.To] = s.walk, e
				if e.To == to {
					return s.trace(from, to), true
				}
				next = append(next, e.To)
			}
		}
		layer = next
	}
	return nil, false
}

// trace follows the last walk back.
func (s *search) trace(from, to int) []Edge {
	var way []Edge
	for at := to; at != from; at = s.by[at].From {
		way = append(way, s.by[at])
	}
	slices.Reverse(way)
	return way
}
