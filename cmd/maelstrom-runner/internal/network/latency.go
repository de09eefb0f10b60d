package network

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Distribution is the shape of the latencies that servers see.
type Distribution string

// The distributions Maelstrom offers.
const (
	Constant    Distribution = "constant"
	Uniform     Distribution = "uniform"
	Exponential Distribution = "exponential"
)

// Latency draws how long a message between servers is under way.
type Latency struct {
	Mean time.Duration
	Dist Distribution
}

// Validate says what is wrong with a latency, if anything.
func (l Latency) Validate() error {
	switch l.Dist {
	case Constant, Uniform, Exponential:
	default:
		return fmt.Errorf("unknown latency distribution %q: use constant, uniform or exponential", l.Dist)
	}
	if l.Mean < 0 {
		return fmt.Errorf("mean latency %v is negative: use 0 or more", l.Mean)
	}
	return nil
}

// Draw returns one latency, cut to whole milliseconds as Maelstrom cuts it.
func (l Latency) Draw(rng *rand.Rand) time.Duration {
	mean := float64(l.Mean) / float64(time.Millisecond)
	var ms float64
	switch l.Dist {
	case Uniform:
		ms = rng.Float64() * 2 * mean
	case Exponential:
		ms = rng.ExpFloat64() * mean
	default:
		ms = mean
	}
	return time.Duration(ms) * time.Millisecond
}
