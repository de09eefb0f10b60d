package sim

import (
	"math/rand/v2"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// network carries envelopes between servers. What is sent in one step arrives
// together, unless a fault takes the batch apart.
type network struct {
	*scheduler
	random *rand.Rand
	trace  *trace
	// base is the mean time of a message on its way.
	base time.Duration
	// cut counts, for each pair of servers, the faults that cut the way from the
	// first to the second.
	cut [][]int
	// lossy, copying and slow are the faults at work, the newest last.
	lossy, copying, slow []*Fault
}

func newNetwork(s *scheduler, t *trace, random *rand.Rand, base time.Duration, servers int) *network {
	n := &network{scheduler: s, trace: t, random: random, base: base, cut: make([][]int, servers)}
	for i := range n.cut {
		n.cut[i] = make([]int, servers)
	}
	return n
}

// way is the link from a server to another, by their indexes, and what takes what
// arrives there.
type way struct {
	from, to int
	arrive   func([]replication.Envelope)
}

// send takes the envelopes of one step of a server for another.
func (n *network) send(w way, batch []replication.Envelope) {
	if len(n.lossy)+len(n.copying)+len(n.slow) == 0 {
		n.carry(w, n.travels(), batch)
		return
	}
	for _, e := range batch {
		for more := true; more; more = n.happens(n.copying) {
			if !n.happens(n.lossy) {
				n.carry(w, n.travels(), []replication.Envelope{e})
			}
		}
	}
}

// carry lets envelopes arrive if the way is open when they leave and when they
// arrive.
func (n *network) carry(w way, takes time.Duration, batch []replication.Envelope) {
	if n.cut[w.from][w.to] > 0 {
		return
	}
	n.after(takes, func() {
		if n.cut[w.from][w.to] == 0 {
			w.arrive(batch)
		}
	})
}

// travels draws how long a message is on its way: a little above the mean at
// most, but sometimes much longer.
func (n *network) travels() time.Duration {
	mean := n.base
	if len(n.slow) > 0 {
		mean += n.slow[len(n.slow)-1].Duration
	}
	if n.random.IntN(64) == 0 {
		mean *= 8
	}
	return mean/2 + time.Duration(n.random.Int64N(int64(mean)))
}

// happens draws whether a fault strikes: its rate counts squared, so that it is
// mostly low.
func (n *network) happens(faults []*Fault) bool {
	if len(faults) == 0 {
		return false
	}
	rate := faults[len(faults)-1].Rate
	return n.random.Float64() < mostHappens*rate*rate
}

// mostHappens is the most that is lost, or comes twice.
const mostHappens = 0.6
