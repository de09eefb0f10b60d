package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/elections"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

// doom kills a coordinator at one of its writes: what it asks of the metadata store from
// then on does not happen, and nothing that it sends arrives.
type doom struct {
	// at is the write at which it dies, from 1, and stored whether that one still happens.
	at     int
	stored bool
	writes atomic.Int32
	dead   atomic.Bool
	killed chan struct{}
	kill   sync.Once
}

func newDoom(at int, stored bool) *doom {
	return &doom{at: at, stored: stored, killed: make(chan struct{})}
}

// befall makes a coordinator's options those of one that is doomed.
func (d *doom) befall(o *Options) {
	o.Metadata = mortalStore{o.Metadata, d}
	transport := o.Transport
	o.Transport = func(t TransportOptions) (Transport, error) {
		deliver := t.Deliver
		t.Deliver = func(batch []replication.Envelope) {
			if !d.dead.Load() {
				deliver(batch)
			}
		}
		made, err := transport(t)
		return mortalTransport{made, d}, err
	}
}

func (d *doom) die() {
	d.dead.Store(true)
	d.kill.Do(func() { close(d.killed) })
}

type mortalTransport struct {
	Transport
	*doom
}

func (t mortalTransport) Send(to replication.ServerID, batch []replication.Envelope) {
	if !t.dead.Load() {
		t.Transport.Send(to, batch)
	}
}

var errDead = errors.New("this coordinator was killed")

type mortalStore struct {
	metadata.Provider
	*doom
}

func (s mortalStore) Update(ctx context.Context, changes []metadata.Change) []error {
	if s.dead.Load() {
		return metadata.Failed(len(changes), errDead)
	}
	if int(s.writes.Add(1)) != s.at {
		return s.Provider.Update(ctx, changes)
	}
	if s.stored {
		_ = s.Provider.Update(ctx, changes)
	}
	s.die()
	return metadata.Failed(len(changes), errDead)
}

func (s mortalStore) WriteLease(ctx context.Context, l metadata.Lease, version int64) error {
	if s.dead.Load() {
		return errDead
	}
	return s.Provider.WriteLease(ctx, l, version)
}

// eachStep runs a story once for each write of the doomed coordinator in it: it is killed
// before, or after it. The story returns when the doomed one was killed, or reports that it
// is over without that; then all writes were tried.
func eachStep(t *testing.T, least int, story func(t *testing.T, d *doom) (over bool)) {
	for at := 1; ; at++ {
		for _, stored := range []bool{false, true} {
			over := false
			t.Run(fmt.Sprintf("write %d stored %v", at, stored), func(t *testing.T) {
				over = story(t, newDoom(at, stored))
			})
			if over || t.Failed() {
				if at <= least {
					t.Errorf("it had %d writes, and at least %d are to be survived", at-1, least)
				}
				return
			}
		}
	}
}

// succeeds makes a coordinator's options those of one that takes over at once, and does not
// wait long for what another may be at.
func succeeds(o *Options) {
	o.Sole, o.Core = true, elections.Options()
	o.Core.ElectWithin = 200 * time.Millisecond
}

// stored returns the document of a shard as it is stored.
func (c *cluster) stored(t *testing.T, id replication.ShardID) replication.Document {
	t.Helper()
	found, err := shards.List(t.Context(), c.store.Open())
	if err != nil {
		t.Fatal(err)
	}
	return found[id]
}

// A coordinator that is killed at any write of an election is superseded: the next one
// wins a higher term, or finds the leader that was published.
func TestCoordinatorKilledAtEachStepOfAnElection(t *testing.T) {
	eachStep(t, 2, func(t *testing.T, d *doom) bool {
		c := startCluster(t, 3, namespace("default", 1))
		first, stop := c.coordinate(t, "first", nil)
		before := leading(t, first, 1).Shards[0]
		stop()

		doomed, bury := c.coordinate(t, "doomed", d.befall)
		leading(t, doomed, 1)
		for _, p := range c.pockets {
			if p.id == before.Leader {
				p.kill()
			}
		}
		over := false
		eventually(t, func() bool {
			s := doomed.Snapshot().Shards[0]
			over = s.Leader != "" && s.Leader != before.Leader && s.Document.Leader.Server == s.Leader
			return over || d.dead.Load()
		})
		told := doomed.Snapshot().Shards[0]
		d.die()
		bury()
		left := c.stored(t, 0)
		next, _ := c.coordinate(t, "next", succeeds)
		var after ShardSnapshot
		eventually(t, func() bool {
			after = next.Snapshot().Shards[0]
			return after.Leader != "" && after.Leader != before.Leader && after.Document.Status == replication.StatusSteady
		})
		// Whom the killed one had brought to serve goes on; what it had only claimed is over.
		served := told.Leader == after.Leader && told.Term == after.Term
		if claimed := left.Status == replication.StatusElecting; after.Term <= before.Term || claimed && !served && after.Term <= left.Term.Term {
			t.Errorf("led by %s in term %d after term %d, and %+v was left", after.Leader, after.Term, before.Term, left)
		}
		return over
	})
}
