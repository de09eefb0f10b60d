package admin

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

func TestTheBalancerIsExplained(t *testing.T) {
	o := newOperated(t)
	set := func(shard replication.ShardID, servers ...replication.ServerID) plan.Action {
		return plan.SetEnsemble{Ensemble: servers, Change: plan.Change{Shard: shard, Kind: plan.KindBalance, Reason: "figures"}}
	}
	o.explains = plan.Explanation{
		Next: []plan.Action{
			set(0, "s1", "s2", "s4"), set(0, "s1", "s2"), set(0, "s1", "s2", "s3", "s4"), set(1, "s1", "s3", "s4", "s5"),
			plan.TransferLeader{Shard: 0, From: "s1", To: "s2", Kind: plan.KindLoad, Reason: "more figures"},
			plan.DeleteNamespace{Name: "x"},
		},
		Held: []plan.Note{{About: "shard 1", Reason: "it rests"}}, Notes: []plan.Note{{About: "namespace none", Reason: "too few servers"}},
		Servers: []plan.ServerBalance{{Server: "s1", Replicas: 2, Leaders: 1, Load: plan.Load{Bytes: 3, Writes: 4, Reads: 5}, NoLeaders: "it is new"}},
	}
	o.set(func(s *coordinator.Snapshot) {
		s.Moves = []coordinator.Move{
			{What: coordinator.MovedReplica, Shard: 1, Kind: plan.KindEvacuation, Reason: "s3 drains"},
			{What: coordinator.MovedLeader, Shard: 0, Kind: plan.KindBalance, Reason: "one each", To: "s2"},
			{What: coordinator.MovedLeader, Shard: 1, Kind: plan.KindOrder, To: "s1"},
		}
		s.Status.Namespaces[0].Shards[1].Ensemble = []replication.ServerID{"s1", "s2", "s4"}
	})
	got := must(NewOperations(o).ExplainBalance(t.Context(), nil))(t)
	zero, one := proto.Int64(0), proto.Int64(1)
	want := &api.ExplainBalanceResponse{
		Next: []*api.BalanceStep{
			{Kind: "move-replica", Namespace: "default", Shard: zero, From: []string{"s3"}, To: []string{"s4"}, Cause: "balance", Reason: "figures"},
			{Kind: "remove-replica", Namespace: "default", Shard: zero, From: []string{"s3"}, Cause: "balance", Reason: "figures"},
			{Kind: "add-replica", Namespace: "default", Shard: zero, To: []string{"s4"}, Cause: "balance", Reason: "figures"},
			{Kind: "move-replica", Namespace: "default", Shard: one, From: []string{"s2"}, To: []string{"s3", "s5"}, Cause: "balance", Reason: "figures"},
			{Kind: "transfer-leader", Namespace: "default", Shard: zero, From: []string{"s1"}, To: []string{"s2"}, Cause: "load", Reason: "more figures"},
			{Kind: "change-status", Reason: "namespace x: deleted"},
		},
		HeldBack: []*api.ClusterNote{{About: "shard 1", Text: "it rests"}},
		UnderWay: []*api.BalanceStep{
			{Kind: "move-replica", Namespace: "default", Shard: one, From: []string{"s3"}, To: []string{"s2"}, Cause: "evacuation", Reason: "s3 drains"},
			{Kind: "transfer-leader", Namespace: "default", Shard: zero, From: []string{"s1"}, To: []string{"s2"}, Cause: "balance", Reason: "one each"},
			{Kind: "transfer-leader", Namespace: "default", Shard: one, To: []string{"s1"}, Cause: "order"},
		},
		Impossible: []*api.ClusterNote{{About: "namespace none", Text: "too few servers"}},
		Servers:    []*api.BalanceServer{{Server: "s1", Replicas: 2, Leaderships: 1, Bytes: 3, WritesPerSecond: 4, ReadsPerSecond: 5, NoLeaderships: "it is new"}},
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	o.ends = coordinator.ErrNotLeading
	if _, err := NewOperations(o).ExplainBalance(t.Context(), nil); reasonOf(err) != api.ReasonNodeIsNotLeader {
		t.Errorf("deposed: %v", err)
	}
}
