package command

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// fakeCluster is a cluster of three servers and three shards: one is steady, a replica of
// the second moves, and the third has lost its majority.
type fakeCluster struct {
	api.UnimplementedOstrakaAdminServer

	mu       sync.Mutex
	overview *api.ClusterOverview
	servers  []*api.ClusterServer
	shards   []*api.ClusterShard
	// changed is closed when something is next changed.
	changed chan struct{}
	// severed is closed to end all streams as a coordinator does that leads no more, and
	// deposed set if it begins none any more.
	severed chan struct{}
	deposed bool
}

func fakeReplica(server string, place api.ClusterReplicaPlace, role api.ReplicaRole, lag int64) *api.ClusterReplica {
	return &api.ClusterReplica{
		Server: server, Replica: 1, Place: place, Told: true, Role: role, Term: 4, Serving: role == api.ReplicaRole_REPLICA_ROLE_LEADER,
		HeadOffset: 120 - lag, CommitOffset: 120 - lag, AppliedOffset: 120 - lag, Bytes: 3 << 20, Lag: proto.Int64(lag),
	}
}

func newFakeCluster(leader string) *fakeCluster {
	const (
		ensemble = api.ClusterReplicaPlace_CLUSTER_REPLICA_PLACE_ENSEMBLE
		learner  = api.ClusterReplicaPlace_CLUSTER_REPLICA_PLACE_LEARNER
		leads    = api.ReplicaRole_REPLICA_ROLE_LEADER
		follows  = api.ReplicaRole_REPLICA_ROLE_FOLLOWER
	)
	return &fakeCluster{
		changed: make(chan struct{}), severed: make(chan struct{}),
		overview: &api.ClusterOverview{
			Cluster: "KLEISTHENES", Shards: 3, ShardsLed: 2, ShardsSteady: 1,
			Coordinators: []*api.ClusterCoordinator{{Name: "c1", Address: leader, Leads: true}, {Name: "c2"}},
			Notes:        []*api.ClusterNote{{About: "namespace big", Text: "it wants 5 replicas, and there are 3 servers: add servers"}},
		},
		servers: []*api.ClusterServer{
			{
				Server: "db-1", Public: "db-1:6648", Internal: "db-1:6649", State: api.ClusterServerState_CLUSTER_SERVER_STATE_RUNNING,
				Labels: map[string]string{"zone": "a"}, Replicas: 3, Leaderships: 2, Bytes: 9 << 20, WritesPerSecond: 1234.5, ReadsPerSecond: 2.25,
			},
			{
				Server: "db-2", Public: "db-2:6648", Internal: "db-2:6649", State: api.ClusterServerState_CLUSTER_SERVER_STATE_RUNNING,
				Replicas: 2, Bytes: 6 << 20,
			},
			{
				Server: "db-3", Public: "db-3:6648", Internal: "db-3:6649", State: api.ClusterServerState_CLUSTER_SERVER_STATE_UNREACHABLE,
				Problem: "connection refused", Replicas: 2,
			},
		},
		shards: []*api.ClusterShard{
			{
				Namespace: "default", Shard: 0, MaxHashInclusive: 1<<31 - 1, Term: 4, Leader: "db-1", Wanted: []string{"db-2", "db-1"},
				Bytes: 3 << 20, WritesPerSecond: 1234.5, ReadsPerSecond: 2.25,
				Replicas: []*api.ClusterReplica{fakeReplica("db-1", ensemble, leads, 0), fakeReplica("db-2", ensemble, follows, 2)},
			},
			{
				Namespace: "default", Shard: 1, MinHashInclusive: 1 << 31, MaxHashInclusive: 1<<32 - 1, Term: 4, Leader: "db-1", Wanted: []string{"db-1", "db-2"},
				Unsteady: []*api.ClusterReason{{Kind: "learner", Text: "the replica on db-2 catches up: it lacks 70 entries"}},
				Replicas: []*api.ClusterReplica{
					fakeReplica("db-1", ensemble, leads, 0), {Server: "db-3", Replica: 2, Place: ensemble}, fakeReplica("db-2", learner, follows, 70),
				},
			},
			{
				Namespace: "orders", Shard: 2, MaxHashInclusive: 1<<32 - 1, Term: 9, Wanted: []string{"db-1", "db-3"},
				Unsteady: []*api.ClusterReason{{Kind: "majority-lost", Text: "of db-1, db-3 only db-1 is reached"}},
				Replicas: []*api.ClusterReplica{
					fakeReplica("db-1", ensemble, api.ReplicaRole_REPLICA_ROLE_FENCED, 0), {Server: "db-3", Replica: 2, Place: ensemble},
				},
			},
		},
	}
}

