package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind is a kind of fault.
type Kind uint8

// The kinds of faults.
const (
	Loss Kind = iota
	Copies
	Delay
	Partition
	OneWay
	Kill
	PowerLoss
	Pause
	Skew
	Drift
	Jump
	SlowDisk
	SlowWork
	FullDisk
	DiskError
	LogRot
	TableRot
	Wipe
	StoreCut
	StoreDeaf
	StoreSlow
	Wish
	Trim
	Drain
	Isolate
	KillLeader
	Move
	kinds
)

// String returns the kind's name.
func (k Kind) String() string { return table[k].name }

// Kinds returns all kinds.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Fault is one fault of a schedule. What its fields mean is its kind's business.
type Fault struct {
	// At is when it strikes, and For how long it lasts, from the begin of the
	// simulation on.
	At, For time.Duration
	Kind    Kind
	// Server is whom it strikes, Others are a set of further servers, as bits.
	Server int
	Others uint64
	Shard  int
	// Rate, Place and Percent are from 0 to 1, and to 100; Duration and Count are how
	// much of something.
	Rate, Place float64
	Percent     int
	Duration    time.Duration
	Count       int64
}

func (f *Fault) String() string {
	text := fmt.Sprintf("%v for %v: %v", f.At.Round(time.Millisecond), f.For.Round(time.Millisecond), f.Kind)
	if table[f.Kind].describe == nil {
		return text
	}
	return text + " " + table[f.Kind].describe(f)
}

// servers returns the set of further servers.
func (f *Fault) servers(all int) []int {
	var set []int
	for i := range all {
		if f.Others>>i&1 == 1 {
			set = append(set, i)
		}
	}
	return set
}

func name(server int) string { return fmt.Sprintf("s%d", server+1) }

// drawSchedule draws every fault of a simulation before it begins, so that some of
// them can be left out, and all others stay as they are.
func drawSchedule(c *Config, r *rand.Rand) []Fault {
	var all []Fault
	for k, rate := range c.Rates {
		// A stream of its own, so that the others do not depend on it.
		own := rand.New(rand.NewPCG(r.Uint64(), uint64(k)))
		if rate == 0 {
			continue
		}
		at := time.Duration(0)
		for {
			at += time.Duration(own.ExpFloat64() / rate * float64(time.Minute))
			if at > c.For {
				break
			}
			f := Fault{
				At: at, Kind: Kind(k), Server: own.IntN(c.Servers), Others: own.Uint64(), Shard: own.IntN(c.Shards),
				Rate: own.Float64(), Place: own.Float64(), Percent: own.IntN(101),
				For:      time.Duration((0.1 + own.ExpFloat64()) * float64(table[k].lasts)),
				Duration: time.Duration((0.1 + own.ExpFloat64()) * float64(table[k].takes)),
				Count:    1 + own.Int64N(40),
			}
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return int(a.At - b.At) })
	return all
}
