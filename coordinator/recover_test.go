package coordinator

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

func TestShardIsRecoveredByOrder(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 1))
	one, _ := c.coordinate(t, "a", nil)
	before := leading(t, one, 1).Shards[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	left := c.pockets[2].id
	survivors := []replication.ServerID{left}
	ends(t, one.RecoverShard(ctx, 0, survivors, "risk"), ErrRefused, "has a majority within reach")
	ends(t, one.RecoverShard(ctx, 4, survivors, "risk"), ErrNotFound, "there is no shard 4")
	c.pockets[0].kill()
	c.pockets[1].kill()
	eventually(t, func() bool {
		s := one.Snapshot().Shards[0]
		return len(s.Troubles) > 0 && s.Troubles[0].Kind == TroubleMajorityLost
	})
	for text, servers := range map[string][]replication.ServerID{
		"name the servers":      nil,
		"no replica that votes": {"s7"},
		"is named twice":        {left, left},
		"is out of reach":       {"s0"},
	} {
		ends(t, one.RecoverShard(ctx, 0, servers, "risk"), ErrRefused, text)
	}
	if len(one.Snapshot().Status.Recoveries) != 0 {
		t.Error("what was refused left a mark")
	}
	if err := one.RecoverShard(ctx, 0, survivors, "whatever they had"); err != nil {
		t.Fatal(err)
	}
	s := one.Snapshot()
	after := s.Shards[0]
	if after.Leader != left || after.Term <= before.Term || len(after.Document.Ensemble) != 1 {
		t.Errorf("recovered as %+v", after)
	}
	marks := s.Status.Recoveries
	if len(marks) != 1 || marks[0].Risk != "whatever they had" || marks[0].Namespace != "default" ||
		!slices.Equal(marks[0].Survivors, survivors) || len(marks[0].Lost) != 2 {
		t.Errorf("marked as %+v", marks)
	}
}

// A namespace that is deleted leaves nothing: no replica, no document, nothing in the status.
func TestDeletedNamespaceLeavesNothing(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 2), namespace("other", 3))
	one, _ := c.coordinate(t, "a", nil)
	leading(t, one, 5)
	err := one.UpdateConfig(t.Context(), func(c *api.ClusterConfiguration) error { c.Namespaces = c.Namespaces[:1]; return nil })
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		s := one.Snapshot()
		return len(s.Status.Namespaces) == 1 && len(s.Status.Deleting) == 0 && len(s.Shards) == 2
	})
	found, err := shards.List(t.Context(), c.store.Open())
	if err != nil || len(found) != 2 {
		t.Errorf("documents are left: %v, %v", found, err)
	}
	for _, p := range c.pockets {
		if ids := p.replicas(); !slices.Equal(ids, []replication.ShardID{0, 1}) {
			t.Errorf("%s has replicas of %v", p.id, ids)
		}
	}
}

// A document that the status does not know was written by a coordinator that did not know
// better. The shard is ended, and nothing is left of it.
func TestDocumentThatNobodyKnowsIsEnded(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 1))
	stray := replication.Document{
		Version: 1, Term: replication.TermID{Term: 1, Election: 7}, Status: replication.StatusElecting, Ensemble: on("a", "b"), LastReplica: 2,
	}
	for i := range stray.Ensemble {
		stray.Ensemble[i].Server = c.pockets[i].id
	}
	value, err := shards.Encode(stray)
	if err != nil {
		t.Fatal(err)
	}
	store := c.store.Open()
	if err := store.Update(t.Context(), []metadata.Change{{Key: shards.Key(9), Value: value}})[0]; err != nil {
		t.Fatal(err)
	}
	one, _ := c.coordinate(t, "a", nil)
	leading(t, one, 1)
	eventually(t, func() bool {
		found, err := shards.List(t.Context(), store)
		return err == nil && len(found) == 1
	})
}

// A server that left the configuration and holds nothing is nobody's business any more, and
// one whose address changed is reached there.
func TestServersComeAndGo(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 1))
	idle := startPocket(t, c.network, "s3", 1)
	one, _ := c.coordinate(t, "a", nil)
	leading(t, one, 1)
	change := func(do func(*api.ClusterConfiguration)) {
		t.Helper()
		if err := one.UpdateConfig(t.Context(), func(c *api.ClusterConfiguration) error { do(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	add := func(p *pocket) {
		change(func(c *api.ClusterConfiguration) {
			c.Servers = append(c.Servers, &api.DataServerIdentity{Name: proto.String("s3"), Public: "s3:1", Internal: p.address})
		})
	}
	add(idle)
	eventually(t, func() bool { return one.Snapshot().Servers["s3"].Reachable })
	change(func(c *api.ClusterConfiguration) { c.Servers = c.Servers[:3] })
	eventually(t, func() bool {
		s := one.Snapshot()
		_, known := s.Servers["s3"]
		return !known && len(s.Status.Servers) == 3
	})
	idle.kill()
	moved := startPocket(t, c.network, "s3", 2)
	add(moved)
	eventually(t, func() bool { return one.Snapshot().Servers["s3"].Reachable })
	if run := one.Snapshot().Servers["s3"].State.GetRun(); run != 2 {
		t.Errorf("run %d is heard", run)
	}
}
