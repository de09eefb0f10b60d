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
	gone    map[string]bool   // participants that left: mail to them is legal and discarded
	shy     map[string]string // participants that hear only one other yet, to whom
	cut     map[string]map[string]bool
	ills    ills
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
		shy:     make(map[string]string),
		cut:     make(map[string]map[string]bool),
		ills:    ills{slow: make(map[string]time.Duration)},
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

// JoinShy is Join for a participant that is to hear nobody but its host until Meet: what
// others send it is discarded without complaint, as if it had not joined yet.
func (n *Network) JoinShy(id, host string) *Inbox {
	n.mu.Lock()
	n.shy[id] = host
	n.mu.Unlock()
	return n.Join(id)
}

// Meet lets a participant hear everybody.
func (n *Network) Meet(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.shy, id)
}

// Leave removes a participant: what waits for it is lost, and later mail to it is
// discarded without complaint. A receiver still at work on its inbox may finish.
func (n *Network) Leave(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.inboxes, id)
	n.gone[id] = true
	delete(n.shy, id)
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
	if host, shy := n.shy[m.Dest]; shy && m.Src != host {
		dest = nil
	}
	m.ID = n.nextID
	n.nextID++
	n.counts.sent(m)
	copies, lost := n.fate(m)
	if lost {
		n.counts.Lost++
	}
	n.counts.Duplicated += int64(max(0, len(copies)-1))
	n.mu.Unlock()

	if n.trace != nil {
		n.trace("send", m)
	}
	if dest == nil {
		return nil
	}
	for _, e := range copies {
		if !dest.put(e) {
			n.mu.Lock()
			n.counts.Overflowed++
			n.mu.Unlock()
		}
	}
	return nil
}

// fate decides when a message arrives, and how often. The caller holds n.mu.
func (n *Network) fate(m message.Message) (copies []envelope, lost bool) {
	now := time.Now()
	class := classOf(m)
	e := envelope{m: m, due: now, from: now}
	if class != Client {
		e.due = now.Add(n.latency.Draw(n.rng))
		if extra := n.ills.extra(m); extra > 0 {
			e.from = now.Add(extra)
			e.due = e.due.Add(extra)
		}
	}
	lost = n.loss > 0 && n.rng.Float64() < n.loss
	if class != Peer {
		if !lost {
			copies = append(copies, e)
		}
		return copies, lost
	}
	lost = n.ills.loses(n.rng) || lost
	if !lost {
		copies = append(copies, e)
	}
	if n.ills.duplicates(n.rng) && !lost {
		lag := time.Duration(n.rng.Float64() * float64(maxLag))
		e.from, e.due = e.from.Add(lag), e.due.Add(lag)
		copies = append(copies, e)
	}
	return copies, lost
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
