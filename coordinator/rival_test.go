package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
	"github.com/ostraka-db/ostraka/replication"
)

// lawless is a store whose lease everybody holds.
type lawless struct{ metadata.Provider }

func (lawless) ReadLease(context.Context) (metadata.Lease, int64, error) {
	return metadata.Lease{}, 0, nil
}

func (lawless) WriteLease(context.Context, metadata.Lease, int64) error { return nil }

// Two coordinators that both lead, on purpose, and hold elections against each other while
// a server is lost: no write that was acknowledged is missed, no read goes back, and no two
// servers are told to lead one shard in one term.
func TestTwoReignsAtOnceDoNoHarm(t *testing.T) {
	const shards = 3
	l := startLoopback(t, 4, &api.Namespace{Name: "default", InitialShardCount: shards, ReplicationFactor: 3})
	store := memory.NewStore()
	both := [2]*coordinator.Coordinator{}
	for i := range both {
		source, err := config.NewFixed(l.wanted)
		if err != nil {
			t.Fatal(err)
		}
		both[i], _ = l.run(coordinator.Options{
			Name: fmt.Sprint("rival", i), Metadata: lawless{store.Open()}, Config: source, Core: patient(),
		})
	}
	l.assignments("s1", "")
	witness := &witness{leaders: map[string]string{}}
	ctx, done := context.WithCancel(l.ctx)
	var rivals, clients sync.WaitGroup
	for i, c := range both {
		rivals.Go(func() { rule(ctx, t, c, uint64(i), shards, witness) })
	}
	address := l.servers["s1"].PublicAddress()
	for i := range 4 {
		clients.Go(func() { count(l.ctx, t, address, i, func() bool { return witness.elected() >= 3*shards }) })
	}
	clients.Go(func() { l.stop("s4") })
	clients.Wait()
	done()
	rivals.Wait()
}

// witness knows who led each shard in each term.
type witness struct {
	mu        sync.Mutex
	leaders   map[string]string
	elections int
}

// elected is how many elections were won that were asked for.
func (w *witness) elected() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.elections
}

// rule holds elections until the context is done.
func rule(ctx context.Context, t *testing.T, c *coordinator.Coordinator, seed uint64, shards int, w *witness) {
	random := rand.New(rand.NewPCG(seed, 1))
	for ctx.Err() == nil {
		err := c.ElectLeader(ctx, replication.ShardID(random.IntN(shards)))
		w.mu.Lock()
		if err == nil {
			w.elections++
		}
		for id, s := range c.Snapshot().Shards {
			term := fmt.Sprintf("shard %d in term %d", id, s.Term)
			if s.Leader == "" {
				continue
			}
			if known := w.leaders[term]; known != "" && known != string(s.Leader) {
				t.Errorf("%s is led by %s and by %s", term, known, s.Leader)
			}
			w.leaders[term] = string(s.Leader)
		}
		w.mu.Unlock()
	}
}

// count raises a record of its own, step by step, and reads it back, until it was enough.
func count(ctx context.Context, t *testing.T, address string, who int, enough func() bool) {
	c, err := client.New(ctx, address)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close() }()
	key := fmt.Sprint("counter", who)
	acknowledged, tried := 0, 0
	for i := 1; i <= 60 || !enough(); i++ {
		_, err := c.Put(ctx, key, []byte(strconv.Itoa(i)))
		switch tried = i; {
		case err == nil:
			acknowledged = i
		case ctx.Err() != nil:
			t.Errorf("%s: write %d: %v", key, i, err)
			return
		}
		record, err := c.Get(ctx, key)
		if errors.Is(err, client.ErrKeyNotFound) && acknowledged == 0 {
			continue
		}
		if err != nil {
			continue // a read that failed tells nothing
		}
		if got, err := strconv.Atoi(string(record.Value)); err != nil || got < acknowledged || got > tried {
			t.Errorf("%s is %q, and %d was acknowledged", key, record.Value, acknowledged)
		}
	}
	record, err := c.Get(ctx, key)
	if got, _ := strconv.Atoi(string(record.Value)); err != nil || got < acknowledged {
		t.Errorf("%s is %q, %v at the end, and %d was acknowledged", key, record.Value, err, acknowledged)
	}
}
