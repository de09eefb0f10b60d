package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// recorder is a stream that keeps what is sent.
type recorder[T any] struct {
	grpc.ServerStream
	ctx  context.Context
	sent []*T
	// fails is what sending ends with.
	fails error
}

func (r *recorder[T]) Context() context.Context { return r.ctx }

func (r *recorder[T]) Send(one *T) error {
	r.sent = append(r.sent, one)
	return r.fails
}

// picture is what a caller knows who took all parts in.
type picture struct {
	overview *api.ClusterOverview
	servers  map[string]*api.ClusterServer
	shards   map[int64]*api.ClusterShard
}

// pictureOf takes parts in, and wants the last to complete the picture.
func pictureOf(t *testing.T, parts []*api.GetClusterStatusResponse) picture {
	t.Helper()
	p := picture{servers: map[string]*api.ClusterServer{}, shards: map[int64]*api.ClusterShard{}}
	for i, part := range parts {
		if part.GetOverview() != nil {
			p.overview = part.GetOverview()
		}
		for _, s := range part.GetServers() {
			p.servers[s.GetServer()] = s
		}
		for _, s := range part.GetShards() {
			p.shards[s.GetShard()] = s
		}
		for _, name := range part.GetGoneServers() {
			delete(p.servers, name)
		}
		for _, id := range part.GetGoneShards() {
			delete(p.shards, id)
		}
		if i == len(parts)-1 && !part.GetComplete() {
			t.Error("the last part completes nothing")
		}
	}
	return p
}

func TestStatusTellsAllThatIsKnown(t *testing.T) {
	o := newOperated(t)
	o.set(func(s *coordinator.Snapshot) {
		s.ConfigProblem = errors.New("line 3")
		s.Notes = []plan.Note{{About: "namespace none", Reason: "too few servers"}}
		s.Status.Recoveries = []plan.Recovery{{Namespace: "default", Shard: 1, At: 9, Survivors: []replication.ServerID{"s1"}, Risk: "a lot"}}
	})
	told := &recorder[api.GetClusterStatusResponse]{ctx: t.Context()}
	if err := NewOperations(o).GetClusterStatus(&api.GetClusterStatusRequest{}, told); err != nil {
		t.Fatal(err)
	}
	p := pictureOf(t, told.sent)
	want := &api.ClusterOverview{
		Cluster: "K", Shards: 3, ShardsLed: 1, ShardsSteady: 2, ConfigurationProblem: "line 3",
		Coordinators: []*api.ClusterCoordinator{{Name: "c1", Address: "c1:6651", Leads: true}, {Name: "c2", Address: "c2:6651"}},
		Notes:        []*api.ClusterNote{{About: "namespace none", Text: "too few servers"}},
		Recoveries:   []*api.ClusterRecovery{{Namespace: "default", Shard: 1, TimeUnixMs: 9, Survivors: []string{"s1"}, MayBeLost: "a lot"}},
	}
	if !proto.Equal(p.overview, want) {
		t.Errorf("overview %v, want %v", p.overview, want)
	}
	for name, state := range map[string]api.ClusterServerState{
		"s1": api.ClusterServerState_CLUSTER_SERVER_STATE_RUNNING, "s4": api.ClusterServerState_CLUSTER_SERVER_STATE_UNREACHABLE,
		"s5": api.ClusterServerState_CLUSTER_SERVER_STATE_DRAINING, "old": api.ClusterServerState_CLUSTER_SERVER_STATE_REMOVED,
	} {
		if got := p.servers[name].GetState(); got != state {
			t.Errorf("%s is %v, want %v", name, got, state)
		}
	}
	one := p.servers["s1"]
	if one.GetReplicas() != 3 || one.GetLeaderships() != 1 || one.GetLabels()["zone"] != "a" || p.servers["s4"].GetProblem() != "connection refused" {
		t.Errorf("s1 is %v, s4 %v", one, p.servers["s4"])
	}
	well, lost := p.shards[0], p.shards[1]
	if well.GetLeader() != "s1" || well.GetBytes() != 77 || len(well.GetUnsteady()) > 0 || well.GetRecovered() || len(well.GetReplicas()) != 3 ||
		well.GetReplicas()[2].GetLag() != 2 || !slices.Equal(well.GetWanted(), []string{"s1", "s2", "s3"}) {
		t.Errorf("shard 0 is %v", well)
	}
	if !lost.GetRecovered() || lost.GetUnsteady()[0].GetKind() != "majority_lost" || !lost.GetReplicas()[1].GetDamaged() ||
		lost.GetReplicas()[2].GetTold() || lost.GetReplicas()[0].Lag != nil {
		t.Errorf("shard 1 is %v", lost)
	}
	if gone := p.shards[2]; !gone.GetDeleted() || gone.GetNamespace() != "" {
		t.Errorf("shard 2 is %v", gone)
	}
}

