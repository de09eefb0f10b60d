package admin

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
)

const (
	// partShards is how many shards go in one message.
	partShards = 250
	// followEvery is how often the cluster is looked at for those who follow it.
	followEvery = time.Second
)

// GetClusterStatus implements api.OstrakaAdminServer.
func (o *Operations) GetClusterStatus(r *api.GetClusterStatusRequest, stream grpc.ServerStreamingServer[api.GetClusterStatusResponse]) error {
	now, err := leading(o.cluster)
	if err != nil {
		return err
	}
	shards, err := selected(now, r.GetNamespace(), r.GetShards())
	if err != nil {
		return err
	}
	teller := newTeller(shards, r.GetUnsteady(), stream.Send)
	if !r.GetFollow() {
		return teller.tell(now)
	}
	leave, err := enter(o.following, "follow the status")
	if err != nil {
		return err
	}
	defer leave()
	again := time.NewTicker(followEvery)
	defer again.Stop()
	for {
		if err := teller.tell(now); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-again.C:
		}
		if now, err = leading(o.cluster); err != nil {
			return err
		}
	}
}

// teller tells one caller how the cluster is, and after that what is different. A caller
// that takes its time is told the less often.
type teller struct {
	shards   selection
	unsteady bool
	send     func(*api.GetClusterStatusResponse) error

	// What was told last, of what is there still.
	begun    bool
	overview *api.ClusterOverview
	servers  map[string]*api.ClusterServer
	told     map[int64]*api.ClusterShard
}

func newTeller(shards selection, unsteady bool, send func(*api.GetClusterStatusResponse) error) *teller {
	return &teller{
		shards: shards, unsteady: unsteady, send: send,
		servers: map[string]*api.ClusterServer{}, told: map[int64]*api.ClusterShard{},
	}
}

// tell sends what differs from what was told last; nothing if nothing does, but for the
// first time.
func (t *teller) tell(now coordinator.Snapshot) error {
	part := &api.GetClusterStatusResponse{TakenUnixMs: time.Now().UnixMilli()}
	views := shardViews(now)
	if o := overview(now, views); !proto.Equal(o, t.overview) {
		t.overview, part.Overview = o, o
	}
	t.addServers(now, part)
	shards, gone := t.differing(views)
	part.GoneShards = gone
	for first := range slices.Chunk(shards, partShards) {
		part.Shards = first
		if len(shards) == len(first) {
			break
		}
		shards = shards[len(first):]
		if err := t.send(part); err != nil {
			return err
		}
		part = &api.GetClusterStatusResponse{TakenUnixMs: part.GetTakenUnixMs()}
	}
	if t.begun && part.GetOverview() == nil && len(part.GetServers())+len(part.GetGoneServers())+len(part.GetShards())+len(part.GetGoneShards()) == 0 {
		return nil
	}
	t.begun, part.Complete = true, true
	return t.send(part)
}

func (t *teller) addServers(now coordinator.Snapshot, part *api.GetClusterStatusResponse) {
	there := map[string]bool{}
	for _, s := range serverList(now) {
		there[s.GetServer()] = true
		if before := t.servers[s.GetServer()]; before == nil || !proto.Equal(calmServer(before), calmServer(s)) {
			t.servers[s.GetServer()] = s
			part.Servers = append(part.Servers, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.servers)) {
		if !there[name] {
			delete(t.servers, name)
			part.GoneServers = append(part.GoneServers, name)
		}
	}
}

// differing returns the shards that are not as they were told, and those of which
// nothing is to be told any more.
func (t *teller) differing(views []*api.ClusterShard) (shards []*api.ClusterShard, gone []int64) {
	there := map[int64]bool{}
	for _, view := range views {
		if !t.shards.has(view.GetNamespace(), view.GetShard()) || t.unsteady && len(view.GetUnsteady()) == 0 {
			continue
		}
		there[view.GetShard()] = true
		if before := t.told[view.GetShard()]; before == nil || !sameShard(before, view) {
			t.told[view.GetShard()] = view
			shards = append(shards, view)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.told)) {
		if !there[id] {
			delete(t.told, id)
			gone = append(gone, id)
		}
	}
	return shards, gone
}

// calmServer is a server without the figures that change all the time.
func calmServer(s *api.ClusterServer) *api.ClusterServer {
	calm := proto.CloneOf(s)
	calm.Bytes, calm.WritesPerSecond, calm.ReadsPerSecond = 0, 0, 0
	return calm
}

// sameShard reports whether two views of a shard differ in nothing but figures that
// change all the time. It is asked for each shard each second: hence it copies nothing.
func sameShard(a, b *api.ClusterShard) bool {
	return a.GetNamespace() == b.GetNamespace() && a.GetShard() == b.GetShard() &&
		a.GetMinHashInclusive() == b.GetMinHashInclusive() && a.GetMaxHashInclusive() == b.GetMaxHashInclusive() &&
		a.GetTerm() == b.GetTerm() && a.GetLeader() == b.GetLeader() &&
		a.GetRecovered() == b.GetRecovered() && a.GetDeleted() == b.GetDeleted() &&
		slices.Equal(a.GetWanted(), b.GetWanted()) &&
		slices.EqualFunc(a.GetUnsteady(), b.GetUnsteady(), func(a, b *api.ClusterReason) bool { return a.GetKind() == b.GetKind() }) &&
		slices.EqualFunc(a.GetReplicas(), b.GetReplicas(), sameReplica)
}

func sameReplica(a, b *api.ClusterReplica) bool {
	return a.GetServer() == b.GetServer() && a.GetReplica() == b.GetReplica() && a.GetPlace() == b.GetPlace() &&
		a.GetTold() == b.GetTold() && a.GetRole() == b.GetRole() && a.GetTerm() == b.GetTerm() &&
		a.GetServing() == b.GetServing() && a.GetDamaged() == b.GetDamaged() && a.GetLeaving() == b.GetLeaving()
}
