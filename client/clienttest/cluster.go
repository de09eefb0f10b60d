package clienttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Cluster is servers in this process that share the state of their shards.
type Cluster struct {
	t testing.TB

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change of state
	servers map[string]*server
	// Shards are the state, for Change.
	Shards []*Shard
	// fault, if set, is asked before each call, and says how it fails.
	fault func(call Call) Fault
	// SecretOrder: servers do not tell the order of keys; for Change.
	SecretOrder bool
	// Deaf servers, by address, do not hear of changes of leadership; for Change.
	Deaf map[string]bool
	// calls counts calls by method.
	calls map[string]int
	// authorities are what servers tell as such.
	authorities []string
	// chunk bounds the records of a part of an answer.
	chunk int
}

// Call is what a server is asked.
type Call struct {
	Server, Method string
	Shard          int64
}

// Fault is how a call fails: with an error, before or after it is carried out, or not
// at all until its context ends.
type Fault struct {
	Err   error
	After bool
	Hang  bool
}

type server struct {
	api.UnimplementedOxiaClientServer
	api.UnimplementedOstrakaServer
	cluster  *Cluster
	address  string
	server   *grpc.Server
	listener *bufconn.Listener
	told     map[int64]string // of a deaf server: what it last told
}

// New is Start for a test, whose end stops the servers.
func New(t testing.TB, servers, shards int, order keyspace.Order) *Cluster {
	f := Start(servers, shards, order)
	f.t = t
	t.Cleanup(f.Stop)
	return f
}

// Start starts servers, and shards that tile the hashes; leadership goes round.
func Start(servers, shards int, order keyspace.Order) *Cluster {
	f := &Cluster{
		changed: make(chan struct{}), servers: map[string]*server{}, Deaf: map[string]bool{},
		calls: map[string]int{}, chunk: 3,
	}
	size := uint64(1<<32)/uint64(shards) + 1
	for i := range shards {
		low := uint64(i) * size
		high := min(low+size-1, 1<<32-1)
		f.Shards = append(f.Shards, NewShard(int64(i), keyspace.HashRange{Min: uint32(low), Max: uint32(high)}, order, Address(i%servers)))
	}
	f.authorities = []string{"no-server:6649"}
	for i := range servers {
		f.authorities = append(f.authorities, Address(i))
		f.startServer(Address(i))
	}
	return f
}

// Address is the name of a server.
func Address(i int) string { return fmt.Sprintf("server-%d:6648", i) }

// Test is the test that the cluster was made for, nil if it was started.
func (f *Cluster) Test() testing.TB { return f.t }

// Stop ends all servers. The end of the test does it too.
func (f *Cluster) Stop() {
	for _, s := range f.allServers() {
		s.server.Stop()
	}
}

func (f *Cluster) allServers() []*server {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*server
	for _, s := range f.servers {
		all = append(all, s)
	}
	return all
}

func (f *Cluster) startServer(address string) {
	s := &server{cluster: f, address: address, server: grpc.NewServer(keepAlive), listener: bufconn.Listen(1 << 20)}
	api.RegisterOxiaClientServer(s.server, s)
	api.RegisterOstrakaServer(s.server, s)
	f.mu.Lock()
	f.servers[address] = s
	f.mu.Unlock()
	go func() { _ = s.server.Serve(s.listener) }()
}

// keepAlive lets clients ping as often as the contract says.
var keepAlive = grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: api.MinKeepAlive, PermitWithoutStream: true})

// Kill ends a server with all its connections.
func (f *Cluster) Kill(address string) {
	f.mu.Lock()
	s := f.servers[address]
	delete(f.servers, address)
	f.mu.Unlock()
	s.server.Stop()
}

// Dial connects to a server by its address.
func (f *Cluster) Dial(ctx context.Context, address string) (net.Conn, error) {
	f.mu.Lock()
	s := f.servers[address]
	f.mu.Unlock()
	if s == nil {
		return nil, errors.New("connection refused")
	}
	return s.listener.DialContext(ctx)
}

// Change changes the state, and wakes who waits for changes.
func (f *Cluster) Change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	f.wake()
}

func (f *Cluster) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Lead moves the leadership of a shard.
func (f *Cluster) Lead(shard int64, address string) {
	f.Change(func() { f.Shard(shard).Leader = address })
}

// Shard returns a shard. The caller holds the mutex.
func (f *Cluster) Shard(id int64) *Shard {
	i := slices.IndexFunc(f.Shards, func(s *Shard) bool { return s.id == id })
	if i < 0 {
		return nil
	}
	return f.Shards[i]
}