// Why a server is away is told without the layers that the error came through.
func TestAbsencesArePlain(t *testing.T) {
	dial := status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:6649: connect: connection refused"`)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "its connection is broken"}, {errors.New("no stream"), "no stream"},
		{fmt.Errorf("attend server s1: %w", dial), "dial tcp 10.0.0.1:6649: connect: connection refused"},
		{fmt.Errorf("attend: %w", status.Error(codes.FailedPrecondition, "it belongs to another cluster")), "it belongs to another cluster"},
	} {
		if got := absence(coordinator.ServerSnapshot{Err: c.err}); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

func TestStatusOfSomeShards(t *testing.T) {
	for _, c := range []struct {
		request *api.GetClusterStatusRequest
		want    string
	}{
		{&api.GetClusterStatusRequest{}, "map[0:true 1:true 2:true]"},
		{&api.GetClusterStatusRequest{Namespace: "default"}, "map[0:true 1:true]"},
		{&api.GetClusterStatusRequest{Namespace: "none"}, "map[]"},
		{&api.GetClusterStatusRequest{Unsteady: true}, "map[1:true]"},
		{&api.GetClusterStatusRequest{Shards: []*api.ShardName{shard("default", 0)}}, "map[0:true]"},
	} {
		told := &recorder[api.GetClusterStatusResponse]{ctx: t.Context()}
		if err := NewOperations(newOperated(t)).GetClusterStatus(c.request, told); err != nil {
			t.Fatal(err)
		}
		got := map[int64]bool{}
		p := pictureOf(t, told.sent)
		for id := range p.shards {
			got[id] = true
		}
		if fmt.Sprint(got) != c.want || p.overview.GetShards() != 3 {
			t.Errorf("%v: shards %v, want %s", c.request, got, c.want)
		}
	}
}

// Thousands of shards go in parts, each of which is small.
func TestLargeClustersAreToldInParts(t *testing.T) {
	o := newOperated(t)
	const shards = 4*partShards + 1
	o.set(func(s *coordinator.Snapshot) {
		n := &s.Status.Namespaces[0]
		for id := replication.ShardID(3); len(n.Shards) < shards; id++ {
			n.Shards = append(n.Shards, plan.Shard{ID: id})
		}
	})
	told := &recorder[api.GetClusterStatusResponse]{ctx: t.Context()}
	if err := NewOperations(o).GetClusterStatus(&api.GetClusterStatusRequest{}, told); err != nil {
		t.Fatal(err)
	}
	complete := 0
	for _, part := range told.sent {
		if len(part.GetShards()) > partShards {
			t.Errorf("a part has %d shards", len(part.GetShards()))
		}
		if part.GetComplete() {
			complete++
		}
	}
	if p := pictureOf(t, told.sent); len(p.shards) != shards+1 || complete != 1 || len(told.sent) != 5 {
		t.Errorf("%d parts, %d complete, with %d shards", len(told.sent), complete, len(p.shards))
	}
}

// Who follows is told what changes, nothing while nothing does, and ends as it should.
func TestStatusIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		s := NewOperations(o)
		ctx, cancel := context.WithCancel(t.Context())
		told := &recorder[api.GetClusterStatusResponse]{ctx: ctx}
		ended := make(chan error, 1)
		go func() { ended <- s.GetClusterStatus(&api.GetClusterStatusRequest{Follow: true}, told) }()
		next := func() []*api.GetClusterStatusResponse {
			time.Sleep(followEvery)
			synctest.Wait()
			sent := told.sent
			told.sent = nil
			return sent
		}
		if first := pictureOf(t, next()); len(first.shards) != 3 || len(first.servers) != 6 {
			t.Errorf("at first %v", first)
		}
		o.set(func(s *coordinator.Snapshot) {
			// Figures are told with the next change, and are none.
			s.Servers["s1"] = coordinator.ServerSnapshot{Reachable: true, DiskBytes: 1000, WritesPerSecond: 7}
		})
		if sent := next(); len(sent) > 0 {
			t.Errorf("nothing has changed, and told was %v", sent)
		}
		o.set(func(s *coordinator.Snapshot) {
			s.Status.Deleting = nil
			s.Status.Servers = s.Status.Servers[:5]
			one := s.Shards[0]
			one.Term, one.Leader = 4, "s2"
			s.Shards[0] = one
		})
		sent := next()
		change := pictureOf(t, sent)
		if len(sent) != 1 || !slices.Equal(sent[0].GetGoneShards(), []int64{2}) || !slices.Equal(sent[0].GetGoneServers(), []string{"old"}) ||
			len(change.shards) != 1 || change.shards[0].GetLeader() != "s2" || len(change.servers) != 2 || change.overview.GetShards() != 2 {
			t.Errorf("told was %v", sent)
		}
		o.set(func(s *coordinator.Snapshot) { s.Known, s.Lease.Leads, s.Lease.Holder = false, false, "c2" })
		next()
		if err := <-ended; api.ReasonNodeIsNotLeader != reasonOf(err) {
			t.Errorf("ended with %v", err)
		}
		o.set(func(s *coordinator.Snapshot) { s.Known = true })
		go func() { ended <- s.GetClusterStatus(&api.GetClusterStatusRequest{Follow: true}, told) }()
		next()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func reasonOf(err error) api.Reason {
	reason, _ := api.ReasonOf(err)
	return reason
}

// There is room for so many, and for others when they have gone.
func TestFollowersAndVerifiersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewOperations(newOperated(t))
		for _, c := range []struct {
			most    int
			request proto.Message
		}{
			{maxFollowers, &api.GetClusterStatusRequest{Follow: true}}, {maxVerifying, &api.VerifyDigestsRequest{}},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, c.most)
			for range c.most {
				go func() {
					_, err := operate(ctx, s, c.request)
					ended <- err
				}()
			}
			synctest.Wait()
			if _, err := operate(ctx, s, c.request); status.Code(err) != codes.ResourceExhausted {
				t.Errorf("%T: one too many ended with %v", c.request, err)
			}
			cancel()
			for range c.most {
				if err := <-ended; err != nil {
					t.Errorf("%T: ended with %v", c.request, err)
				}
			}
			if _, err := operate(ctx, s, c.request); err != nil {
				t.Errorf("%T: after all have gone: %v", c.request, err)
			}
		}
	})
}

