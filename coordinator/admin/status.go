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

// look is the cluster as it was looked at once. Nothing of it is ever changed.
type look struct {
	at      time.Time
	now     coordinator.Snapshot
	servers []*api.ClusterServer
	shards  []*api.ClusterShard
	err     error
}

// look looks at the cluster, unless somebody did lately enough: what thousands of shards
// are at is put together once for all who follow it.
func (o *Operations) look(lately time.Duration) *look {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil || time.Since(o.last.at) > lately {
		now, err := leading(o.cluster)
		o.last = &look{at: time.Now(), now: now, err: err}
		if err == nil {
			o.last.servers, o.last.shards = serverList(now), shardViews(now)
		}
	}
	return o.last
}

// forget lets go of the last look once nobody follows.
func (o *Operations) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.following) == 0 {
		o.last = nil
	}
}

// GetClusterStatus implements api.OstrakaAdminServer.
func (o *Operations) GetClusterStatus(r *api.GetClusterStatusRequest, stream grpc.ServerStreamingServer[api.GetClusterStatusResponse]) error {
	seen := o.look(-1)
	defer o.forget()
	if seen.err != nil {
		return seen.err
	}
	shards, err := selected(seen.now, r.GetNamespace(), r.GetShards())
	if err != nil {
		return err
	}
	teller := newTeller(shards, r.GetUnsteady(), stream.Send)
	if !r.GetFollow() {
		return teller.tell(seen)
	}
	leave, err := enter(o.following, "follow the status")
	if err != nil {
		return err
	}
	// Before the last look is forgotten.
	defer leave()
	again := time.NewTicker(followEvery)
	defer again.Stop()
	for {
		if err := teller.tell(seen); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-again.C:
		}
		if seen = o.look(followEvery / 2); seen.err != nil {
			return seen.err
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
func (t *teller) tell(seen *look) error {
	part := &api.GetClusterStatusResponse{TakenUnixMs: seen.at.UnixMilli()}
	if o := overview(seen.now, seen.shards); !proto.Equal(o, t.overview) {
		t.overview, part.Overview = o, o
	}
	t.addServers(seen.servers, part)
	shards, gone := t.differing(seen.shards)
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

func (t *teller) addServers(servers []*api.ClusterServer, part *api.GetClusterStatusResponse) {
	there := map[string]bool{}
	for _, s := range servers {
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
