package replicationtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// law says what becomes of the messages that it matches: they are dropped, or
// kept until released. Empty fields match everything.
type law struct {
	from, to string
	kind     string
	keep     bool
	// left is how many messages it still applies to; negative is without limit.
	left int
}

func (l law) matches(e replication.Envelope) bool {
	return (l.from == "" || l.from == string(e.From)) && (l.to == "" || l.to == string(e.To)) &&
		(l.kind == "" || l.kind == kindOf(e.Message))
}

func kindOf(m replication.Message) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "replication.")
}

// post puts a message on its way.
func (c *Cluster) post(e replication.Envelope) {
	delays := []time.Duration{0}
	if c.travel != nil {
		delays = c.travel(e)
	}
	for _, d := range delays {
		c.network = append(c.network, flight{envelope: e, at: c.now + d})
	}
}

// deliverNext takes the oldest message that has arrived, and reports whether
// there was one.
func (c *Cluster) deliverNext() bool {
	turn := slices.IndexFunc(c.network, func(f flight) bool { return f.at <= c.now })
	if turn < 0 {
		return false
	}
	next := c.network[turn]
	c.network = slices.Delete(c.network, turn, turn+1)
	i := slices.IndexFunc(c.laws, func(l law) bool { return l.left != 0 && l.matches(next.envelope) })
	if i < 0 {
		c.deliver(next, "")
		return true
	}
	if c.laws[i].left > 0 {
		c.laws[i].left--
	}
	if c.laws[i].keep {
		c.kept = append(c.kept, next)
		c.show(next, " (kept)")
		return true
	}
	c.show(next, " (lost)")
	return true
}

func (c *Cluster) deliver(f flight, note string) {
	to := c.server(f.envelope.To)
	switch {
	case f.envelope.To == handID:
		c.show(f, note)
		c.hand.receive(f.envelope)
	case to == nil || to.node == nil:
		c.show(f, " (down)")
	default:
		c.show(f, note)
		to.node.Deliver(f.envelope)
		to.wake()
	}
}

// wake makes a server step at the next occasion.
func (s *server) wake() { s.next = s.clock().Mono }

// show logs a message; beats are the background noise of every story.
func (c *Cluster) show(f flight, note string) {
	e := f.envelope
	if _, isBeat := e.Message.(replication.Beat); !isBeat {
		c.logf("%s > %s %s%s", e.From, e.To, replication.Render(e.Message), note)
	}
}

// release delivers the kept messages that match, oldest first, as many as the
// law has left.
func (c *Cluster) release(l law) {
	kept := c.kept
	c.kept = nil
	for _, f := range kept {
		if l.left != 0 && l.matches(f.envelope) {
			l.left--
			c.deliver(f, " (released)")
		} else {
			c.kept = append(c.kept, f)
		}
	}
}

// repeat delivers copies of the kept messages that match, and keeps them.
func (c *Cluster) repeat(l law) {
	for _, f := range slices.Clone(c.kept) {
		if l.matches(f.envelope) {
			c.deliver(f, " (copy)")
		}
	}
}

// cut loses everything from one server to another.
func (c *Cluster) cut(from, to string) {
	c.laws = append(c.laws, law{from: from, to: to, left: -1})
}
