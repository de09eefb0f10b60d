package network

import (
	"maps"
	"strings"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
)

// maxTypes bounds the table of body types, which nodes may invent at will.
const maxTypes = 256

// otherTypes collects what does not fit in the table.
const otherTypes = "(other)"

// Class says between whom a message travels.
type Class string

// The classes of messages. Maelstrom's "servers" are Peer and Service together.
const (
	Client  Class = "client"  // from or to a client
	Peer    Class = "peer"    // from node to node
	Service Class = "service" // between a node and a service of the bench
)

// TypeKey names a kind of message.
type TypeKey struct {
	Class Class
	Type  string
}

// Counts is what has been sent, and what became of it.
type Counts struct {
	Sent       map[Class]int64
	Types      map[TypeKey]int64
	Delivered  int64
	Lost       int64 // by the loss probability, or a burst of loss
	Duplicated int64 // delivered once more than they were sent
	Cut        int64 // by a partition
	Overflowed int64 // by a full inbox
	Largest    int   // bytes of the largest body
}

func newCounts() Counts {
	return Counts{Sent: make(map[Class]int64), Types: make(map[TypeKey]int64)}
}

func (c *Counts) sent(m message.Message) {
	class := classOf(m)
	c.Sent[class]++
	key := TypeKey{class, m.Header().Type}
	if _, known := c.Types[key]; !known && len(c.Types) >= maxTypes {
		key.Type = otherTypes
	}
	c.Types[key]++
	c.Largest = max(c.Largest, len(m.Body))
}

func (c *Counts) clone() Counts {
	out := *c
	out.Sent, out.Types = maps.Clone(c.Sent), maps.Clone(c.Types)
	return out
}

func classOf(m message.Message) Class {
	switch {
	case message.IsClient(m.Src) || message.IsClient(m.Dest):
		return Client
	case isNode(m.Src) && isNode(m.Dest):
		return Peer
	default:
		return Service
	}
}

// isNode tells a node (n0, n1, ...) from a service (lin-kv, seq-kv, ...).
func isNode(id string) bool { return strings.HasPrefix(id, "n") }