var errDeposed = api.NewError(api.ReasonNodeIsNotLeader, "no coordinator is known to lead at present: try again", nil)

// change changes something, and tells those who follow.
func (f *fakeCluster) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

// sever ends all streams, of which there will be more unless it is for good.
func (f *fakeCluster) sever(forGood bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deposed = forGood
	close(f.severed)
	f.severed = make(chan struct{})
}

func (f *fakeCluster) GetClusterStatus(r *api.GetClusterStatusRequest, stream grpc.ServerStreamingServer[api.GetClusterStatusResponse]) error {
	for {
		f.mu.Lock()
		part := proto.CloneOf(&api.GetClusterStatusResponse{Overview: f.overview, Servers: f.servers})
		var shards []*api.ClusterShard
		for _, s := range f.shards {
			named := slices.ContainsFunc(r.GetShards(), func(n *api.ShardName) bool { return n.GetShard() == s.GetShard() })
			if (len(r.GetShards()) == 0 || named) && (r.GetNamespace() == "" || r.GetNamespace() == s.GetNamespace()) && (!r.GetUnsteady() || len(s.GetUnsteady()) > 0) {
				shards = append(shards, proto.CloneOf(s))
			}
		}
		changed, severed, deposed := f.changed, f.severed, f.deposed
		f.mu.Unlock()
		if deposed {
			return errDeposed
		}
		if err := stream.Send(part); err != nil {
			return err
		}
		if err := stream.Send(&api.GetClusterStatusResponse{Shards: shards, Complete: true, TakenUnixMs: 1}); err != nil {
			return err
		}
		if !r.GetFollow() {
			return nil
		}
		select {
		case <-changed:
		case <-severed:
			return errDeposed
		case <-stream.Context().Done():
			return nil
		}
	}
}

// shard finds a shard, and has something done to it.
func (f *fakeCluster) shard(name *api.ShardName, do func(*api.ClusterShard)) (answer *api.ClusterShard, err error) {
	f.change(func() {
		i := slices.IndexFunc(f.shards, func(s *api.ClusterShard) bool { return s.GetShard() == name.GetShard() })
		if i < 0 {
			err = status.Error(codes.NotFound, fmt.Sprintf("there is no shard %d: list the shards to see their names", name.GetShard()))
			return
		}
		do(f.shards[i])
		answer = proto.CloneOf(f.shards[i])
	})
	return answer, err
}

