package admin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// operated is a cluster that tells what a test says, and remembers what it was asked.
type operated struct {
	mu    sync.Mutex
	now   coordinator.Snapshot
	asked []string
	// looked is how often the cluster was looked at.
	looked atomic.Int64
	// ends is what orders end with; does what they do before.
	ends error
	does func(*coordinator.Snapshot)
	// explains is what the planner would do.
	explains plan.Explanation
}

func (o *operated) Explain() (plan.Explanation, error) { return o.explains, o.ends }

func (o *operated) Snapshot() coordinator.Snapshot {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looked.Add(1)
	return o.now
}

func (*operated) UpdateConfig(context.Context, func(*api.ClusterConfiguration) error) error {
	return errors.New("nothing changes the configuration here")
}

// set changes what is known.
func (o *operated) set(change func(*coordinator.Snapshot)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.now)
}

func (o *operated) order(format string, args ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, fmt.Sprintf(format, args...))
	if o.ends == nil && o.does != nil {
		o.does(&o.now)
	}
	return o.ends
}

func (o *operated) MoveReplica(_ context.Context, shard replication.ShardID, from, to replication.ServerID) error {
	return o.order("move %d from %s to %s", shard, from, to)
}

func (o *operated) TransferLeader(_ context.Context, shard replication.ShardID, to replication.ServerID) error {
	return o.order("transfer %d to %s", shard, to)
}

func (o *operated) ElectLeader(_ context.Context, shard replication.ShardID) error {
	return o.order("elect %d", shard)
}

func (o *operated) DrainServer(_ context.Context, server replication.ServerID, on bool) error {
	return o.order("drain %s %v", server, on)
}

func (o *operated) RecoverShard(_ context.Context, shard replication.ShardID, survivors []replication.ServerID, risk string) error {
	err := o.order("recover %d by %v", shard, survivors)
	if err == nil {
		o.set(func(s *coordinator.Snapshot) {
			s.Status.Recoveries = append(s.Status.Recoveries, plan.Recovery{
				Namespace: "default", Shard: shard, At: 5, Survivors: survivors, Lost: []replication.ServerID{"s2", "s3"}, Risk: risk,
			})
		})
	}
	return err
}

// replicaAt is a replica of which its server tells.
func replicaAt(server replication.ServerID, standing coordinator.Standing, role api.ReplicaReport_Role, head int64) coordinator.ReplicaSnapshot {
	return coordinator.ReplicaSnapshot{
		Member: replication.Member{Server: server, Replica: 1}, Standing: standing, Reachable: true,
		Report: &api.ReplicaReport{Replica: 1, Role: role, Term: 3, Serving: role == api.ReplicaReport_ROLE_LEADER, HeadOffset: head, CommitOffset: head, AppliedOffset: head},
	}
}

// shardOn is a shard of which replicas are there.
func shardOn(namespace string, leader replication.ServerID, replicas ...coordinator.ReplicaSnapshot) coordinator.ShardSnapshot {
	s := coordinator.ShardSnapshot{Namespace: namespace, Term: 3, Leader: leader, Document: replication.Document{Version: 1}, Replicas: replicas}
	for _, r := range replicas {
		m := replication.DocumentMember{Member: r.Member}
		switch r.Standing {
		case coordinator.StandingVoter:
			s.Document.Ensemble = append(s.Document.Ensemble, m)
		case coordinator.StandingJoining:
			s.Document.Joining = append(s.Document.Joining, m)
		}
	}
	return s
}

const (
	voter   = coordinator.StandingVoter
	leads   = api.ReplicaReport_ROLE_LEADER
	follows = api.ReplicaReport_ROLE_FOLLOWER
)

// newOperated is a cluster of five servers: s4 is not reached, s5 drains, and old left the
// configuration. Shard 0 is well; shard 1 lost s4 and s3, which is damaged, and is led
// by nobody; shard 2 is of a namespace that was deleted.
func newOperated(t testing.TB) *operated {
	t.Helper()
	wanted, err := config.Parse("f", []byte(`
namespaces:
- {name: default, initialShardCount: 2, replicationFactor: 3}
- {name: none, initialShardCount: 1, replicationFactor: 2}
servers:
- {name: s1, public: "one:1", internal: "one:2"}
- {name: s2, public: "two:1", internal: "two:2"}
- {name: s3, public: "three:1", internal: "three:2"}
- {name: s4, public: "four:1", internal: "four:2"}
- {name: s5, public: "five:1", internal: "five:2"}
serverMetadata: {s1: {labels: {zone: a}}}
coordinators: [{name: c1, publicAddress: "c1:6651"}, {name: c2, publicAddress: "c2:6651"}]
`))
	if err != nil {
		t.Fatal(err)
	}
	now := coordinator.Snapshot{
		Config: wanted, Known: true, Lease: lease.State{Known: true, Leads: true, Holder: "c1"},
		Status:  plan.Status{Cluster: "K", Deleting: []replication.ShardID{2}},
		Servers: map[replication.ServerID]coordinator.ServerSnapshot{},
	}
	for i, name := range []replication.ServerID{"s1", "s2", "s3", "s4", "s5", "old"} {
		now.Status.Servers = append(now.Status.Servers, plan.Server{
			Name: name, Public: fmt.Sprintf("p%d:1", i), Internal: fmt.Sprintf("i%d:1", i), Draining: name == "s5", Removed: name == "old",
		})
		now.Servers[name] = coordinator.ServerSnapshot{Reachable: true, State: &api.ServerState{}, DiskBytes: int64(i)}
	}
	now.Servers["s4"] = coordinator.ServerSnapshot{Err: errors.New("connection refused")}
	now.Status.Namespaces = []plan.Namespace{{Name: "default", ReplicationFactor: 3, Shards: []plan.Shard{
		{ID: 0, Max: 1<<31 - 1, Ensemble: []replication.ServerID{"s1", "s2", "s3"}},
		{ID: 1, Min: 1 << 31, Max: 1<<32 - 1, Ensemble: []replication.ServerID{"s1", "s3", "s4"}},
	}}}
	damaged := replicaAt("s3", voter, follows, 40)
	damaged.Report.NeedsOffset = 30
	away := coordinator.ReplicaSnapshot{Member: replication.Member{Server: "s4", Replica: 1}, Standing: voter}
	lost := shardOn("default", "", replicaAt("s1", voter, api.ReplicaReport_ROLE_FENCED, 20), damaged, away)
	lost.Troubles = []coordinator.Trouble{{Kind: coordinator.TroubleMajorityLost, Text: "of 3 replicas 1 is left"}}
	now.Shards = map[replication.ShardID]coordinator.ShardSnapshot{
		0: shardOn("default", "s1", replicaAt("s1", voter, leads, 12), replicaAt("s2", voter, follows, 12), replicaAt("s3", voter, follows, 10)),
		1: lost,
		2: shardOn("", "", replicaAt("s1", voter, follows, 9)),
	}
	now.Shards[0].Replicas[0].Report.DiskBytes = new(int64)
	*now.Shards[0].Replicas[0].Report.DiskBytes = 77
	now.Shards[0].Replicas[2].Lag = 2
	return &operated{now: now}
}
