package testcluster

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// CoordinatorID is the name under which the coordinator joins the network.
const CoordinatorID replication.ServerID = "coordinator/test"

// Shard is a shard to be coordinated.
type Shard struct {
	ID      replication.ShardID
	Servers []replication.ServerID
	// Settings are those of its state machine, encoded.
	Settings []byte
}

// Coordinator holds the elections of shards, with a metadata store in memory.
type Coordinator struct {
	node  *replication.Node
	start time.Time
	wake  chan struct{}
	stop  chan struct{}
	ended sync.WaitGroup

	mu        sync.Mutex
	waiting   []func(*replication.Node)
	documents map[replication.ShardID]replication.Document
	// changed is closed when a document is next written.
	changed chan struct{}
}

// StartCoordinator starts a coordinator on a network.
func StartCoordinator(network *Network, options replication.Options, shards []Shard) *Coordinator {
	c := &Coordinator{
		start: time.Now(), wake: make(chan struct{}, 1), stop: make(chan struct{}),
		documents: map[replication.ShardID]replication.Document{}, changed: make(chan struct{}),
	}
	self := replication.Server{ID: CoordinatorID, Run: 1, Incarnation: 1}
	var peers []replication.ServerID
	for _, s := range shards {
		peers = append(peers, s.Servers...)
	}
	c.node = replication.NewNode(self, &options, peers, replication.Ports{
		Transport: network.Join(CoordinatorID, c), Metadata: store{c},
	})
	for _, s := range shards {
		c.node.Coordinate(s.ID, s.Servers, uint64(s.ID)+7)
		if s.Settings != nil {
			c.node.ChangeSettings(s.ID, s.Settings)
		}
	}
	c.ended.Go(c.run)
	return c
}

// Close ends the coordinator, and waits for that.
func (c *Coordinator) Close() {
	close(c.stop)
	c.ended.Wait()
}

// Deliver implements Member.
func (c *Coordinator) Deliver(batch []replication.Envelope) {
	c.tell(func(n *replication.Node) {
		for _, e := range batch {
			n.Deliver(e)
		}
	})
}

// PeerGone implements Member.
func (c *Coordinator) PeerGone(id replication.ServerID) {
	c.tell(func(n *replication.Node) { n.PeerGone(id) })
}

// PeerOver tells the coordinator that a server's machine refuses connections.
func (c *Coordinator) PeerOver(id replication.ServerID) {
	c.tell(func(n *replication.Node) { n.PeerOver(id) })
}

// Documents returns the documents of the shards as they are, and a channel that is
// closed when one is written. They are not to be changed.
func (c *Coordinator) Documents() (map[replication.ShardID]replication.Document, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.documents), c.changed
}

// Leader waits until a shard is led by one whom the caller accepts, and returns it and
// its term. Nil accepts everybody.
func (c *Coordinator) Leader(
	ctx context.Context, shard replication.ShardID, accept func(replication.ServerID) bool,
) (replication.ServerID, replication.Term, error) {
	for {
		documents, changed := c.Documents()
		doc := documents[shard]
		if leader := doc.Leader.Server; leader != "" && (accept == nil || accept(leader)) {
			return leader, doc.Term.Term, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", 0, fmt.Errorf("shard %d has no leader: %w; its document is %+v", shard, ctx.Err(), doc)
		}
	}
}

func (c *Coordinator) tell(do func(*replication.Node)) {
	c.mu.Lock()
	c.waiting = append(c.waiting, do)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Coordinator) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-c.wake:
		case <-timer.C:
		}
		c.mu.Lock()
		waiting := c.waiting
		c.waiting = nil
		c.mu.Unlock()
		for _, do := range waiting {
			do(c.node)
		}
		now := c.now()
		if _, next := c.node.Step(now); next != replication.Never {
			timer.Reset(max(next.Sub(c.now().Mono), 0))
		}
	}
}

func (c *Coordinator) now() replication.Time {
	now := time.Now()
	return replication.Time{Mono: replication.Instant(now.Sub(c.start) + 1), Wall: replication.Timestamp(now.UnixMilli())}
}

// store is the metadata store.
type store struct{ c *Coordinator }

// Load implements replication.MetadataStore.
func (s store) Load(shard replication.ShardID) {
	s.c.mu.Lock()
	doc, found := s.c.documents[shard]
	s.c.mu.Unlock()
	s.c.tell(func(n *replication.Node) {
		n.Complete(shard, replication.DocumentLoaded{Document: doc.Clone(), Found: found})
	})
}

// CompareAndSet implements replication.MetadataStore.
func (s store) CompareAndSet(shard replication.ShardID, doc replication.Document) {
	outcome := replication.StoreConflict
	s.c.mu.Lock()
	if s.c.documents[shard].Version == doc.Version-1 {
		s.c.documents[shard] = doc.Clone()
		outcome = replication.StoreDone
		close(s.c.changed)
		s.c.changed = make(chan struct{})
	}
	s.c.mu.Unlock()
	s.c.tell(func(n *replication.Node) {
		n.Complete(shard, replication.DocumentStored{Version: doc.Version, Term: doc.Term, Outcome: outcome})
	})
}