func (f *fakeCluster) MoveReplica(ctx context.Context, r *api.MoveReplicaRequest) (*api.MoveReplicaResponse, error) {
	if r.GetTo() == "db-3" {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	shard, err := f.shard(r.GetShard(), func(s *api.ClusterShard) {
		s.Replicas[len(s.Replicas)-1].Server = r.GetTo()
		s.Wanted = []string{"db-1", r.GetTo()}
	})
	return &api.MoveReplicaResponse{Shard: shard}, err
}

func (f *fakeCluster) TransferLeader(_ context.Context, r *api.TransferLeaderRequest) (*api.TransferLeaderResponse, error) {
	shard, err := f.shard(r.GetShard(), func(s *api.ClusterShard) { s.Leader, s.Term = r.GetTo(), s.GetTerm()+1 })
	return &api.TransferLeaderResponse{Shard: shard}, err
}

func (f *fakeCluster) ElectLeader(_ context.Context, r *api.ElectLeaderRequest) (*api.ElectLeaderResponse, error) {
	shard, err := f.shard(r.GetShard(), func(s *api.ClusterShard) { s.Term++ })
	return &api.ElectLeaderResponse{Shard: shard}, err
}

func (f *fakeCluster) SetServerDraining(_ context.Context, r *api.SetServerDrainingRequest) (answer *api.SetServerDrainingResponse, err error) {
	f.change(func() {
		i := slices.IndexFunc(f.servers, func(s *api.ClusterServer) bool { return s.GetServer() == r.GetServer() })
		if i < 0 {
			err = status.Error(codes.NotFound, fmt.Sprintf("there is no data server %q: list them to see their names", r.GetServer()))
			return
		}
		s := f.servers[i]
		s.Draining, s.State = r.GetDraining(), api.ClusterServerState_CLUSTER_SERVER_STATE_RUNNING
		if r.GetDraining() {
			s.State = api.ClusterServerState_CLUSTER_SERVER_STATE_DRAINING
		}
		answer = &api.SetServerDrainingResponse{Server: proto.CloneOf(s)}
	})
	return answer, err
}

func (f *fakeCluster) VerifyDigests(r *api.VerifyDigestsRequest, stream grpc.ServerStreamingServer[api.VerifyDigestsResponse]) error {
	const (
		agrees      = api.DigestVerdict_DIGEST_VERDICT_AGREES
		differs     = api.DigestVerdict_DIGEST_VERDICT_DIFFERS
		notCompared = api.DigestVerdict_DIGEST_VERDICT_NOT_COMPARED
	)
	all := []*api.ShardDigests{
		{Namespace: "default", Shard: 0, Verdict: agrees, Replicas: []*api.ReplicaDigest{
			{Server: "db-1", Replica: 1, Verdict: agrees, Offset: 1024, Digest: 77}, {Server: "db-2", Replica: 1, Verdict: agrees, Offset: 1024, Digest: 77},
		}},
		{Namespace: "default", Shard: 1, Verdict: differs, Replicas: []*api.ReplicaDigest{
			{Server: "db-1", Replica: 1, Verdict: agrees, Offset: 2048, Digest: 5}, {Server: "db-2", Replica: 1, Verdict: differs, Offset: 2048, Digest: 1 << 63},
		}},
		{Namespace: "orders", Shard: 2, Verdict: notCompared, Replicas: []*api.ReplicaDigest{
			{Server: "db-1", Replica: 1, Verdict: notCompared, Offset: 1024, Digest: 9},
			{Server: "db-3", Replica: 2, Verdict: notCompared, Problem: "its server is not reached"},
		}},
	}
	all = slices.DeleteFunc(all, func(s *api.ShardDigests) bool { return r.GetNamespace() != "" && r.GetNamespace() != s.GetNamespace() })
	for _, one := range all {
		if err := stream.Send(&api.VerifyDigestsResponse{Shards: []*api.ShardDigests{one}}); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeCluster) ExplainBalance(context.Context, *api.ExplainBalanceRequest) (*api.ExplainBalanceResponse, error) {
	return &api.ExplainBalanceResponse{
		UnderWay: []*api.BalanceStep{{
			Kind: "move-replica", Namespace: "default", Shard: proto.Int64(1), From: []string{"db-3"}, To: []string{"db-2"}, Cause: "evacuation", Reason: "db-3 drains",
		}},
		Next: []*api.BalanceStep{
			{
				Kind: "transfer-leader", Namespace: "default", Shard: proto.Int64(0), From: []string{"db-1"}, To: []string{"db-2"},
				Cause: "balance", Reason: "db-1 leads 2 shards, db-2 none",
			},
			{Kind: "change-status", Reason: "server db-3: forgotten"},
		},
		HeldBack:   []*api.ClusterNote{{About: "shard 0", Text: "it was changed 10 s ago, and rests"}},
		Impossible: []*api.ClusterNote{{About: "namespace big", Text: "it wants 5 replicas, and there are 3 servers: add servers"}},
		Servers: []*api.BalanceServer{
			{Server: "db-1", Replicas: 3, Leaderships: 2, Bytes: 9 << 20, WritesPerSecond: 1234.5, ReadsPerSecond: 2.25},
			{Server: "db-2", Replicas: 2, Bytes: 6 << 20, NoLeaderships: "it came back 3 s ago"},
			{Server: "db-3", Replicas: 2, NoReplicas: "it is not reached", NoLeaderships: "it is not reached"},
		},
	}, nil
}

func (f *fakeCluster) RecoverShard(_ context.Context, r *api.RecoverShardRequest) (*api.RecoverShardResponse, error) {
	if !r.GetPreview() && r.GetConfirm() != "orders/2" {
		return nil, status.Error(codes.InvalidArgument, "confirm is missing")
	}
	recovery := &api.ClusterRecovery{
		Namespace: "orders", Shard: 2, TimeUnixMs: 1, Survivors: r.GetSurvivors(), LeftOut: []string{"db-3"}, Term: 9,
		MayBeLost: "what only db-3 held",
	}
	if !r.GetPreview() {
		f.change(func() {
			f.overview = proto.CloneOf(f.overview)
			f.overview.Recoveries = append(f.overview.Recoveries, recovery)
			f.shards[2].Recovered, f.shards[2].Unsteady, f.shards[2].Leader = true, nil, "db-1"
		})
	}
	return &api.RecoverShardResponse{Recovery: recovery}, nil
}
