package quorum

import (
	"cmp"
	"slices"
)

// Config is who votes: the ensemble, and the joining ensemble while there is
// one. A member of both is listed in both and has a vote in each.
type Config[V comparable] struct {
	Ensemble []V
	Joining  []V
}

// Voters returns every voter once, in the order of the ensembles.
func (c Config[V]) Voters() []V {
	voters := slices.Clone(c.Ensemble)
	for _, v := range c.Joining {
		if !slices.Contains(voters, v) {
			voters = append(voters, v)
		}
	}
	return voters
}

// Contains reports whether v votes.
func (c Config[V]) Contains(v V) bool {
	return slices.Contains(c.Ensemble, v) || slices.Contains(c.Joining, v)
}

// Reached reports whether the voters for whom in is true are a majority of the
// ensemble, and of the joining ensemble if there is one. An empty Config is
// never reached: nobody decides for a shard without members.
func (c Config[V]) Reached(in func(V) bool) bool {
	return majority(c.Ensemble, in) && (len(c.Joining) == 0 || majority(c.Joining, in))
}

// Highest returns the highest position that a quorum has reached, given each
// voter's own position: for commit offsets, the offset that a majority of each
// ensemble holds. It returns the zero position for an empty Config.
func Highest[V comparable, P cmp.Ordered](c Config[V], position func(V) P) P {
	highest := majorityPosition(c.Ensemble, position)
	if len(c.Joining) > 0 {
		highest = min(highest, majorityPosition(c.Joining, position))
	}
	return highest
}

func majority[V any](voters []V, in func(V) bool) bool {
	count := 0
	for _, v := range voters {
		if in(v) {
			count++
		}
	}
	return len(voters) > 0 && count > len(voters)/2
}

func majorityPosition[V any, P cmp.Ordered](voters []V, position func(V) P) P {
	var zero P
	if len(voters) == 0 {
		return zero
	}
	positions := make([]P, len(voters))
	for i, v := range voters {
		positions[i] = position(v)
	}
	slices.Sort(positions)
	// The lower half, rounded down, may lag behind; the next one is reached by
	// a majority.
	return positions[(len(positions)-1)/2]
}
