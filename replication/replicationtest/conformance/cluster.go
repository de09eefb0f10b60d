package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// cluster is a network with servers on it, that remembers what was sent and judges
// what arrives.
type cluster struct {
	t       *testing.T
	network Network

	// mu guards what follows: transports may deliver at any time.
	mu      sync.Mutex
	servers map[replication.ServerID]*server
	// sent are the envelopes that may arrive, as text.
	sent map[string]bool
	// next numbers probes.
	next uint64
}

// server is one end.
type server struct {
	self      replication.Server
	transport replication.Transport
	stopped   bool
	// arrived are the envelopes, as text, with how often each came.
	arrived map[string]int
	// hold keeps deliveries from returning that it says so of, until it is closed.
	hold  func([]replication.Envelope) bool
	until chan struct{}
	held  int
}

// patience is how long something that has to happen may take before a test gives
// up; it decides nothing else.
const patience = 30 * time.Second

func newCluster(t *testing.T, transport *Transport, ids ...replication.ServerID) *cluster {
	c := &cluster{
		t: t, network: transport.New(t), servers: map[replication.ServerID]*server{}, sent: map[string]bool{},
	}
	for _, id := range ids {
		c.start(id, 1)
	}
	return c
}

func (c *cluster) start(id replication.ServerID, run replication.RunID) *server {
	s := &server{
		self: replication.Server{ID: id, Run: run}, arrived: map[string]int{}, until: make(chan struct{}),
	}
	c.mu.Lock()
	c.servers[id] = s
	c.mu.Unlock()
	s.transport = c.network.Start(s.self, func(batch []replication.Envelope) { c.arrive(s, batch) })
	return s
}

func (c *cluster) stop(s *server) {
	c.network.Stop(s.self.ID)
	c.mu.Lock()
	s.stopped = true
	c.mu.Unlock()
}

// arrive judges what a server is given.
func (c *cluster) arrive(s *server, batch []replication.Envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.stopped {
		c.t.Errorf("%s stopped, and is given %d envelopes", s.self.ID, len(batch))
	}
	if len(batch) == 0 {
		c.t.Errorf("%s is given nothing", s.self.ID)
	}
	for _, e := range batch {
		name := nameOf(e)
		s.arrived[name]++
		if e.To != s.self.ID {
			c.t.Errorf("%s is given what is for another: %.300s", s.self.ID, name)
		}
		if !c.sent[name] {
			c.t.Errorf("%s is given what nobody sent: %.300s", s.self.ID, name)
		}
	}
	if s.hold != nil && s.hold(batch) {
		s.held++
		c.mu.Unlock()
		<-s.until
		c.mu.Lock()
		s.held--
	}
}

// nameOf is an envelope as text: two have the same only if they are the same.
func nameOf(e replication.Envelope) string {
	if m, ok := e.Message.(replication.Append); ok {
		m.Entries = slices.Clone(m.Entries)
		for i := range m.Entries {
			m.Entries[i].Payload = brief(m.Entries[i].Payload)
		}
		e.Message = m
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("conformance: %T has no text: %v", e.Message, err))
	}
	return fmt.Sprintf("%T %s", e.Message, text)
}

// brief is something short in the place of a long payload, and no other's.
func brief(payload []byte) []byte {
	if len(payload) <= sha256.Size {
		return payload
	}
	sum := sha256.Sum256(payload)
	return sum[:]
}

// send sends a batch, which may arrive from then on.
func (c *cluster) send(from *server, to replication.ServerID, batch ...replication.Envelope) {
	c.mu.Lock()
	for _, e := range batch {
		c.sent[nameOf(e)] = true
	}
	c.mu.Unlock()
	from.transport.Send(to, batch)
}

// deliver sends envelopes until all have arrived. A transport may drop any of them.
func (c *cluster) deliver(from, to *server, batch ...replication.Envelope) {
	c.t.Helper()
	for begin := time.Now(); ; {
		var missing []replication.Envelope
		c.mu.Lock()
		for _, e := range batch {
			if to.arrived[nameOf(e)] == 0 {
				missing = append(missing, e)
			}
		}
		c.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		if time.Since(begin) > patience {
			c.t.Fatalf("from %s to %s %d of %d envelopes never arrive, the first: %.300s",
				from.self.ID, to.self.ID, len(missing), len(batch), nameOf(missing[0]))
		}
		c.send(from, to.self.ID, missing...)
		c.network.Advance()
	}
}

// await lets the network work until something is so.
func (c *cluster) await(what string, is func() bool) {
	c.t.Helper()
	for begin := time.Now(); !is(); c.network.Advance() {
		if time.Since(begin) > patience {
			c.t.Fatalf("it does not come to be that %s", what)
		}
	}
}

// probe is a small envelope like no other.
func (c *cluster) probe(from *server, to replication.ServerID) replication.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return envelope(from, to, replication.Probe{Nonce: c.next})
}

// entries is an envelope like no other, with a payload of some size.
func (c *cluster) entries(from *server, to replication.ServerID, size int) replication.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	var payload []byte // nil where it is empty: transports need not tell the two apart
	if size > 0 {
		payload = bytes.Repeat([]byte{byte(c.next)}, size)
	}
	return envelope(from, to, replication.Append{
		Term: replication.TermID{Term: 1, Election: 1}, Prev: replication.EntryID{Term: 1, Offset: replication.Offset(c.next)},
		Entries: []replication.Entry{{
			ID:      replication.EntryID{Term: 1, Offset: replication.Offset(c.next + 1)},
			Payload: payload,
		}},
	})
}

func envelope(from *server, to replication.ServerID, m replication.Message) replication.Envelope {
	return replication.Envelope{From: from.self.ID, FromRun: from.self.Run, To: to, Shard: 1, Message: m}
}