// However many follow, the cluster is looked at once in a while, and forgotten with the
// last of them.
func TestFollowersShareALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		s := NewOperations(o)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, maxFollowers)
		for range maxFollowers {
			go func() {
				_, err := operate(ctx, s, &api.GetClusterStatusRequest{Follow: true})
				ended <- err
			}()
		}
		synctest.Wait()
		before := o.looked.Load()
		time.Sleep(3*followEvery + followEvery/2)
		synctest.Wait()
		if n := o.looked.Load() - before; n != 3 {
			t.Errorf("it was looked at %d times in 3 rounds", n)
		}
		cancel()
		for range maxFollowers {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if s.last != nil {
			t.Error("nobody follows, and a look is kept")
		}
	})
}

// A caller that is gone ends the call.
func TestSendingFails(t *testing.T) {
	gone := errors.New("gone")
	told := &recorder[api.GetClusterStatusResponse]{ctx: t.Context(), fails: gone}
	if err := NewOperations(newOperated(t)).GetClusterStatus(&api.GetClusterStatusRequest{Follow: true}, told); !errors.Is(err, gone) {
		t.Errorf("ended with %v", err)
	}
}

// Every field of a shard and of a replica is a change when it differs, but for figures.
func TestEveryFieldIsAChangeOrAFigure(t *testing.T) {
	figures := map[protoreflect.Name]bool{
		"bytes": true, "writes_per_second": true, "reads_per_second": true, "text": true,
		"head_offset": true, "commit_offset": true, "applied_offset": true, "lag": true,
	}
	base := func() *api.ClusterShard {
		return &api.ClusterShard{Unsteady: []*api.ClusterReason{{}}, Replicas: []*api.ClusterReplica{{}}}
	}
	for _, part := range []func(*api.ClusterShard) protoreflect.Message{
		func(s *api.ClusterShard) protoreflect.Message { return s.ProtoReflect() },
		func(s *api.ClusterShard) protoreflect.Message { return s.GetUnsteady()[0].ProtoReflect() },
		func(s *api.ClusterShard) protoreflect.Message { return s.GetReplicas()[0].ProtoReflect() },
	} {
		fields := part(base()).Descriptor().Fields()
		for i := range fields.Len() {
			changed, field := base(), fields.Get(i)
			setToSomething(part(changed), field)
			if same := sameShard(base(), changed); same != figures[field.Name()] {
				t.Errorf("%s: taken for the same: %v", field.FullName(), same)
			}
		}
	}
}

