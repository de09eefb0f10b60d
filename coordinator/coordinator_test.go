package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// wanted is a configuration that a test changes.
type wanted struct {
	mu      sync.Mutex
	config  *api.ClusterConfiguration
	changed chan struct{}
}

func (w *wanted) Current() *api.ClusterConfiguration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.config
}

func (w *wanted) Changed() <-chan struct{} { return w.changed }
func (w *wanted) Problem() error           { return nil }
func (w *wanted) Close() error             { return nil }

func (w *wanted) Update(_ context.Context, change func(*api.ClusterConfiguration) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := proto.CloneOf(w.config)
	if err := change(c); err != nil {
		return err
	}
	if err := config.Validate(c); err != nil {
		return err
	}
	w.config = c
	signal(w.changed)
	return nil
}

// cluster is pocket servers and coordinators around one metadata store.
type cluster struct {
	network *network
	store   *memory.Store
	wanted  *wanted
	pockets []*pocket
}

func startCluster(t *testing.T, servers int, namespaces ...*api.Namespace) *cluster {
	t.Helper()
	c := &cluster{
		network: newNetwork(), store: memory.NewStore(),
		wanted: &wanted{config: &api.ClusterConfiguration{Namespaces: namespaces}, changed: make(chan struct{}, 1)},
	}
	for i := range servers {
		c.addServer(t, i)
	}
	return c
}

func (c *cluster) addServer(t *testing.T, i int) {
	t.Helper()
	p := startPocket(t, c.network, replication.ServerID(fmt.Sprintf("s%d", i)), 1)
	c.pockets = append(c.pockets, p)
	name := string(p.id)
	c.wanted.config.Servers = append(c.wanted.config.Servers, &api.DataServerIdentity{
		Name: &name, Public: fmt.Sprintf("%s:1", name), Internal: p.address,
	})
}

func logger() *slog.Logger {
	if os.Getenv("OSTRAKA_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

// coordinate runs a coordinator until the test ends or the function is called.
func (c *cluster) coordinate(t *testing.T, name string, change func(*Options)) (*Coordinator, func()) {
	t.Helper()
	o := Options{
		Name: name, Address: name + ":6651", Metadata: c.store.Open(), Config: c.wanted, Transport: c.network.transport,
		Logger: logger(),
	}
	if change != nil {
		change(&o)
	}
	one, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		one.Run(ctx)
	}()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return one, stop
}

func namespace(name string, shards uint32) *api.Namespace {
	return &api.Namespace{Name: name, InitialShardCount: shards, ReplicationFactor: 3}
}

// led reports whether a state has so many shards, all of which are led, by none of some
// servers.
func led(shards int, not ...replication.ServerID) func(*api.ClusterState) bool {
	return func(state *api.ClusterState) bool {
		for _, s := range state.GetShards() {
			if s.GetLeader() == "" {
				return false
			}
			for _, id := range not {
				if s.GetLeader() == string(id) {
					return false
				}
			}
		}
		return len(state.GetShards()) == shards
	}
}

func TestClusterComesUpAndOutlivesItsLeaders(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 6), namespace("other", 2))
	_, stop := c.coordinate(t, "a", nil)
	state := c.pockets[1].await(t, led(8))
	if state.GetCluster() == "" || state.GetCoordinator() != "coordinator/a" || len(state.GetServers()) != 3 || len(state.GetNamespaces()) != 2 {
		t.Errorf("told %v", state)
	}
	leaders := map[string]int{}
	for _, s := range state.GetShards() {
		leaders[s.GetLeader()]++
	}
	// A server that is slow to answer leads nothing yet.
	if len(leaders) < 2 {
		t.Errorf("leaders are %v", leaders)
	}
	c.pockets[0].kill()
	after := c.pockets[1].await(t, led(8, "s0"))
	for i, s := range after.GetShards() {
		before := state.GetShards()[i]
		moved := before.GetLeader() == "s0"
		if moved != (s.GetTerm() > before.GetTerm()) {
			t.Errorf("shard %d went from term %d of %s to %d of %s", s.GetShard(), before.GetTerm(), before.GetLeader(), s.GetTerm(), s.GetLeader())
		}
	}
	// The next coordinator finds everything as it is, and holds no election.
	stop()
	_, _ = c.coordinate(t, "b", nil)
	again := c.pockets[2].await(t, func(s *api.ClusterState) bool { return s.GetCoordinator() == "coordinator/b" && led(8)(s) })
	if again.GetCluster() != state.GetCluster() || again.GetRevision() <= after.GetRevision() {
		t.Errorf("told %v after %v", again, after)
	}
	for i, s := range again.GetShards() {
		if !proto.Equal(s, after.GetShards()[i]) {
			t.Errorf("shard went from %v to %v", after.GetShards()[i], s)
		}
	}
}

