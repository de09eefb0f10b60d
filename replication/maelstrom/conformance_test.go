package maelstrom

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/maelstrom/overlay"
	"github.com/ostraka-db/ostraka/replication/replicationtest/conformance"
)

// lines is Maelstrom's network: lines of JSON, from node to node.
type lines struct {
	t       *testing.T
	nodes   map[replication.ServerID]*lineNode
	waiting []waitingLine
}

type waitingLine struct {
	from, to replication.ServerID
	raw      []byte
}

type lineNode struct {
	network   *lines
	transport *transport
	deliver   func([]replication.Envelope)
}

// Send implements replication.Transport: a step of the loop sends, and then flushes.
func (n *lineNode) Send(to replication.ServerID, batch []replication.Envelope) {
	n.transport.Send(to, batch)
	n.transport.flush()
}

// Start implements conformance.Network.
func (l *lines) Start(self replication.Server, deliver func([]replication.Envelope)) replication.Transport {
	c := newClock()
	servers := []replication.ServerID{"n1", "n2", "n3", "n4"}
	n := &lineNode{network: l, deliver: deliver, transport: &transport{
		self: self.ID, clock: c, logger: slog.New(slog.DiscardHandler),
		router: overlay.New(self.ID, servers, uint64(self.Run), c.now().Mono, overlayOptions(DefaultOptions())),
	}}
	n.transport.line = func(to string, body any) error {
		raw, err := json.Marshal(body)
		if len(raw) > maxLineBytes {
			l.t.Errorf("a line of %d bytes", len(raw))
		}
		l.waiting = append(l.waiting, waitingLine{self.ID, replication.ServerID(to), raw})
		return err
	}
	l.nodes[self.ID] = n
	return n
}

// Stop implements conformance.Network.
func (l *lines) Stop(id replication.ServerID) { delete(l.nodes, id) }

// Advance implements conformance.Network.
func (l *lines) Advance() {
	for len(l.waiting) > 0 {
		line := l.waiting[0]
		l.waiting = l.waiting[1:]
		if n := l.nodes[line.to]; n != nil {
			n.take(line)
		}
	}
	// Who said nothing for a while is sent nothing, until its next line.
	<-time.After(time.Millisecond)
	for _, n := range l.nodes {
		n.transport.flush()
	}
}

func (n *lineNode) take(line waitingLine) {
	body, err := parsePeer(line.raw)
	if err != nil {
		n.network.t.Errorf("%s: %v", line.raw, err)
	}
	if arrived := n.transport.arrived(line.from, body); len(arrived) > 0 {
		n.deliver(arrived)
	}
	n.transport.flush()
}

func TestConformance(t *testing.T) {
	conformance.Run(t, conformance.Transport{
		// Base64 makes four bytes of three.
		MostBytes: (maxLineBytes - lineOverhead) / 4 * 3 * 9 / 10,
		New: func(t *testing.T) conformance.Network {
			return &lines{t: t, nodes: map[replication.ServerID]*lineNode{}}
		},
	})
}