// SetFault changes how calls fail.
func (f *Cluster) SetFault(fault func(Call) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// Count returns how often a method was called.
func (f *Cluster) Count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

// ask carries a call to a shard out, unless the server does not lead it or the call is
// to fail.
func (s *server) ask(ctx context.Context, method string, id int64, do func(*Shard)) error {
	f := s.cluster
	f.mu.Lock()
	f.calls[method]++
	var fault Fault
	if f.fault != nil {
		fault = f.fault(Call{s.address, method, id})
	}
	f.mu.Unlock()
	if fault.Hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fault.Err != nil && !fault.After {
		return fault.Err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	shard := f.Shard(id)
	switch {
	case shard == nil:
		return api.NewError(api.ReasonShardNotFound, "no such shard", nil)
	case shard.Leader != s.address:
		return NotLeader(id, shard.Leader)
	}
	do(shard)
	f.wake()
	return fault.Err
}

// NotLeader is the refusal of a server that does not lead; leader may be empty.
func NotLeader(id int64, leader string) error {
	details := map[string]string{api.MetadataShard: strconv.FormatInt(id, 10), api.MetadataRest: api.RestRefused}
	if leader != "" {
		details[api.MetadataLeader] = leader
	}
	return api.NewError(api.ReasonNodeIsNotLeader, "this node does not lead the shard", details)
}

func (s *server) GetShardAssignments(req *api.ShardAssignmentsRequest, stream grpc.ServerStreamingServer[api.ShardAssignments]) error {
	if err := s.ask(stream.Context(), "GetShardAssignments", s.cluster.anyShardOf(s.address), func(*Shard) {}); err != nil {
		if reason, _ := api.ReasonOf(err); reason != api.ReasonNodeIsNotLeader && reason != api.ReasonShardNotFound {
			return err
		}
	}
	if req.GetNamespace() != api.DefaultNamespace {
		return api.NewError(api.ReasonNamespaceNotFound, "no such namespace", nil)
	}
	for {
		told, changed := s.assignments()
		if err := stream.Send(told); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

func (f *Cluster) anyShardOf(address string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.Shards {
		if s.Leader == address {
			return s.id
		}
	}
	return -1
}

// assignments returns what the server tells, and when to tell anew.
func (s *server) assignments() (*api.ShardAssignments, <-chan struct{}) {
	f := s.cluster
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.told == nil || !f.Deaf[s.address] {
		s.told = map[int64]string{}
		for _, shard := range f.Shards {
			s.told[shard.id] = shard.Leader
		}
	}
	told := &api.NamespaceShardsAssignment{ShardKeyRouter: api.ShardKeyRouter_XXHASH3}
	for _, shard := range f.Shards {
		told.Assignments = append(told.Assignments, &api.ShardAssignment{
			Shard: shard.id, Leader: s.told[shard.id],
			ShardBoundaries: &api.ShardAssignment_Int32HashRange{Int32HashRange: &api.Int32HashRange{
				MinHashInclusive: shard.Hashes.Min, MaxHashInclusive: shard.Hashes.Max,
			}},
		})
	}
	return &api.ShardAssignments{
		Namespaces:         map[string]*api.NamespaceShardsAssignment{api.DefaultNamespace: told},
		AllowedAuthorities: f.authorities,
	}, f.changed
}

func (s *server) WriteStream(stream grpc.BidiStreamingServer[api.WriteRequest, api.WriteResponse]) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	if namespaces, shards := md.Get(api.HeaderNamespace), md.Get(api.HeaderShard); len(namespaces) != 1 || len(shards) != 1 {
		return errors.New("the headers are not there exactly once")
	}
	id, err := strconv.ParseInt(md.Get(api.HeaderShard)[0], 10, 64)
	if err != nil {
		return err
	}
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var res *api.WriteResponse
		if err := s.ask(stream.Context(), "WriteStream", id, func(shard *Shard) { res = shard.apply(req) }); err != nil {
			return err
		}
		if err := stream.Send(res); err != nil {
			return err
		}
	}
}

func (s *server) WriteOnce(ctx context.Context, req *api.WriteOnceRequest) (*api.WriteOnceResponse, error) {
	var res *api.WriteOnceResponse
	err := s.ask(ctx, "WriteOnce", req.GetShard(), func(shard *Shard) { res = shard.once(req) })
	return res, err
}

func (s *server) Transact(ctx context.Context, req *api.TransactRequest) (*api.TransactionResponse, error) {
	var res *api.TransactionResponse
	err := s.ask(ctx, "Transact", req.GetShard(), func(shard *Shard) {
		key := onceKey(req.GetName())
		if res = shard.results[key]; req.GetName() == nil || res == nil {
			res = shard.transact(req.GetTransaction())
			shard.results[key] = res
		}
	})
	return res, err
}

// header tells the order of keys, as servers do.
func (s *server) header(stream grpc.ServerStream, id int64) error {
	f := s.cluster
	f.mu.Lock()
	defer f.mu.Unlock()
	shard := f.Shard(id)
	if shard == nil || f.SecretOrder {
		return nil
	}
	return stream.SetHeader(metadata.Pairs(api.HeaderKeyOrder, shard.order.String()))
}

func (s *server) Read(req *api.ReadRequest, stream grpc.ServerStreamingServer[api.ReadResponse]) error {
	var answers []*api.GetResponse
	err := s.ask(stream.Context(), "Read", req.GetShard(), func(shard *Shard) {
		for _, get := range req.GetGets() {
			answers = append(answers, shard.get(get))
		}
	})
	if err != nil {
		return err
	}
	if err := s.header(stream, req.GetShard()); err != nil {
		return err
	}
	for part := range slices.Chunk(answers, s.cluster.chunk) {
		if err := stream.Send(&api.ReadResponse{Gets: part}); err != nil {
			return err
		}
	}
	return nil
}

// Failing returns a fault that fails the first calls of a method.
func Failing(method string, times int, how Fault) func(Call) Fault {
	var mu sync.Mutex
	return func(call Call) Fault {
		mu.Lock()
		defer mu.Unlock()
		if call.Method != method || times == 0 {
			return Fault{}
		}
		times--
		return how
	}
}

// Applied returns how many requests to write were applied, in all shards.
func (f *Cluster) Applied() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range f.Shards {
		n += s.Applied
	}
	return n
}
