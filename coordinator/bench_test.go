package coordinator

import (
	"fmt"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// large returns the view of a cluster of so many shards on thirty servers, all of which are
// led and told of, and its status.
func large(b *testing.B, shards int) (*view, plan.Status, *api.ClusterConfiguration) {
	b.Helper()
	wanted := &api.ClusterConfiguration{Namespaces: []*api.Namespace{namespace("default", uint32(shards))}}
	for i := range 30 {
		name := fmt.Sprint("s", i)
		wanted.Servers = append(wanted.Servers, &api.DataServerIdentity{Name: &name, Public: name + ":1", Internal: name + ":2"})
	}
	if err := config.Validate(wanted); err != nil {
		b.Fatal(err)
	}
	v := newView(nobody{})
	status := plan.Apply(plan.Status{Cluster: "c"}, plan.Plan(wanted, plan.Observed{Now: time.Now(), Began: time.Now()}).Actions)
	reports := map[replication.ServerID]*api.ReplicaReports{}
	for _, shard := range status.Namespaces[0].Shards {
		doc := replication.Document{Version: 3, Term: replication.TermID{Term: 1}, Status: replication.StatusSteady}
		for i, id := range shard.Ensemble {
			m := replication.Member{Server: id, Replica: replication.ReplicaID(i + 1)}
			doc.Ensemble = append(doc.Ensemble, replication.DocumentMember{Member: m})
			if reports[id] == nil {
				reports[id] = &api.ReplicaReports{LookedAtMs: 1, Complete: true}
			}
			role := api.ReplicaReport_ROLE_FOLLOWER
			if i == 0 {
				role, doc.Leader = api.ReplicaReport_ROLE_LEADER, m
			}
			reports[id].Replicas = append(reports[id].Replicas, &api.ReplicaReport{
				Shard: int64(shard.ID), Replica: int64(m.Replica), Role: role, Serving: i == 0, Term: 1,
			})
		}
		v.found(shard.ID, doc)
	}
	for id, told := range reports {
		v.heard(id, &api.ServerState{Reports: told})
	}
	v.set(status, 1, wanted, nil)
	return v, status, wanted
}

// What one look of the planner costs, and one picture for an operator.
func BenchmarkTenThousandShards(b *testing.B) {
	v, status, wanted := large(b, 10_000)
	b.Run("observe", func(b *testing.B) {
		for b.Loop() {
			v.observed(time.Now(), status, time.Now(), plan.DefaultOptions())
		}
	})
	b.Run("plan", func(b *testing.B) {
		o := v.observed(time.Now(), status, time.Now().Add(-time.Hour), plan.DefaultOptions())
		for b.Loop() {
			plan.Plan(wanted, o)
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			v.snapshot(&Snapshot{}, time.Now())
		}
	})
	b.Run("state for servers", func(b *testing.B) {
		for b.Loop() {
			v.clusterState()
		}
	})
}