// setToSomething gives a field a value that is not its default.
func setToSomething(m protoreflect.Message, field protoreflect.FieldDescriptor) {
	value := map[protoreflect.Kind]any{
		protoreflect.StringKind: "x", protoreflect.BoolKind: true, protoreflect.Int64Kind: int64(1), protoreflect.Fixed32Kind: uint32(1),
		protoreflect.DoubleKind: float64(1), protoreflect.EnumKind: protoreflect.EnumNumber(1),
	}[field.Kind()]
	switch {
	case field.IsList() && field.Kind() == protoreflect.MessageKind:
		m.Mutable(field).List().AppendMutable()
	case field.IsList():
		m.Mutable(field).List().Append(protoreflect.ValueOf(value))
	default:
		m.Set(field, protoreflect.ValueOf(value))
	}
}

// BenchmarkFollow is what following a cluster of 10,000 shards costs each second when
// nothing changes: one look, and a comparison for each follower. Compared with the same
// look, each element is compared nevertheless.
func BenchmarkFollow(b *testing.B) {
	o := newOperated(b)
	const shards = 10_000
	o.set(func(s *coordinator.Snapshot) {
		n := &s.Status.Namespaces[0]
		for id := replication.ShardID(3); len(n.Shards) < shards; id++ {
			n.Shards = append(n.Shards, plan.Shard{ID: id, Ensemble: n.Shards[0].Ensemble})
			s.Shards[id] = s.Shards[0]
		}
	})
	teller := newTeller(selection{}, false, func(*api.GetClusterStatusResponse) error { return nil })
	operations := NewOperations(o)
	b.Run("look", func(b *testing.B) {
		for b.Loop() {
			operations.look(-1)
		}
	})
	b.Run("compare", func(b *testing.B) {
		seen := operations.look(time.Hour)
		for b.Loop() {
			if err := teller.tell(seen); err != nil {
				b.Fatal(err)
			}
		}
	})
}
