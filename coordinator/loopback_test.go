package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/elections"
	"github.com/ostraka-db/ostraka/coordinator/metadata/file"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server"
	"github.com/ostraka-db/ostraka/server/storage"
)

// patience bounds what a test waits for.
const patience = time.Minute

// patient are options for a machine that has other things to do: nobody is silent
// because it waits for a processor.
func patient() *replication.Options {
	o := elections.Options()
	o.SilentAfter, o.ElectWithin, o.LeadWithin = 5*time.Second, 10*time.Second, 5*time.Second
	return o
}

// loopback is a cluster of the real parts, on loopback, in one process.
type loopback struct {
	t       *testing.T
	ctx     context.Context
	dir     string
	wanted  *api.ClusterConfiguration
	servers map[string]*server.Server
}

func startLoopback(t *testing.T, servers int, namespaces ...*api.Namespace) *loopback {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	l := &loopback{
		t: t, ctx: ctx, dir: t.TempDir(), wanted: &api.ClusterConfiguration{Namespaces: namespaces},
		servers: map[string]*server.Server{},
	}
	for i := range servers {
		name := fmt.Sprintf("s%d", i+1)
		s, err := server.Start(server.Config{
			Name: name, PublicAddress: "127.0.0.1:0", InternalAddress: "127.0.0.1:0", Core: patient(),
			Storage: storage.Options{Storage: storage.InMemory, CacheBytes: 1 << 20, MemTableBytes: 1 << 20},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.stop(name) })
		l.servers[name] = s
		l.wanted.Servers = append(l.wanted.Servers, &api.DataServerIdentity{
			Name: &name, Public: s.PublicAddress(), Internal: s.InternalAddress(),
		})
	}
	return l
}

// stop ends a server that runs.
func (l *loopback) stop(name string) {
	l.t.Helper()
	s := l.servers[name]
	if s == nil {
		return
	}
	delete(l.servers, name)
	if err := s.Close(); err != nil {
		l.t.Error(err)
	}
}

// coordinate runs a coordinator until the function is called, or the test ends.
func (l *loopback) coordinate(name string) (*coordinator.Coordinator, func()) {
	l.t.Helper()
	source, err := config.NewFixed(l.wanted)
	if err != nil {
		l.t.Fatal(err)
	}
	provider, err := file.Open(filepath.Join(l.dir, "status.json"), slog.New(slog.DiscardHandler))
	if err != nil {
		l.t.Fatal(err)
	}
	return l.run(coordinator.Options{
		Name: name, Address: name + ":6651", Metadata: provider, Config: source, Core: patient(),
	})
}

// run runs a coordinator until the function is called, or the test ends.
func (l *loopback) run(o coordinator.Options) (*coordinator.Coordinator, func()) {
	l.t.Helper()
	c, err := coordinator.New(o)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		<-done
		if err := o.Metadata.Close(); err != nil {
			l.t.Error(err)
		}
	})
	l.t.Cleanup(stop)
	return c, stop
}

// assignments waits until a server tells clients that every shard is led, by somebody
// who is not at some address.
func (l *loopback) assignments(via, not string) []*api.ShardAssignment {
	l.t.Helper()
	conn, err := grpc.NewClient(l.servers[via].PublicAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for {
		stream, err := api.NewOxiaClientClient(conn).GetShardAssignments(l.ctx, &api.ShardAssignmentsRequest{Namespace: "default"})
		if err != nil {
			l.t.Fatal(err)
		}
		for {
			told, err := stream.Recv()
			if err != nil {
				// The server has not heard the coordinator yet.
				if l.ctx.Err() != nil {
					l.t.Fatalf("no assignments: %v", err)
				}
				break
			}
			shards := told.GetNamespaces()["default"].GetAssignments()
			led := len(shards) > 0
			for _, s := range shards {
				led = led && s.GetLeader() != "" && s.GetLeader() != not
			}
			if led {
				return shards
			}
		}
	}
}

// put writes a record to a shard, wherever its leader is said to be, and fails the test
// if that is refused.
func (l *loopback) put(address string, shard int64) {
	l.t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for {
		r, err := l.write(conn, shard)
		if reason, _ := api.ReasonOf(err); reason == api.ReasonNodeIsNotLeader && l.ctx.Err() == nil {
			// It serves from the next moment on.
			continue
		}
		if err != nil || len(r.GetDeletes()) != 1 {
			l.t.Fatalf("shard %d at %s: %v, %v", shard, address, r, err)
		}
		return
	}
}

func (l *loopback) write(conn *grpc.ClientConn, shard int64) (*api.WriteResponse, error) {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(l.ctx,
		api.HeaderNamespace, "default", api.HeaderShard, strconv.FormatInt(shard, 10)))
	defer cancel()
	stream, err := api.NewOxiaClientClient(conn).WriteStream(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&api.WriteRequest{Deletes: []*api.DeleteRequest{{Key: "k"}}}); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return stream.Recv()
}

// Three servers and two coordinators: a leader that goes is replaced, and so is a
// coordinator, and then a leader again by the second.
func TestRealClusterOutlivesLeadersAndCoordinators(t *testing.T) {
	l := startLoopback(t, 4, &api.Namespace{Name: "default", InitialShardCount: 4, ReplicationFactor: 3})
	_, stop := l.coordinate("a")
	for _, s := range l.assignments("s1", "") {
		l.put(s.GetLeader(), s.GetShard())
	}
	victim := l.servers["s2"].PublicAddress()
	l.stop("s2")
	for _, s := range l.assignments("s1", victim) {
		l.put(s.GetLeader(), s.GetShard())
	}
	b, _ := l.coordinate("b")
	stop()
	for s := b.Snapshot(); !s.Known; s = b.Snapshot() {
		if l.ctx.Err() != nil {
			t.Fatalf("b does not lead: %+v", s)
		}
	}
	if s := b.Snapshot(); s.Status.NextShard != 4 || s.Lease.Holder != "b" {
		t.Errorf("b knows %+v", s)
	}
	for _, s := range l.assignments("s3", victim) {
		l.put(s.GetLeader(), s.GetShard())
	}
}

// A server that is about to stop hands its leaderships over, by elections that it asks
// the coordinator for.
func TestDrainedServerHandsOver(t *testing.T) {
	l := startLoopback(t, 3, &api.Namespace{Name: "default", InitialShardCount: 6, ReplicationFactor: 3})
	l.coordinate("a")
	drained := l.servers["s2"].PublicAddress()
	l.assignments("s1", "")
	if err := l.servers["s2"].Drain(l.ctx); err != nil {
		t.Fatal(err)
	}
	for _, s := range l.assignments("s1", drained) {
		l.put(s.GetLeader(), s.GetShard())
	}
}