func TestConfigurationIsFollowed(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 2))
	one, _ := c.coordinate(t, "a", nil)
	c.pockets[0].await(t, led(2))
	change := func(do func(*api.ClusterConfiguration)) {
		t.Helper()
		if err := one.UpdateConfig(t.Context(), func(c *api.ClusterConfiguration) error { do(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	change(func(c *api.ClusterConfiguration) { c.Namespaces = append(c.Namespaces, namespace("later", 3)) })
	c.pockets[0].await(t, led(5))

	p := startPocket(t, c.network, "s3", 1)
	change(func(c *api.ClusterConfiguration) {
		c.Servers = append(c.Servers, &api.DataServerIdentity{Name: proto.String("s3"), Public: "s3:1", Internal: p.address})
		c.Namespaces = append(c.Namespaces, namespace("wide", 1))
		c.Namespaces[2].ReplicationFactor = 4
		c.AllowExtraAuthorities = []string{"tls://lb:443"}
	})
	state := p.await(t, led(6))
	if len(state.GetServers()) != 4 || state.GetAllowedAuthorities()[len(state.GetAllowedAuthorities())-1] != "s3:1" {
		t.Errorf("told %v", state)
	}
	change(func(c *api.ClusterConfiguration) { c.Namespaces = c.Namespaces[:1] })
	c.pockets[1].await(t, led(2))
	s := one.Snapshot()
	if len(s.Status.Deleting) != 4 || s.Status.NextShard != 6 {
		t.Errorf("status is %+v", s.Status)
	}
}

func TestSnapshotTellsWhatIsKnown(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 1))
	c.wanted.config.Servers = append(c.wanted.config.Servers, &api.DataServerIdentity{
		Name: proto.String("away"), Public: "away:1", Internal: "127.0.0.1:1",
	})
	a, _ := c.coordinate(t, "a", nil)
	c.pockets[0].await(t, led(1))
	b, _ := c.coordinate(t, "b", nil)
	var s, standby Snapshot
	eventually(t, func() bool {
		s, standby = a.Snapshot(), b.Snapshot()
		return s.Known && len(s.Servers) == 4 && s.Servers["away"].Err != nil && standby.Lease.Known
	})
	if len(s.Shards) != 1 || s.Shards[0].Leader == "" || s.Servers["s0"].State.GetFeatures()[0] != "f" || !s.Lease.Leads {
		t.Errorf("snapshot %+v", s)
	}
	if standby.Known || standby.Lease.Leads || standby.Lease.Address != "a:6651" {
		t.Errorf("standby's %+v", standby)
	}
}

// eventually waits until something holds that nobody tells.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came to be")
		}
	}
}

// A thousand shards that lose a third of their leaders at once are led again by a few
// writes, not one or two for each.
func TestThousandShardsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const shards = 1000
	c := startCluster(t, 3, namespace("default", shards))
	o := &counting{elections: map[Cause]int{}}
	_, _ = c.coordinate(t, "a", func(options *Options) { options.Observer = o })
	leaders := map[replication.ServerID]int{}
	for _, s := range c.pockets[1].await(t, led(shards)).GetShards() {
		leaders[replication.ServerID(s.GetLeader())]++
	}
	before := o.take()
	if before.documents < shards || before.writes > before.documents/20 {
		t.Errorf("came up with %+v", before)
	}
	victim, witness := c.pockets[0], c.pockets[1]
	for i, p := range c.pockets {
		if leaders[p.id] > leaders[victim.id] {
			victim, witness = p, c.pockets[(i+1)%len(c.pockets)]
		}
	}
	began := time.Now()
	victim.kill()
	witness.await(t, led(shards, victim.id))
	after := o.take()
	t.Logf("came up by %d writes of %d documents; %d led again after %v by %d writes of %d",
		before.writes, before.documents, leaders[victim.id], time.Since(began), after.writes, after.documents)
	if moved := after.elections[CauseServerLost]; moved == 0 || after.documents < moved || after.writes > max(10, moved/10) {
		t.Errorf("moved with %+v", after)
	}
}

// counting is an Observer that counts.
type counting struct {
	mu                sync.Mutex
	writes, documents int
	elections         map[Cause]int
}

func (o *counting) take() (was struct {
	writes, documents int
	elections         map[Cause]int
}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	was.writes, was.documents, was.elections = o.writes, o.documents, o.elections
	o.writes, o.documents, o.elections = 0, 0, map[Cause]int{}
	return was
}

func (o *counting) ElectionBegan(Cause) {}

func (o *counting) ElectionEnded(cause Cause, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.elections[cause]++
}

func (o *counting) DocumentsStored(documents int, _ time.Duration, _ int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	o.documents += documents
}

func (o *counting) MovePlanned(Moved, plan.Kind) {}

func (o *counting) MoveEnded(Moved, plan.Kind, bool) {}

func (o *counting) Leading(bool) {}

func TestOptionsAreChecked(t *testing.T) {
	c := startCluster(t, 0)
	good := Options{Name: "a", Metadata: c.store.Open(), Config: c.wanted, Transport: c.network.transport}
	for name, change := range map[string]func(*Options){
		"no name":         func(o *Options) { o.Name = "" },
		"slash in a name": func(o *Options) { o.Name = "a/b" },
		"no metadata":     func(o *Options) { o.Metadata = nil },
		"no config":       func(o *Options) { o.Config = nil },
		"bad core":        func(o *Options) { o.Core = &replication.Options{} },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A status that this release cannot read is not replaced by a new cluster's.
func TestDamagedStatusIsLeftAlone(t *testing.T) {
	c := startCluster(t, 1)
	p := c.store.Open()
	if err := p.Update(t.Context(), []metadata.Change{{Key: statusKey, Value: []byte(`{"later":1}`)}})[0]; err != nil {
		t.Fatal(err)
	}
	refused := make(refusals, 1)
	one, stop := c.coordinate(t, "a", func(o *Options) { o.Logger = slog.New(refused) })
	<-refused
	stop()
	if found, err := p.Read(t.Context(), []string{statusKey}); err != nil || found[statusKey].Version != 1 {
		t.Errorf("status is %v, %v", found, err)
	}
	if one.Snapshot().Known {
		t.Error("it took the status for something")
	}
}

// refusals is a log handler that tells of errors.
type refusals chan string

func (r refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r refusals) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r refusals) WithGroup(string) slog.Handler            { return r }

func (r refusals) Handle(_ context.Context, record slog.Record) error {
	if record.Level >= slog.LevelError {
		select {
		case r <- record.Message:
		default:
		}
	}
	return nil
}
