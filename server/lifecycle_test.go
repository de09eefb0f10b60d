package server

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// lone is a server that no coordinator knows.
func lone(t *testing.T, change func(*Config)) *testCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c := &testCluster{t: t, ctx: ctx, conns: map[string]*grpc.ClientConn{}}
	config := &Config{
		Name: "s1", PublicAddress: "127.0.0.1:0", InternalAddress: "127.0.0.1:0", Core: patient(),
		Storage: storage.Options{Storage: storage.InMemory, CacheBytes: 1 << 20, MemTableBytes: 1 << 20},
	}
	if change != nil {
		change(config)
	}
	c.start(config)
	t.Cleanup(func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
	})
	return c
}

// state is what a coordinator could tell a lone server.
func state(s *Server, change func(*api.ClusterState)) *api.ClusterState {
	told := &api.ClusterState{
		Cluster: "c", Coordinator: "coordinator/c1", Revision: 1, You: "s1",
		Servers:            []*api.ServerAddress{{Server: "s1", Public: s.PublicAddress(), Internal: s.InternalAddress()}},
		AllowedAuthorities: []string{s.PublicAddress()}, Namespaces: []string{"default"},
	}
	if change != nil {
		change(told)
	}
	return told
}

// attend tells a server a state, and returns what the server told, or why it ended the
// stream.
func (c *testCluster) attend(s *Server, told *api.ClusterState) (*api.ServerState, error) {
	c.t.Helper()
	stream, err := api.NewCoordinationClient(c.conn(s.InternalAddress())).Attend(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := stream.Send(told); err != nil {
		c.t.Fatal(err)
	}
	for {
		own, err := stream.Recv()
		if err != nil || own.GetRevision() == told.GetRevision() {
			return own, err
		}
	}
}

func (c *testCluster) ready(s *Server) healthpb.HealthCheckResponse_ServingStatus {
	c.t.Helper()
	res, err := healthpb.NewHealthClient(c.conn(s.PublicAddress())).Check(c.ctx, &healthpb.HealthCheckRequest{Service: api.HealthReadiness})
	if err != nil {
		c.t.Fatal(err)
	}
	return res.GetStatus()
}

func TestServerWaitsForACoordinator(t *testing.T) {
	c := lone(t, nil)
	s := c.servers[0]
	waits := refusal{codes.Unavailable, api.ReasonNotInitialized, []string{"coordinator"}}
	shard := int64(0)
	_, err := c.client(s.PublicAddress()).CreateSession(c.ctx, &api.CreateSessionRequest{})
	waits.check(t, "a session", err)
	stream, err := c.client(s.PublicAddress()).Read(c.ctx, &api.ReadRequest{Shard: &shard})
	if err == nil {
		_, err = stream.Recv()
	}
	waits.check(t, "a read", err)
	if got := c.ready(s); got != healthpb.HealthCheckResponse_NOT_SERVING || s.Ready() == nil {
		t.Errorf("it is %v, %v", got, s.Ready())
	}

	own, err := c.attend(s, state(s, nil))
	if err != nil || own.GetServer() != "s1" || own.GetRun() == 0 || own.GetIncarnation() == 0 {
		t.Fatalf("it tells %v, %v", own, err)
	}
	if got := c.ready(s); got != healthpb.HealthCheckResponse_SERVING || s.Ready() != nil {
		t.Errorf("it is %v, %v", got, s.Ready())
	}
}

func TestAuthorityMustBeTheClusters(t *testing.T) {
	for _, any := range []bool{false, true} {
		c := lone(t, func(config *Config) { config.AnyAuthority = any })
		s := c.servers[0]
		if _, err := c.attend(s, state(s, nil)); err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(s.PublicAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("else.example:1"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = api.NewOxiaClientClient(conn).CreateSession(c.ctx, &api.CreateSessionRequest{})
		_ = conn.Close()
		if any {
			refusal{codes.NotFound, api.ReasonShardNotFound, nil}.check(t, "a call under any name", err)
		} else {
			refusal{codes.PermissionDenied, "", []string{"else.example:1", "allowExtraAuthorities"}}.check(t, "a call under another name", err)
		}
		_, err = c.client(s.PublicAddress()).CreateSession(c.ctx, &api.CreateSessionRequest{})
		refusal{codes.NotFound, api.ReasonShardNotFound, nil}.check(t, "a call under the cluster's name", err)
	}
}

// A server without a name learns it, keeps it, and is nobody else from then on.
func TestServerLearnsItsName(t *testing.T) {
	fs := vfs.NewMem()
	onDisk := func(name string) func(*Config) {
		return func(config *Config) {
			config.Name = name
			config.Storage = storage.Options{FS: fs, Dir: "data", CacheBytes: 1 << 20, MemTableBytes: 1 << 20}
		}
	}
	c := lone(t, onDisk(""))
	s := c.servers[0]
	if s.Ready() == nil || !strings.Contains(s.Ready().Error(), "who this server is") {
		t.Errorf("it is not ready because %v", s.Ready())
	}
	_, err := c.attend(s, state(s, func(told *api.ClusterState) { told.You = "" }))
	refusal{code: codes.InvalidArgument, names: []string{"--name"}}.check(t, "a state that does not say who it is", err)
	if own, err := c.attend(s, state(s, func(told *api.ClusterState) { told.You = "learned" })); err != nil || own.GetServer() != "learned" {
		t.Fatalf("it tells %v, %v", own, err)
	}
	for what, change := range map[string]func(*api.ClusterState){
		"another name":    func(told *api.ClusterState) { told.You = "other" },
		"another cluster": func(told *api.ClusterState) { told.You, told.Cluster = "learned", "d" },
	} {
		_, err := c.attend(s, state(s, change))
		refusal{code: codes.FailedPrecondition, names: []string{"learned"}}.check(t, what, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	again := lone(t, onDisk(""))
	if h := again.servers[0].replicas(); h == nil || h.Self().ID != "learned" {
		t.Error("it has forgotten its name")
	}
	if err := again.servers[0].Close(); err != nil {
		t.Fatal(err)
	}
	config := again.configs[0]
	config.Name = "other"
	other := (*storage.IdentityError)(nil)
	if s, err := Start(*config); !errors.As(err, &other) {
		t.Errorf("it started under another name: %v", err)
		if err == nil {
			_ = s.Close()
		}
	}
}

func TestBadConfigurationIsRefused(t *testing.T) {
	for _, bad := range []struct {
		change func(*Config)
		names  []string
	}{
		{func(c *Config) { c.Name = "a/b" }, []string{"name", "slash"}},
		{func(c *Config) { c.PublicAddress = "nowhere" }, []string{"public address", "host:port"}},
		{func(c *Config) { c.InternalAddress = "" }, []string{"internal address"}},
		{func(c *Config) { c.Retention.Bytes = -1 }, []string{"retention"}},
		{func(c *Config) { c.Storage = storage.Options{} }, []string{"open the data"}},
	} {
		config := Config{
			Name: "s1", PublicAddress: "127.0.0.1:0", InternalAddress: "127.0.0.1:0",
			Storage: storage.Options{Storage: storage.InMemory},
		}
		bad.change(&config)
		s, err := Start(config)
		if err == nil {
			t.Errorf("a configuration without a good %s started", bad.names[0])
			_ = s.Close()
			continue
		}
		for _, name := range bad.names {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("the error %q does not say %q", err, name)
			}
		}
	}
}

func TestDiskThatFailsEndsTheServer(t *testing.T) {
	var fails atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fails.Load() && op.Kind == errorfs.OpFileSyncData && strings.Contains(op.Path, "/log/") {
			return syscall.EIO
		}
		return nil
	})
	c := lone(t, func(config *Config) {
		config.Storage = storage.Options{FS: errorfs.Wrap(vfs.NewMem(), inject), Dir: "data", CacheBytes: 1 << 20, MemTableBytes: 1 << 20}
	})
	s := c.servers[0]
	if _, err := c.attend(s, state(s, nil)); err != nil {
		t.Fatal(err)
	}
	fails.Store(true)
	// Any coordinator's message that has to be kept will do.
	s.replicas().Deliver([]replication.Envelope{{
		From: "coordinator/c1", FromRun: 1, To: "s1", ToReplica: 1, Shard: 5,
		Message: replication.CreateReplica{Incarnation: s.replicas().Self().Incarnation},
	}})
	<-s.Done()
	if err := s.Err(); !errors.Is(err, syscall.EIO) || s.Ready() == nil {
		t.Errorf("it ended with %v", err)
	}
	_ = s.Close()
	if err := s.Close(); err != nil && !errors.Is(err, syscall.EIO) {
		t.Errorf("closing again: %v", err)
	}
}

// A server is drained under load: whatever ends with an error has
// provably not happened, and may be sent again.
func TestDrainFailsNothingThatMayHaveHappened(t *testing.T) {
	c := startTestCluster(t)
	shards := c.assignments(c.servers[0], "default", led)
	w := &load{cluster: c, stop: make(chan struct{})}
	for i, s := range shards {
		for j := range 2 {
			w.running.Go(func() { w.write(s, fmt.Sprint("k", i, j)) })
		}
	}
	drained := c.servers[0]
	w.await(50)
	ctx, cancel := context.WithTimeout(c.ctx, patience/2)
	defer cancel()
	if err := drained.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	if n := drained.replicas().Leaderships(); n != 0 {
		t.Errorf("a drained server leads %d shards", n)
	}
	w.await(w.done.Load() + 50)
	close(w.stop)
	w.running.Wait()
	if why := w.wrong.Load(); why != nil {
		t.Errorf("a write ended with %v", *why)
	}
}

// Where nobody can take over, a server that stops does not wait for it: no other member
// is there, or there never was one.
func TestDrainWaitsForNobodyWhoIsNotThere(t *testing.T) {
	c := startTestCluster(t,
		&api.Namespace{Name: "default", InitialShardCount: 2, ReplicationFactor: 3},
		&api.Namespace{Name: "single", InitialShardCount: 3, ReplicationFactor: 1})
	leads := c.serverAt(c.first().GetLeader())
	c.assignments(leads, "single", led)
	for _, s := range c.servers {
		if s != leads {
			_ = s.Close()
		}
	}
	if err := leads.Drain(t.Context()); !errors.Is(err, errNoSuccessor) {
		t.Errorf("drain: %v", err)
	}
}

// load writes until it is stopped, and sends again what may be.
type load struct {
	cluster *testCluster
	stop    chan struct{}
	running sync.WaitGroup
	done    atomic.Int64
	wrong   atomic.Pointer[error]
}

func (w *load) write(s *api.ShardAssignment, key string) {
	leader := s.GetLeader()
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		to := &api.ShardAssignment{Shard: s.Shard, Leader: leader, ShardBoundaries: s.ShardBoundaries}
		_, err := w.cluster.write(to, routed(s, key, "v"))
		reason, details := api.ReasonOf(err)
		switch {
		case err == nil:
			w.done.Add(1)
		case reason == api.ReasonNodeIsNotLeader || reason == api.ReasonResourceUnavailable:
			// The last server is not drained: what it does not lead, it knows who does.
			last := w.cluster.servers[2]
			m, _ := last.directory.Map()
			known, _ := m.Shard(replication.ShardID(s.GetShard()))
			leader = m.Public(known.Leader)
			if hint := details[api.MetadataLeader]; hint != "" {
				leader = hint
			}
			if leader == "" {
				leader = last.PublicAddress()
			}
		default:
			err = fmt.Errorf("%w (%v)", err, status.Code(err))
			w.wrong.CompareAndSwap(nil, &err)
			return
		}
	}
}

// await waits until so many writes are done.
func (w *load) await(done int64) {
	for w.done.Load() < done && w.wrong.Load() == nil && w.cluster.ctx.Err() == nil {
		runtime.Gosched()
	}
}
