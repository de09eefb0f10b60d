package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

// PartitionKind is a way to cut a network.
type PartitionKind string

// The kinds of partitions. All but Asymmetric are Jepsen's.
const (
	SingleNode     PartitionKind = "one"
	Halves         PartitionKind = "majority"
	MajoritiesRing PartitionKind = "majorities-ring"
	MinorityThird  PartitionKind = "minority-third"
	Asymmetric     PartitionKind = "asymmetric"
)

// PartitionKinds returns every kind.
func PartitionKinds() []PartitionKind {
	return []PartitionKind{SingleNode, MinorityThird, Halves, MajoritiesRing, Asymmetric}
}

// MakeGrudge draws a partition of the given kind.
func MakeGrudge(kind PartitionKind, nodes []string, rng *rand.Rand) network.Grudge {
	shuffled := shuffle(nodes, rng)
	switch kind {
	case SingleNode:
		return separate(shuffled[:1], shuffled[1:])
	case Halves:
		half := len(nodes) / 2
		return separate(shuffled[:half], shuffled[half:])
	case MinorityThird:
		third := minorityThird(len(nodes))
		return separate(shuffled[:third], shuffled[third:])
	case MajoritiesRing:
		return majoritiesRing(shuffled, rng)
	case Asymmetric:
		return oneWay(shuffled, rng)
	}
	panic(fmt.Sprintf("nemesis: unknown kind of partition %q", kind))
}

func shuffle(nodes []string, rng *rand.Rand) []string {
	out := slices.Clone(nodes)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// majority is the smallest number above half of n.
func majority(n int) int { return n/2 + 1 }

// minorityThird is the largest number below a third of n: none of three nodes.
func minorityThird(n int) int { return (n - 1) / 3 }

// separate cuts both directions between two components.
func separate(a, b []string) network.Grudge {
	g := make(network.Grudge)
	for _, node := range a {
		g[node] = slices.Clone(b)
	}
	for _, node := range b {
		g[node] = slices.Clone(a)
	}
	return g
}

// oneWay cuts one direction between a random minority and the rest: either the
// minority is not heard, or it does not hear.
func oneWay(shuffled []string, rng *rand.Rand) network.Grudge {
	most := max(1, majority(len(shuffled))-1)
	size := min(1+rng.IntN(most), len(shuffled))
	few, many := shuffled[:size], shuffled[size:]
	if rng.IntN(2) == 0 {
		few, many = many, few
	}
	g := make(network.Grudge)
	for _, deaf := range few {
		g[deaf] = slices.Clone(many)
	}
	return g
}

// largestExactRing is the largest cluster for which windows of a ring give every
// node exactly a majority, all of them different.
const largestExactRing = 5

func majoritiesRing(ring []string, rng *rand.Rand) network.Grudge {
	if len(ring) <= largestExactRing {
		return exactRing(ring)
	}
	return grownRing(ring, rng)
}

// exactRing takes every window of a majority around the ring; the node in the
// middle of a window hears just that window.
func exactRing(ring []string) network.Grudge {
	n, m := len(ring), majority(len(ring))
	g := make(network.Grudge)
	for start := range n {
		heard := make(map[string]bool, m)
		for i := range m {
			heard[ring[(start+i)%n]] = true
		}
		g[ring[(start+m/2)%n]] = without(ring, heard)
	}
	return g
}

// grownRing links the two least connected nodes that are not linked yet, until every
// node hears a majority.
func grownRing(nodes []string, rng *rand.Rand) network.Grudge {
	m := majority(len(nodes))
	heard := make(map[string]map[string]bool, len(nodes))
	for _, node := range nodes {
		heard[node] = map[string]bool{node: true}
	}
	for {
		order := shuffle(nodes, rng)
		slices.SortStableFunc(order, func(a, b string) int { return len(heard[a]) - len(heard[b]) })
		a := order[0]
		if len(heard[a]) >= m {
			break
		}
		at := slices.IndexFunc(order, func(b string) bool { return !heard[a][b] })
		b := order[at] // exists: a hears less than a majority
		heard[a][b], heard[b][a] = true, true
	}
	g := make(network.Grudge)
	for _, node := range nodes {
		g[node] = without(nodes, heard[node])
	}
	return g
}

func without(nodes []string, heard map[string]bool) []string {
	var out []string
	for _, node := range nodes {
		if !heard[node] {
			out = append(out, node)
		}
	}
	return out
}
