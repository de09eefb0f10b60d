package nemesis

import (
	"math/rand/v2"
	"time"
)

// burst is a fault with a schedule of its own that is simply on or off.
type burst struct {
	fault  Fault
	stream uint64
	draw   func(cfg Config, rng *rand.Rand) Step
}

// How bad bursts are. The mild ones let a protocol go on and reorder what it says; the
// bad ones come close to a partition.
var (
	lossShares      = []float64{0.05, 0.2, 0.5}
	duplicateShares = []float64{0.1, 0.5, 1}
	extras          = []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond}
)

var bursts = []burst{
	{Loss, streamLoss, func(_ Config, rng *rand.Rand) Step {
		return Step{Do: StartLoss, Share: oneOf(lossShares, rng)}
	}},
	{Duplicate, streamDuplicates, func(_ Config, rng *rand.Rand) Step {
		return Step{Do: StartDuplicate, Share: oneOf(duplicateShares, rng)}
	}},
	{Slow, streamSlow, func(cfg Config, rng *rand.Rand) Step {
		node := oneOf(cfg.Nodes, rng)
		return Step{Do: SlowNodes, Kind: "one", Nodes: []string{node}, Extra: oneOf(extras, rng)}
	}},
}

func oneOf[T any](of []T, rng *rand.Rand) T { return of[rng.IntN(len(of))] }

func planBursts(cfg Config, b burst, rng *rand.Rand) []Step {
	var steps []Step
	on := false
	for at := time.Duration(0); at < cfg.Until; at += stagger(cfg.Interval, rng) {
		step := Step{Do: b.fault.cure(), Nodes: b.fault.victims(cfg.Nodes)}
		if !on {
			step = b.draw(cfg, rng)
		}
		step.At = at
		steps = append(steps, step)
		on = !on
	}
	return steps
}
