package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/client/recipe"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/elections"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
	"github.com/ostraka-db/ostraka/kv/keyspace"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server"
	"github.com/ostraka-db/ostraka/server/storage"
)

// cluster is three real servers and a coordinator in this process, on loopback.
type cluster struct {
	t       testing.TB
	servers []*server.Server
	closing []func() error // of the servers, each once
}

// patient are the core's options on slow processors: nobody is taken for dead because
// others were given the processor.
func patient() *replication.Options {
	o := elections.Options()
	o.SilentAfter = 3 * time.Second
	o.ElectWithin = 5 * time.Second
	o.LeadWithin = 3 * time.Second
	return o
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t}
	wanted := &api.ClusterConfiguration{Namespaces: []*api.Namespace{
		{Name: "default", InitialShardCount: 3, ReplicationFactor: 3},
		{Name: "natural", InitialShardCount: 3, ReplicationFactor: 3, KeySorting: api.KeySortingNatural},
	}}
	for i := range 3 {
		name := fmt.Sprintf("s%d", i+1)
		s, err := server.Start(server.Config{
			Name: name, PublicAddress: "127.0.0.1:0", InternalAddress: "127.0.0.1:0", Core: patient(),
			Storage: storage.Options{Storage: storage.InMemory, CacheBytes: 1 << 20, MemTableBytes: 1 << 20},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.closing = append(c.closing, sync.OnceValue(s.Close))
		t.Cleanup(func() { _ = c.closing[i]() })
		c.servers = append(c.servers, s)
		wanted.Servers = append(wanted.Servers, &api.DataServerIdentity{
			Name: &name, Public: s.PublicAddress(), Internal: s.InternalAddress(),
		})
	}
	c.coordinate(wanted)
	return c
}

func (c *cluster) coordinate(wanted *api.ClusterConfiguration) {
	c.t.Helper()
	source, err := config.NewFixed(wanted)
	if err != nil {
		c.t.Fatal(err)
	}
	provider := memory.NewStore().Open()
	coord, err := coordinator.New(coordinator.Options{Name: "c1", Metadata: provider, Config: source, Sole: true, Core: patient()})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		coord.Run(ctx)
	}()
	c.t.Cleanup(func() {
		cancel()
		<-ended
		_ = provider.Close()
	})
}

func (c *cluster) client(options ...client.Option) *client.Client {
	c.t.Helper()
	cl, err := client.New(context.Background(), c.servers[0].PublicAddress(), options...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cl.Close() })
	return cl
}

// The client against real servers: what is put is read, in the order of the namespace,
// from however many shards.
func TestRealServers(t *testing.T) {
	cluster := startCluster(t)
	for namespace, order := range map[string]keyspace.Order{"default": keyspace.Hierarchical, "natural": keyspace.Natural} {
		t.Run(namespace, func(t *testing.T) {
			c := cluster.client(client.WithNamespace(namespace))
			ctx := t.Context()
			var keys []string
			var puts []*client.Future[client.PutResult]
			for i := range 300 {
				key := []string{"a%03d", "a/%03d", "a%03d/b", "a%03d0"}[i%4]
				keys = append(keys, fmt.Sprintf(key, i))
				puts = append(puts, c.Async().Put(ctx, keys[i], []byte(keys[i]), client.ExpectNoRecord()))
			}
			for _, put := range puts {
				if _, err := put.Result(); err != nil {
					t.Fatal(err)
				}
			}
			slices.SortFunc(keys, order.Compare)
			var scanned []string
			for r, err := range c.RangeScan(ctx, "", "") {
				if err != nil || string(r.Value) != r.Key {
					t.Fatalf("scanned %+v, %v", r, err)
				}
				scanned = append(scanned, r.Key)
			}
			if !slices.Equal(scanned, keys) {
				t.Errorf("scanned %d keys in another order than by name: %q", len(scanned), scanned)
			}
			for i, key := range keys[:20] {
				r, err := c.Get(ctx, key, client.Higher())
				if err != nil || r.Key != keys[i+1] {
					t.Errorf("after %q comes %q, %v, want %q", key, r.Key, err, keys[i+1])
				}
			}
			if _, err := c.Put(ctx, keys[0], nil, client.ExpectNoRecord()); !errors.Is(err, client.ErrUnexpectedVersion) {
				t.Errorf("a put over a record that must not be: %v", err)
			}
			transact(t, c)
			indexes(t, c)
			sequences(t, c)
			notifications(t, c)
			locks(t, c)
			sessions(t, c, cluster.client(client.WithNamespace(namespace)))
		})
	}
}

func transact(t *testing.T, c *client.Client) {
	t.Helper()
	p := client.PartitionKey("p")
	records, err := c.Transact(t.Context(), client.Transaction{
		Conditions: []client.Condition{client.IfMissing("x")},
		Operations: []client.Operation{client.ThenPut("x", []byte("1")), client.ThenAppend("x", []byte("2")), client.ThenGet("x")},
	}, p)
	if err != nil || string(records[2].Value) != "12" {
		t.Errorf("transaction: %+v, %v", records, err)
	}
	_, err = c.Transact(t.Context(), client.Transaction{
		Conditions: []client.Condition{client.IfMissing("x")}, Operations: []client.Operation{client.ThenDelete("x")},
	}, p)
	if !errors.Is(err, client.ErrConditionFailed) {
		t.Errorf("transaction whose condition does not hold: %v", err)
	}
}

