package admin

import (
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// overview is what is told of the cluster as a whole; shards are all that there are.
func overview(now coordinator.Snapshot, shards []*api.ClusterShard) *api.ClusterOverview {
	o := &api.ClusterOverview{Cluster: now.Status.Cluster, Coordinators: coordinators(now), Shards: uint32(len(shards))}
	if now.ConfigProblem != nil {
		o.ConfigurationProblem = now.ConfigProblem.Error()
	}
	for _, n := range now.Notes {
		o.Notes = append(o.Notes, &api.ClusterNote{About: n.About, Text: n.Reason})
	}
	for _, r := range now.Status.Recoveries {
		o.Recoveries = append(o.Recoveries, recoveryView(r))
	}
	for _, s := range shards {
		if s.GetLeader() != "" {
			o.ShardsLed++
		}
		if len(s.GetUnsteady()) == 0 {
			o.ShardsSteady++
		}
	}
	return o
}

// coordinators are those of the configuration, and the one that leads.
func coordinators(now coordinator.Snapshot) []*api.ClusterCoordinator {
	var all []*api.ClusterCoordinator
	leads := -1
	for i, c := range now.Config.GetCoordinators() {
		all = append(all, &api.ClusterCoordinator{Name: c.GetName(), Address: c.GetPublicAddress()})
		if c.GetName() == now.Lease.Holder {
			leads = i
		}
	}
	if leads < 0 {
		leads = len(all)
		all = append(all, &api.ClusterCoordinator{Name: now.Lease.Holder, Address: now.Lease.Address})
	}
	all[leads].Leads = true
	return all
}

func recoveryView(r plan.Recovery) *api.ClusterRecovery {
	return &api.ClusterRecovery{
		Namespace: r.Namespace, Shard: int64(r.Shard), TimeUnixMs: r.At, Survivors: names(r.Survivors), LeftOut: names(r.Lost),
		Term: int64(r.Term), MayBeLost: r.Risk,
	}
}

// serverList are the servers of the cluster, in the order in which they came. What they
// hold is told by the shards' documents: a server that is away cannot tell.
func serverList(now coordinator.Snapshot) []*api.ClusterServer {
	held, led := map[replication.ServerID]uint32{}, map[replication.ServerID]uint32{}
	for _, s := range now.Shards {
		for _, r := range s.Replicas {
			held[r.Server]++
		}
		led[s.Leader]++
	}
	var all []*api.ClusterServer
	for _, s := range now.Status.Servers {
		view := serverOverview(now, s)
		view.Replicas, view.Leaderships = held[s.Name], led[s.Name]
		all = append(all, view)
	}
	return all
}

func serverOverview(now coordinator.Snapshot, s plan.Server) *api.ClusterServer {
	known := now.Servers[s.Name]
	view := &api.ClusterServer{
		Server: string(s.Name), Public: s.Public, Internal: s.Internal, State: api.ClusterServerState_CLUSTER_SERVER_STATE_RUNNING,
		Labels: now.Config.GetServerMetadata()[string(s.Name)].GetLabels(), Features: known.State.GetFeatures(),
		Bytes: known.DiskBytes, WritesPerSecond: known.WritesPerSecond, ReadsPerSecond: known.ReadsPerSecond, Draining: s.Draining,
	}
	switch {
	case !known.Reachable:
		view.State, view.Problem = api.ClusterServerState_CLUSTER_SERVER_STATE_UNREACHABLE, absence(known)
	case known.State.GetDraining():
		view.State = api.ClusterServerState_CLUSTER_SERVER_STATE_STOPPING
	case s.Removed:
		view.State = api.ClusterServerState_CLUSTER_SERVER_STATE_REMOVED
	case s.Draining:
		view.State = api.ClusterServerState_CLUSTER_SERVER_STATE_DRAINING
	}
	return view
}

// absence says why a server is not reached, as far as that is known, without what gRPC
// wraps it in.
func absence(s coordinator.ServerSnapshot) string {
	if s.Err == nil {
		return "its connection is broken"
	}
	text := s.Err.Error()
	if told := interface{ GRPCStatus() *status.Status }(nil); errors.As(s.Err, &told) {
		text = told.GRPCStatus().Message()
	}
	const dialing = "transport: Error while dialing: "
	if _, inner, found := strings.Cut(text, dialing); found {
		text = strings.TrimSuffix(inner, `"`)
	}
	return text
}

// shardViews are all shards that there are, in the order of the status.
func shardViews(now coordinator.Snapshot) []*api.ClusterShard {
	var all []*api.ClusterShard
	every(now, func(p placed) { all = append(all, shardView(now, p)) })
	return all
}

// shardView is what is told of a shard.
func shardView(now coordinator.Snapshot, p placed) *api.ClusterShard {
	known := now.Shards[p.id()]
	view := &api.ClusterShard{
		Namespace: p.namespace, Shard: int64(p.id()), MinHashInclusive: p.shard.Min, MaxHashInclusive: p.shard.Max,
		Term: int64(known.Term), Leader: string(known.Leader), Wanted: names(p.shard.Ensemble), Deleted: p.namespace == "",
		Recovered: slices.ContainsFunc(now.Status.Recoveries, func(r plan.Recovery) bool { return r.Shard == p.id() }),
	}
	for _, t := range known.Troubles {
		view.Unsteady = append(view.Unsteady, &api.ClusterReason{Kind: string(t.Kind), Text: t.Text})
	}
	led := slices.ContainsFunc(known.Replicas, func(r coordinator.ReplicaSnapshot) bool {
		return r.Server == known.Leader && r.Report != nil
	})
	for _, r := range known.Replicas {
		replica := replicaView(r)
		if led {
			lag := r.Lag
			replica.Lag = &lag
		}
		view.Replicas = append(view.Replicas, replica)
		if r.Server == known.Leader {
			view.Bytes, view.WritesPerSecond, view.ReadsPerSecond = r.Report.GetDiskBytes(), r.WritesPerSecond, r.ReadsPerSecond
		}
	}
	return view
}

var places = map[coordinator.Standing]api.ClusterReplicaPlace{
	coordinator.StandingVoter:   api.ClusterReplicaPlace_CLUSTER_REPLICA_PLACE_ENSEMBLE,
	coordinator.StandingJoining: api.ClusterReplicaPlace_CLUSTER_REPLICA_PLACE_JOINING,
	coordinator.StandingLearner: api.ClusterReplicaPlace_CLUSTER_REPLICA_PLACE_LEARNER,
	coordinator.StandingRemoved: api.ClusterReplicaPlace_CLUSTER_REPLICA_PLACE_REMOVED,
}

var roles = map[api.ReplicaReport_Role]api.ReplicaRole{
	api.ReplicaReport_ROLE_FENCED:   api.ReplicaRole_REPLICA_ROLE_FENCED,
	api.ReplicaReport_ROLE_FOLLOWER: api.ReplicaRole_REPLICA_ROLE_FOLLOWER,
	api.ReplicaReport_ROLE_LEADER:   api.ReplicaRole_REPLICA_ROLE_LEADER,
}

func replicaView(r coordinator.ReplicaSnapshot) *api.ClusterReplica {
	view := &api.ClusterReplica{
		Server: string(r.Server), Replica: int64(r.Replica), Place: places[r.Standing], Leaving: r.Leaving,
		Told: r.Reachable && r.Report != nil,
	}
	if !view.GetTold() {
		return view
	}
	view.Role, view.Term, view.Serving, view.Damaged = roles[r.Report.GetRole()], r.Report.GetTerm(), r.Report.GetServing(), r.Report.GetNeedsOffset() > 0
	view.HeadOffset, view.CommitOffset, view.AppliedOffset = r.Report.GetHeadOffset(), r.Report.GetCommitOffset(), r.Report.GetAppliedOffset()
	view.Bytes = r.Report.GetDiskBytes()
	return view
}

// serverOf returns a server of the status.
func serverOf(now coordinator.Snapshot, name replication.ServerID) (plan.Server, bool) {
	i := slices.IndexFunc(now.Status.Servers, func(s plan.Server) bool { return s.Name == name })
	if i < 0 {
		return plan.Server{}, false
	}
	return now.Status.Servers[i], true
}

// configured reports whether the configuration has a server.
func configured(now coordinator.Snapshot, name replication.ServerID) bool {
	return slices.ContainsFunc(now.Config.GetServers(), func(s *api.DataServerIdentity) bool { return config.ServerName(s) == string(name) })
}

// votersOf are the servers that decide in a shard: those of the ensemble and, while it
// changes, of the joining one.
func votersOf(now coordinator.Snapshot, p placed) []replication.ServerID {
	var all []replication.ServerID
	doc := now.Shards[p.id()].Document
	for _, m := range slices.Concat(doc.Ensemble, doc.Joining) {
		if !slices.Contains(all, m.Server) {
			all = append(all, m.Server)
		}
	}
	return all
}

// names are the names of servers.
func names(servers []replication.ServerID) []string {
	var names []string
	for _, s := range servers {
		names = append(names, string(s))
	}
	return names
}
