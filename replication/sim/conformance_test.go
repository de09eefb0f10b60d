package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/replicationtest/conformance"
)

// simulated is the network alone, with ends that do nothing but take what arrives.
type simulated struct {
	network *network
	ends    map[replication.ServerID]*simulatedEnd
}

type simulatedEnd struct {
	network *simulated
	index   int
	deliver func([]replication.Envelope)
}

// Send implements replication.Transport.
func (e *simulatedEnd) Send(to replication.ServerID, batch []replication.Envelope) {
	receiver := e.network.ends[to]
	e.network.network.send(way{e.index, receiver.index, receiver.arrive}, slices.Clone(batch))
}

func (e *simulatedEnd) arrive(batch []replication.Envelope) {
	if e.deliver != nil {
		e.deliver(batch)
	}
}

// Start implements conformance.Network.
func (n *simulated) Start(self replication.Server, deliver func([]replication.Envelope)) replication.Transport {
	e := n.ends[self.ID]
	if e == nil {
		e = &simulatedEnd{network: n, index: len(n.ends)}
		n.ends[self.ID] = e
	}
	// What is under way to a run that is over reaches the next one, as in the world.
	e.deliver = deliver
	return e
}

// Stop implements conformance.Network.
func (n *simulated) Stop(id replication.ServerID) { n.ends[id].deliver = nil }

// Advance implements conformance.Network.
func (n *simulated) Advance() {
	n.network.runUntil(n.network.now+10*time.Millisecond, func() bool { return false })
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		hurt func(*network)
	}{
		{"a network that is well", func(*network) {}},
		{"one that loses", func(n *network) { n.lossy = []*Fault{{Rate: 0.9}} }},
		{"one that repeats", func(n *network) { n.copying = []*Fault{{Rate: 0.9}} }},
		{"one that delays", func(n *network) { n.slow = []*Fault{{Duration: 20 * time.Millisecond}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			conformance.Run(t, conformance.Transport{MostBytes: 1 << 20, New: func(*testing.T) conformance.Network {
				n := newNetwork(&scheduler{now: time.Second}, nil, stream(1, streamNetwork), time.Millisecond, 8)
				c.hurt(n)
				return &simulated{network: n, ends: map[replication.ServerID]*simulatedEnd{}}
			}})
		})
	}
}
