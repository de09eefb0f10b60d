package grpc

import (
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/replicationtest/conformance"
)

// smallLimits are soon reached.
var smallLimits = Limits{
	Control:   LaneLimits{Envelopes: 1 << 12, Bytes: 64 << 10},
	Data:      LaneLimits{Envelopes: 1 << 12, Bytes: 1 << 20},
	Snapshots: LaneLimits{Envelopes: 16, Bytes: 1 << 20},
}

// loopback is a network of processes on loopback.
type loopback struct {
	t         *testing.T
	limits    Limits
	processes map[replication.ServerID]*process
}

// Start implements conformance.Network.
func (n *loopback) Start(self replication.Server, deliver func([]replication.Envelope)) replication.Transport {
	address := "127.0.0.1:0"
	if before := n.processes[self.ID]; before != nil {
		address = before.address
	}
	p := startAt(n.t, address, self.ID, self.Run, func(o *Options) { o.Deliver, o.Limits = deliver, n.limits })
	n.processes[self.ID] = p
	addresses := map[replication.ServerID]string{}
	for id, o := range n.processes {
		addresses[id] = o.address
	}
	for _, o := range n.processes {
		o.transport.SetPeers(addresses)
	}
	return p.transport
}

// Stop implements conformance.Network.
func (n *loopback) Stop(id replication.ServerID) { n.processes[id].stop() }

// Advance implements conformance.Network.
func (n *loopback) Advance() { <-time.After(time.Millisecond) }

func TestConformance(t *testing.T) {
	conformance.Run(t, conformance.Transport{
		New: func(t *testing.T) conformance.Network {
			return &loopback{t: t, limits: smallLimits, processes: map[replication.ServerID]*process{}}
		},
		MostBytes:  3 << 20,
		Concurrent: true,
		Lanes:      true,
		Waits: func(n conformance.Network, id replication.ServerID) int {
			s := n.(*loopback).processes[id].transport.Stats()
			return s.Control.WaitingBytes + s.Data.WaitingBytes + s.Snapshots.WaitingBytes
		},
		MostWaits: smallLimits.Control.Bytes + smallLimits.Data.Bytes,
	})
}
