package testcluster

import (
	"slices"
	"sync"

	"github.com/ostraka-db/ostraka/replication"
)

// Network carries envelopes between those who joined it, within the process and at
// once. Pairs of them can be cut off from each other.
type Network struct {
	mu      sync.Mutex
	members map[replication.ServerID]Member
	cut     map[pair]bool
}

// Member takes what the network carries. A host is one.
type Member interface {
	Deliver([]replication.Envelope)
	PeerGone(replication.ServerID)
}

type pair struct{ from, to replication.ServerID }

// NewNetwork returns a network that nobody has joined.
func NewNetwork() *Network {
	return &Network{members: map[replication.ServerID]Member{}, cut: map[pair]bool{}}
}

// Join makes a member reachable under a name, and returns its transport.
func (n *Network) Join(id replication.ServerID, m Member) replication.Transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.members[id] = m
	return transport{n, id}
}

// Leave takes a member away, as a process that dies; the others are told at once.
func (n *Network) Leave(id replication.ServerID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.members, id)
	for _, m := range n.members {
		m.PeerGone(id)
	}
}

// Cut cuts two members off from each other, silently, or connects them again.
func (n *Network) Cut(a, b replication.ServerID, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[pair{a, b}], n.cut[pair{b, a}] = cut, cut
}

type transport struct {
	network *Network
	self    replication.ServerID
}

// Send implements replication.Transport.
func (t transport) Send(to replication.ServerID, batch []replication.Envelope) {
	n := t.network
	n.mu.Lock()
	member := n.members[to]
	if n.members[t.self] == nil || n.cut[pair{t.self, to}] {
		member = nil
	}
	n.mu.Unlock()
	if member != nil {
		member.Deliver(slices.Clone(batch))
	}
}