func indexes(t *testing.T, c *client.Client) {
	t.Helper()
	for i := range 20 {
		rank := client.SecondaryIndex("rank", fmt.Sprintf("%02d", 19-i))
		if _, err := c.Put(t.Context(), fmt.Sprintf("indexed%02d", i), nil, rank); err != nil {
			t.Fatal(err)
		}
	}
	at := 0
	for r, err := range c.RangeScan(t.Context(), "", "", client.UseIndex("rank")) {
		if want := fmt.Sprintf("%02d", at); err != nil || r.SecondaryKey != want || r.Key != fmt.Sprintf("indexed%02d", 19-at) {
			t.Errorf("by index: got %+v, %v", r, err)
		}
		at++
	}
	if r, err := c.Get(t.Context(), "07", client.UseIndex("rank"), client.Lower()); err != nil || r.Key != "indexed13" || at != 20 {
		t.Errorf("below 07 of %d: %+v, %v", at, r, err)
	}
}

func sequences(t *testing.T, c *client.Client) {
	t.Helper()
	p := client.PartitionKey("sequences")
	var newest string
	for i := range 3 {
		put, err := c.Put(t.Context(), "s", nil, p, client.SequenceDeltas(2, 5))
		want := fmt.Sprintf("s-%020d-%020d", 2*(i+1), 5*(i+1))
		if err != nil || put.Key != want {
			t.Errorf("got %+v, %v, want %q", put, err, want)
		}
		newest = put.Key
	}
	for key, err := range c.SequenceUpdates(t.Context(), "s", "sequences") {
		if err != nil || key != newest {
			t.Errorf("the newest is %q, %v, want %q", key, err, newest)
		}
		break
	}
}

// notifications shows that every change is told, those of named writes among them.
func notifications(t *testing.T, c *client.Client) {
	t.Helper()
	s, err := c.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	untold := map[string]bool{}
	for i := range 30 {
		key := fmt.Sprintf("told%d", i)
		untold[key] = true
		if _, err := c.Put(t.Context(), key, nil, client.ExactlyOnce()); err != nil {
			t.Fatal(err)
		}
	}
	for len(untold) > 0 {
		event, err := s.Next(t.Context())
		if err != nil || event.Type != client.EventCreated || !untold[event.Key] {
			t.Fatalf("told %+v, %v", event, err)
		}
		delete(untold, event.Key)
	}
	if err := c.DeleteRange(t.Context(), "told1", "told2"); err != nil {
		t.Error(err)
	}
	if event, err := s.Next(t.Context()); err != nil || event.Type != client.EventRangeDeleted || event.RangeEnd != "told2" {
		t.Errorf("told %+v, %v", event, err)
	}
}

// locks shows that a lock passes from hand to hand, with a greater token.
func locks(t *testing.T, c *client.Client) {
	t.Helper()
	first, err := recipe.Acquire(t.Context(), c, "lock", recipe.WithPartitionKey("locks"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := recipe.TryAcquire(t.Context(), c, "lock", recipe.WithPartitionKey("locks")); !errors.Is(err, recipe.ErrHeld) {
		t.Errorf("a lock that is held: %v", err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		second, err := recipe.Acquire(t.Context(), c, "lock", recipe.WithPartitionKey("locks"))
		if err != nil || second.Token() <= first.Token() {
			t.Errorf("the second holder: %v, %v", second, err)
			return
		}
		if err := second.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err := first.Release(t.Context()); err != nil {
		t.Error(err)
	}
	waiting.Wait()
}

// sessions shows that an ephemeral record goes with its session. It closes the client.
func sessions(t *testing.T, c, other *client.Client) {
	t.Helper()
	s, err := c.NewSession(t.Context(), "here")
	if err != nil {
		t.Fatal(err)
	}
	put, err := c.Put(t.Context(), "here", nil, client.InSession(s))
	if err != nil || !put.Version.Ephemeral || put.Version.Session != s.ID() {
		t.Errorf("got %+v, %v", put, err)
	}
	if _, err := c.Put(t.Context(), "here too", nil, client.Ephemeral()); err != nil {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := other.Get(t.Context(), "here"); !errors.Is(err, client.ErrKeyNotFound) {
		t.Errorf("a record of a closed session: %v", err)
	}
	if _, err := c.Put(t.Context(), "here", nil, client.InSession(s)); !errors.Is(err, client.ErrSessionNotFound) {
		t.Errorf("a put in a closed session: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := other.Get(t.Context(), "here too"); !errors.Is(err, client.ErrKeyNotFound) {
		t.Errorf("a record of a closed client: %v", err)
	}
}

// A server that stops in order, under load, fails nothing: each write that it cannot
// carry out is refused and goes to its successor.
func TestDrainedServerFailsNothing(t *testing.T) {
	cluster := startCluster(t)
	c := cluster.client()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writers sync.WaitGroup
	var number atomic.Int64
	progress := make(chan struct{}, 1)
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Sprintf("w%d-%d", w, i)
				if _, err := c.Put(context.Background(), key, nil); err != nil {
					t.Errorf("put %q: %v", key, err)
				}
				if _, err := c.Get(context.Background(), key); err != nil {
					t.Errorf("get %q: %v", key, err)
				}
				number.Add(1)
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		})
	}
	more := func(n int64) {
		for target := number.Load() + n; number.Load() < target; {
			<-progress
		}
	}
	more(50)
	draining, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := cluster.servers[1].Drain(draining); err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := cluster.closing[1](); err != nil {
		t.Errorf("close: %v", err)
	}
	more(50)
	cancel()
	writers.Wait()
}
