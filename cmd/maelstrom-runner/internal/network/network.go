package network

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
)

// What can be wrong with a message that a node sends.
var (
	ErrUnknownSource = errors.New("no such source on the network")
	ErrUnknownDest   = errors.New("no such destination on the network")
)

// Grudge maps each receiver to the sources it does not hear.
type Grudge map[string][]string

// Tracer sees every message that is sent ("send") or delivered ("recv"). It is
// called on the sender's or receiver's goroutine and must not call the network.
type Tracer func(event string, m message.Message)

// Config describes a network.
type Config struct {
	Latency Latency
	Loss    float64 // probability that a message is lost
	Seed    uint64
	Trace   Tracer // optional
}

// Network connects inboxes. It has no goroutines of its own.
type Network struct {
	trace Tracer

	mu      sync.Mutex // guards everything below
	latency Latency
	loss    float64
	rng     *rand.Rand
	nextID  int64
	inboxes map[string]*Inbox
	gone    map[string]bool // participants that left: mail to them is legal and discarded
	cut     map[string]map[string]bool
	counts  Counts
}

// New makes a network without participants.
func New(cfg Config) *Network {
	return &Network{
		trace:   cfg.Trace,
		latency: cfg.Latency,
		loss:    cfg.Loss,
		rng:     rand.New(rand.NewPCG(cfg.Seed, streamLatency)),
		inboxes: make(map[string]*Inbox),
		gone:    make(map[string]bool),
		cut:     make(map[string]map[string]bool),
		counts:  newCounts(),
	}
}

// streamLatency keeps the network's random numbers apart from those of the
// generator and the nemesis, which share the seed and must not depend on timing.
const streamLatency = 0x6c6174656e6379

// Join adds a participant, or one that left and is back, and returns its new, empty inbox.
func (n *Network) Join(id string) *Inbox {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.inboxes[id] != nil {
		panic("network: " + id + " joined twice")
	}
	b := newInbox(n, id)
	delete(n.gone, id)
	n.inboxes[id] = b
	return b
}

// Leave removes a participant: what waits for it is lost, and later mail to it is
// discarded without complaint. A receiver still at work on its inbox may finish.
func (n *Network) Leave(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.inboxes, id)
	n.gone[id] = true
}

// Send puts a message on its way. An error is the sender's mistake, not a loss.
func (n *Network) Send(m message.Message) error {
	n.mu.Lock()
	if n.inboxes[m.Src] == nil && !n.gone[m.Src] {
		n.mu.Unlock()
		return fmt.Errorf("message from %q: %w", m.Src, ErrUnknownSource)
	}
	dest := n.inboxes[m.Dest]
	if dest == nil && !n.gone[m.Dest] {
		n.mu.Unlock()
		return fmt.Errorf("message to %q: %w", m.Dest, ErrUnknownDest)
	}
	m.ID = n.nextID
	n.nextID++
	n.counts.sent(m)
	due := time.Now()
	if !message.IsClient(m.Src) && !message.IsClient(m.Dest) {
		due = due.Add(n.latency.Draw(n.rng))
	}
	lost := n.loss > 0 && n.rng.Float64() < n.loss
	if lost {
		n.counts.Lost++
	}
	n.mu.Unlock()

	if n.trace != nil {
		n.trace("send", m)
	}
	if lost || dest == nil {
		return nil
	}
	if !dest.put(envelope{m, due}) {
		n.mu.Lock()
		n.counts.Overflowed++
		n.mu.Unlock()
	}
	return nil
}

// Drop adds a grudge: from now on its receivers do not hear their sources.
func (n *Network) Drop(g Grudge) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for dest, sources := range g {
		if n.cut[dest] == nil {
			n.cut[dest] = make(map[string]bool)
		}
		for _, src := range sources {
			n.cut[dest][src] = true
		}
	}
}

// Heal ends every cut.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cut)
}

// Counts returns what the network has seen so far.
func (n *Network) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts.clone()
}

// takes decides, for a message that a receiver has taken, whether it is cut off.
func (n *Network) takes(m message.Message) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut[m.Dest][m.Src] {
		n.counts.Cut++
		return false
	}
	return true
}

func (n *Network) delivered(m message.Message) {
	if n.trace != nil {
		n.trace("recv", m)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.Delivered++
}
