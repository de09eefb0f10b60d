package server

import (
	"context"
	"fmt"
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
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
	"github.com/ostraka-db/ostraka/kv/keyspace"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// patient are the core's options on slow processors that others use too: no election
// because one had to wait.
func patient() *replication.Options {
	o := elections.Options()
	o.SilentAfter = 3 * time.Second
	o.ElectWithin = 5 * time.Second
	o.LeadWithin = 3 * time.Second
	return o
}

// testCluster is three servers and a coordinator on loopback, and a client.
type testCluster struct {
	t       testing.TB
	ctx     context.Context
	configs []*Config
	servers []*Server

	mu    sync.Mutex // guards conns, which many clients share
	conns map[string]*grpc.ClientConn
}

func startTestCluster(t testing.TB, namespaces ...*api.Namespace) *testCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c := &testCluster{t: t, ctx: ctx, conns: map[string]*grpc.ClientConn{}}
	wanted := &api.ClusterConfiguration{Namespaces: namespaces}
	if len(namespaces) == 0 {
		wanted.Namespaces = []*api.Namespace{{Name: "default", InitialShardCount: 2, ReplicationFactor: 3}}
	}
	for i := range 3 {
		name := fmt.Sprintf("s%d", i+1)
		s := c.start(&Config{
			Name: name, PublicAddress: "127.0.0.1:0", InternalAddress: "127.0.0.1:0", Core: patient(),
			Storage: storage.Options{Storage: storage.InMemory, CacheBytes: 1 << 20, MemTableBytes: 1 << 20},
		})
		wanted.Servers = append(wanted.Servers, &api.DataServerIdentity{
			Name: &name, Public: s.PublicAddress(), Internal: s.InternalAddress(),
		})
	}
	c.coordinate(wanted)
	t.Cleanup(func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
	})
	return c
}

// start starts a server, which ends with the test.
func (c *testCluster) start(config *Config) *Server {
	c.t.Helper()
	s, err := Start(*config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.configs, c.servers = append(c.configs, config), append(c.servers, s)
	c.t.Cleanup(func() { _ = s.Close() })
	return s
}

// coordinate starts a coordinator, which ends with the test.
func (c *testCluster) coordinate(wanted *api.ClusterConfiguration) {
	c.t.Helper()
	source, err := config.NewFixed(wanted)
	if err != nil {
		c.t.Fatal(err)
	}
	provider := memory.NewStore().Open()
	coord, err := coordinator.New(coordinator.Options{
		Name: "c1", Metadata: provider, Config: source, Sole: true, Core: patient(),
	})
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

// windowBytes is how much of a stream a client lets come before it reads.
const windowBytes = 64 << 10

// conn returns a connection to an address.
func (c *testCluster) conn(address string) *grpc.ClientConn {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn := c.conns[address]; conn != nil {
		return conn
	}
	// Small windows, so that who does not read is noticed soon.
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStaticStreamWindowSize(windowBytes), grpc.WithStaticConnWindowSize(16*windowBytes))
	if err != nil {
		c.t.Fatal(err)
	}
	c.conns[address] = conn
	return conn
}

func (c *testCluster) client(address string) api.OxiaClientClient {
	return api.NewOxiaClientClient(c.conn(address))
}

// assignments waits until the shards of a namespace are as a function wants them, as a
// server tells.
func (c *testCluster) assignments(
	from *Server, namespace string, accept func([]*api.ShardAssignment) bool,
) []*api.ShardAssignment {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	for ctx.Err() == nil {
		stream, err := c.client(from.PublicAddress()).GetShardAssignments(ctx, &api.ShardAssignmentsRequest{Namespace: namespace})
		for err == nil {
			var all *api.ShardAssignments
			if all, err = stream.Recv(); err == nil {
				if shards := all.GetNamespaces()[namespace].GetAssignments(); accept(shards) {
					return shards
				}
			}
		}
		if reason, _ := api.ReasonOf(err); reason != api.ReasonNotInitialized && reason != api.ReasonNamespaceNotFound {
			c.t.Fatalf("the shard map: %v", err)
		}
	}
	c.t.Fatal("the shards did not come to be as they should")
	return nil
}

// led reports whether every shard has a leader.
func led(shards []*api.ShardAssignment) bool {
	for _, s := range shards {
		if s.GetLeader() == "" {
			return false
		}
	}
	return len(shards) > 0
}

// first returns the first shard of the default namespace.
func (c *testCluster) first() *api.ShardAssignment {
	c.t.Helper()
	return c.assignments(c.servers[0], "default", led)[0]
}

// serverAt returns the server that clients reach at an address.
func (c *testCluster) serverAt(address string) *Server {
	for _, s := range c.servers {
		if s.PublicAddress() == address {
			return s
		}
	}
	c.t.Fatalf("no server is at %s", address)
	return nil
}

// writeStream opens a stream of writes to a shard.
func (c *testCluster) writeStream(s *api.ShardAssignment) api.OxiaClient_WriteStreamClient {
	c.t.Helper()
	return c.streamWith(s.GetLeader(), api.HeaderNamespace, "default", api.HeaderShard, strconv.FormatInt(s.GetShard(), 10))
}

// streamWith opens a stream of writes with headers.
func (c *testCluster) streamWith(address string, headers ...string) api.OxiaClient_WriteStreamClient {
	c.t.Helper()
	stream, err := c.client(address).WriteStream(metadata.AppendToOutgoingContext(c.ctx, headers...))
	if err != nil {
		c.t.Fatal(err)
	}
	return stream
}

// write writes over a stream of its own.
func (c *testCluster) write(s *api.ShardAssignment, req *api.WriteRequest) (*api.WriteResponse, error) {
	c.t.Helper()
	stream := c.writeStream(s)
	defer func() { _ = stream.CloseSend() }()
	if err := stream.Send(req); err != nil {
		_, err = stream.Recv()
		return nil, err
	}
	return stream.Recv()
}

// get reads a record's value.
func (c *testCluster) get(s *api.ShardAssignment, key string) (string, api.Status, error) {
	c.t.Helper()
	shard := s.GetShard()
	stream, err := c.client(s.GetLeader()).Read(c.ctx,
		&api.ReadRequest{Shard: &shard, Gets: []*api.GetRequest{{Key: key, IncludeValue: true}}})
	if err != nil {
		return "", 0, err
	}
	res, err := stream.Recv()
	if err != nil {
		return "", 0, err
	}
	if len(res.GetGets()) != 1 {
		return "", 0, fmt.Errorf("%d answers to one question", len(res.GetGets()))
	}
	return string(res.GetGets()[0].GetValue()), res.GetGets()[0].GetStatus(), nil
}

// routed is a put of a record that a shard holds.
func routed(s *api.ShardAssignment, key, value string) *api.WriteRequest {
	route := inside(s)
	return &api.WriteRequest{Puts: []*api.PutRequest{{Key: key, Value: []byte(value), PartitionKey: &route}}}
}

// inside is a partition key that a shard holds.
func inside(s *api.ShardAssignment) string {
	r := keyspace.HashRange{
		Min: s.GetInt32HashRange().GetMinHashInclusive(), Max: s.GetInt32HashRange().GetMaxHashInclusive(),
	}
	for i := 0; ; i++ {
		if route := fmt.Sprint("route", i); r.Contains(keyspace.Hash(route)) {
			return route
		}
	}
}
