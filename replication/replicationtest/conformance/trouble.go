package conformance

import (
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// manySenders lets every server be sent to, and send, from several goroutines. What
// they send is judged as it arrives; that it does arrive is seen from what they send
// last.
func manySenders(t *testing.T, transport *Transport) {
	ids := []replication.ServerID{"n1", "n2", "n3"}
	c := newCluster(t, transport, ids...)
	var senders sync.WaitGroup
	for _, from := range ids {
		for _, to := range ids {
			for range 2 {
				if from == to {
					continue
				}
				senders.Go(func() {
					s := c.servers[from]
					for range 200 {
						c.send(s, to, c.probe(s, to), c.entries(s, to, 50))
					}
				})
			}
		}
	}
	senders.Wait()
	for _, from := range ids {
		for _, to := range ids {
			if f := c.servers[from]; from != to {
				c.deliver(f, c.servers[to], c.probe(f, to), c.entries(f, to, 50))
			}
		}
	}
}

// hangs lets deliveries to a server hang that there is a reason for, and returns
// what ends that.
func (c *cluster) hangs(s *server, hold func([]replication.Envelope) bool) (resume func()) {
	c.mu.Lock()
	s.hold = hold
	c.mu.Unlock()
	resume = sync.OnceFunc(func() {
		c.mu.Lock()
		s.hold = nil
		c.mu.Unlock()
		close(s.until)
	})
	c.t.Cleanup(resume)
	return resume
}

func (c *cluster) holds(s *server) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.held > 0
}

// hangingReceiver sends to a server that takes nothing, many times what may wait.
// Were Send to wait for it, this would not end.
func hangingReceiver(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2", "n3")
	n1, n2, n3 := c.servers["n1"], c.servers["n2"], c.servers["n3"]
	c.deliver(n1, n2, c.probe(n1, "n2"), c.entries(n1, "n2", 10))
	resume := c.hangs(n2, func([]replication.Envelope) bool { return true })
	size := transport.MostWaits / 16
	for range 200 {
		c.send(n1, "n2", c.entries(n1, "n2", size), c.probe(n1, "n2"))
		if waits := transport.Waits(c.network, "n1"); waits > transport.MostWaits {
			t.Fatalf("%d bytes wait, and at most %d may", waits, transport.MostWaits)
		}
		c.deliver(n1, n3, c.probe(n1, "n3"))
	}
	if !c.holds(n2) {
		t.Fatal("nothing was held up")
	}
	resume()
	c.deliver(n1, n2, c.probe(n1, "n2"), c.entries(n1, "n2", size))
	c.await("nothing waits", func() bool { return transport.Waits(c.network, "n1") == 0 })
}

func passing(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2")
	n1, n2 := c.servers["n1"], c.servers["n2"]
	c.deliver(n1, n2, c.probe(n1, "n2"), c.entries(n1, "n2", 10))
	resume := c.hangs(n2, func(batch []replication.Envelope) bool {
		for _, e := range batch {
			switch e.Message.(type) {
			case replication.Append, replication.SnapshotChunk:
				return true
			}
		}
		return false
	})
	size := transport.MostWaits / 16
	for range 64 {
		c.send(n1, "n2", c.entries(n1, "n2", size))
	}
	c.await("entries are held up", func() bool { return c.holds(n2) })
	for range 20 {
		c.deliver(n1, n2, c.probe(n1, "n2"))
	}
	// Those that nobody takes are entries; parts of snapshots pass them, and the other
	// way around.
	if !c.holds(n2) {
		t.Error("the entries were taken meanwhile")
	}
	resume()
	c.deliver(n1, n2, c.entries(n1, "n2", size))
}

// stopWaits lets a server stop while something is being delivered to it.
func stopWaits(t *testing.T, transport *Transport) {
	c := newCluster(t, transport, "n1", "n2")
	n1, n2 := c.servers["n1"], c.servers["n2"]
	c.deliver(n1, n2, c.probe(n1, "n2"))
	resume := c.hangs(n2, func([]replication.Envelope) bool { return true })
	c.send(n1, "n2", c.probe(n1, "n2"))
	c.await("a delivery is held up", func() bool { return c.holds(n2) })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.network.Stop("n2")
	}()
	select {
	case <-ended:
		t.Error("it stopped while something was being delivered")
	case <-time.After(20 * time.Millisecond): // long enough to show that it does not wait at all
	}
	resume()
	<-ended
	c.mu.Lock()
	n2.stopped = true
	c.mu.Unlock()
	for range 10 {
		c.send(n1, "n2", c.probe(n1, "n2"))
		c.network.Advance()
	}
}
