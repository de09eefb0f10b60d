package conformance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// drawn is how many of each type of message are sent, with fixed seeds.
const drawn = 8

func everyMessage(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2", "n3")
	n1, n2, n3 := c.servers["n1"], c.servers["n2"], c.servers["n3"]
	for _, zero := range Messages() {
		for _, ends := range [][2]*server{{n1, n2}, {n2, n1}, {n3, n1}} {
			from, to := ends[0], ends[1]
			generator := Envelope(from.self.ID, to.self.ID, from.self.Run, zero)
			c.deliver(from, to, examples(generator)...)
		}
	}
}

func examples(generator *rapid.Generator[replication.Envelope]) []replication.Envelope {
	var all []replication.Envelope
	for seed := range drawn {
		all = append(all, generator.Example(seed))
	}
	return all
}

// nowhereElse relies on every delivery being judged: see cluster.arrive.
func nowhereElse(t *testing.T, transport *Transport) {
	ids := []replication.ServerID{"n1", "n2", "n3", "n4"}
	c := newCluster(t, transport, ids...)
	for _, from := range ids {
		for _, to := range ids {
			if from != to {
				f := c.servers[from]
				c.deliver(f, c.servers[to], c.probe(f, to), c.entries(f, to, 100), c.probe(f, to))
			}
		}
	}
	for _, id := range ids {
		if s := c.servers[id]; len(s.arrived) != 9 {
			t.Errorf("%s is given %d envelopes, and 9 were for it", id, len(s.arrived))
		}
	}
}

func batchesAreCopied(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2")
	n1, n2 := c.servers["n1"], c.servers["n2"]
	for range 20 {
		batch := []replication.Envelope{c.probe(n1, "n2"), c.entries(n1, "n2", 10), c.probe(n1, "n2")}
		whole := slices.Clone(batch)
		c.send(n1, "n2", batch...)
		clear(batch)
		c.deliver(n1, n2, whole...)
	}
}

func sizes(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2")
	n1, n2 := c.servers["n1"], c.servers["n2"]
	for size := 1; size < transport.MostBytes; size *= 8 {
		c.deliver(n1, n2, c.entries(n1, "n2", size-1), c.entries(n1, "n2", size), c.probe(n1, "n2"))
	}
	c.deliver(n1, n2, c.entries(n1, "n2", transport.MostBytes), c.probe(n1, "n2"))
}

func nobody(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2")
	n1, n2 := c.servers["n1"], c.servers["n2"]
	c.start("n3", 1)
	c.stop(c.servers["n3"])
	for range 20 {
		c.send(n1, "n3", c.probe(n1, "n3"), c.entries(n1, "n3", 100))
		c.network.Advance()
	}
	c.deliver(n1, n2, c.probe(n1, "n2"))
}

func stopped(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2", "n3")
	n1, n2, n3 := c.servers["n1"], c.servers["n2"], c.servers["n3"]
	c.deliver(n1, n2, c.probe(n1, "n2"))
	c.deliver(n2, n1, c.probe(n2, "n1"))
	// What is under way to it, and from it, may be lost.
	c.send(n2, "n1", c.probe(n2, "n1"))
	c.send(n1, "n2", c.probe(n1, "n2"), c.entries(n1, "n2", 100))
	c.stop(n2)
	for range 20 {
		c.send(n1, "n2", c.probe(n1, "n2"), c.entries(n1, "n2", 100))
		c.deliver(n1, n3, c.probe(n1, "n3"), c.entries(n1, "n3", 100))
		c.deliver(n3, n1, c.probe(n3, "n1"))
	}
}

func restarted(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2", "n3")
	n1 := c.servers["n1"]
	for run := replication.RunID(2); run < 5; run++ {
		before := c.servers["n2"]
		c.deliver(n1, before, c.probe(n1, "n2"))
		c.deliver(before, n1, c.entries(before, "n1", 10))
		c.stop(before)
		c.send(n1, "n2", c.probe(n1, "n2"), c.entries(n1, "n2", 10))
		after := c.start("n2", run)
		c.deliver(n1, after, c.probe(n1, "n2"), c.entries(n1, "n2", 10))
		c.deliver(after, n1, c.probe(after, "n1"), c.entries(after, "n1", 10))
	}
}
