package grpc

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/server/testcluster"
)

// nodes are three servers with replicas on disks in memory, and a coordinator, over
// loopback.
type nodes struct {
	t           testing.TB
	ctx         context.Context
	coordinator *testcluster.Coordinator
	servers     map[replication.ServerID]*node
}

type node struct {
	*process
	*host.Host
}

func (n *node) kill() {
	n.plain.reset()
	n.stop()
	n.Host.Close()
}

var nodeNames = []replication.ServerID{"s1", "s2", "s3"}

// coreOptions are those of a coordinator that has few rivals, with patience: on
// processors that others use too, silence alone decides nothing here.
func coreOptions() replication.Options {
	o := replication.DefaultOptions()
	o.Barrier, o.BackoffMost = kv.BarrierPayload(), 2*time.Millisecond
	o.SilentAfter, o.ElectWithin, o.LeadWithin = 5*time.Second, 10*time.Second, 5*time.Second
	return o
}

func startNodes(t testing.TB, shards int) *nodes {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	n := &nodes{t: t, ctx: ctx, servers: map[replication.ServerID]*node{}}
	addresses := map[replication.ServerID]string{}
	for _, id := range nodeNames {
		n.servers[id] = n.start(id)
		addresses[id] = n.servers[id].address
	}
	for _, s := range n.servers {
		s.transport.SetPeers(addresses)
	}
	n.coordinate(addresses, shards)
	return n
}

func (n *nodes) start(id replication.ServerID) *node {
	disk, err := storage.Open(storage.Options{Storage: storage.InMemory, CacheBytes: 1 << 20, MemTableBytes: 1 << 20})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = disk.Close() })
	h, err := host.New(host.Options{ID: id, Disk: disk, Core: coreOptions()})
	if err != nil {
		n.t.Fatal(err)
	}
	p := start(n.t, id, h.Self().Run, func(o *Options) {
		o.Deliver, o.Gone, o.Over = h.Deliver, h.PeerGone, h.PeerOver
	})
	if err := h.Start(p.transport); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(h.Close)
	h.Coordinators([]replication.ServerID{testcluster.CoordinatorID})
	return &node{p, h}
}

// bridge is a server as the coordinator's network in memory sees it: it passes on
// what is for it.
type bridge struct {
	to        replication.ServerID
	transport *Transport
}

func (b bridge) Deliver(batch []replication.Envelope) { b.transport.Send(b.to, batch) }
func (bridge) PeerGone(replication.ServerID)          {}

// coordinate starts the coordinator. It dials the servers, and they do not know its
// address.
func (n *nodes) coordinate(addresses map[replication.ServerID]string, shards int) {
	var coordinator *testcluster.Coordinator
	started := make(chan struct{})
	transport, err := New(Options{
		Self:    replication.Server{ID: testcluster.CoordinatorID, Run: 1},
		Deliver: func(batch []replication.Envelope) { <-started; coordinator.Deliver(batch) },
		Gone:    func(id replication.ServerID) { <-started; coordinator.PeerGone(id) },
		Over:    func(id replication.ServerID) { <-started; coordinator.PeerOver(id) },
	})
	if err != nil {
		n.t.Fatal(err)
	}
	network := testcluster.NewNetwork()
	for _, id := range nodeNames {
		network.Join(id, bridge{id, transport})
	}
	transport.SetPeers(addresses)
	var all []testcluster.Shard
	for i := range shards {
		all = append(all, testcluster.Shard{ID: replication.ShardID(i), Servers: nodeNames})
	}
	coordinator = testcluster.StartCoordinator(network, coreOptions(), all)
	close(started)
	n.coordinator = coordinator
	n.t.Cleanup(func() {
		transport.Close()
		coordinator.Close()
	})
}

// leader waits until a server leads a shard that is not one of those.
func (n *nodes) leader(shard replication.ShardID, not ...replication.ServerID) *node {
	n.t.Helper()
	id, _, err := n.coordinator.Leader(n.ctx, shard, func(id replication.ServerID) bool { return !slices.Contains(not, id) })
	if err != nil {
		n.t.Fatal(err)
	}
	return n.servers[id]
}

// put writes a record, by whoever leads.
func (n *nodes) put(shard replication.ShardID, key, value string, not ...replication.ServerID) {
	n.t.Helper()
	body, err := proto.Marshal(&api.WriteRequest{Puts: []*api.PutRequest{{Key: key, Value: []byte(value)}}})
	if err != nil {
		n.t.Fatal(err)
	}
	for {
		call, err := n.leader(shard, not...).Write(n.ctx, shard, kv.WritePayload(body))
		if err == nil {
			<-call.Done()
			_, _, err = call.Written()
		}
		if err == nil {
			return
		}
		if n.ctx.Err() != nil {
			n.t.Fatalf("%s was not written: %v", key, err)
		}
	}
}

// get reads a record from whoever leads, linearizably.
func (n *nodes) get(shard replication.ShardID, key string, not ...replication.ServerID) string {
	n.t.Helper()
	var value string
	for {
		view, err := n.leader(shard, not...).Confirm(n.ctx, shard)
		if err == nil {
			err = view.Read(func(db *kv.DB) error {
				found, err := db.Read(kv.ShardID(shard), &api.ReadRequest{Gets: []*api.GetRequest{{Key: key, IncludeValue: true}}})
				if err == nil {
					value = string(found.GetGets()[0].GetValue())
				}
				return err
			})
		}
		if err == nil {
			return value
		}
		if n.ctx.Err() != nil {
			n.t.Fatalf("%s was not read: %v", key, err)
		}
	}
}

func TestNodesElectWriteAndOutliveBrokenLinksAndALeader(t *testing.T) {
	const shards = 4
	n := startNodes(t, shards)
	write := func(round int, not ...replication.ServerID) {
		for shard := range replication.ShardID(shards) {
			n.put(shard, fmt.Sprint("k", round), fmt.Sprint(shard, "/", round), not...)
		}
	}
	for round := range 10 {
		write(round)
	}
	// Links break while it works, now of one server and now of another.
	for round := 10; round < 20; round++ {
		n.servers[nodeNames[round%3]].plain.reset()
		write(round)
	}
	dead := n.leader(0)
	dead.kill()
	id := dead.Self().ID
	for round := 20; round < 30; round++ {
		write(round, id)
	}
	for round := range 30 {
		for shard := range replication.ShardID(shards) {
			if got, want := n.get(shard, fmt.Sprint("k", round), id), fmt.Sprint(shard, "/", round); got != want {
				t.Errorf("shard %d: k%d is %q, and %q was written", shard, round, got, want)
			}
		}
	}
}

// BenchmarkFailover tells how long after its leader's end a shard takes a write.
func BenchmarkFailover(b *testing.B) {
	var all []time.Duration
	for b.Loop() {
		n := startNodes(b, 1)
		n.put(0, "k", "before")
		leader := n.leader(0)
		began := time.Now()
		leader.plain.reset()
		leader.stop()
		n.put(0, "k", "after", leader.Self().ID)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "median-µs")
	b.ReportMetric(float64(all[len(all)-1].Microseconds()), "worst-µs")
}
