package coordinator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// hasty makes a coordinator's planner one that waits for nothing.
func hasty(o *Options) {
	p := plan.DefaultOptions()
	p.SteadyFor, p.LeadersAfter, p.Rest, p.Interval = time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond
	o.Plan = p
}

// holds reports whether a server has, or is to have, a replica of any shard.
func holds(s Snapshot, server replication.ServerID) bool {
	for _, one := range s.Shards {
		if slices.Contains(one.Wanted, server) || slices.ContainsFunc(one.Replicas, func(r ReplicaSnapshot) bool { return r.Server == server }) {
			return true
		}
	}
	return false
}

// calm reports whether every shard is as it should be, and nothing moves.
func calm(s Snapshot) bool {
	for _, one := range s.Shards {
		if one.Leader == "" || len(one.Troubles) > 0 {
			return false
		}
	}
	return s.Known && len(s.Moves) == 0
}

// A server that is drained is emptied, and is filled again when it is not; one that leaves
// the configuration is emptied, and forgotten; replicas are added and taken away as a
// namespace wants them.
func TestReplicasGoWhereTheyAreWanted(t *testing.T) {
	c := startCluster(t, 4, namespace("default", 4))
	one, _ := c.coordinate(t, "a", hasty)
	leading(t, one, 4)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends(t, one.DrainServer(ctx, "s9", true), ErrNotFound, `there is no server "s9"`)
	for _, on := range []bool{true, true, false} {
		if err := one.DrainServer(ctx, "s0", on); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { s := one.Snapshot(); return holds(s, "s0") != on && calm(s) })
	}
	change := func(do func(*api.ClusterConfiguration)) {
		t.Helper()
		if err := one.UpdateConfig(ctx, func(c *api.ClusterConfiguration) error { do(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	placedAt := func(servers, replicas int) {
		t.Helper()
		eventually(t, func() bool {
			s := one.Snapshot()
			for _, shard := range s.Shards {
				if len(shard.Document.Ensemble) != replicas {
					return false
				}
			}
			return calm(s) && len(s.Status.Servers) == servers
		})
	}
	change(func(c *api.ClusterConfiguration) { c.Servers = c.Servers[1:] })
	placedAt(3, 3)
	change(func(c *api.ClusterConfiguration) { c.Namespaces[0].ReplicationFactor = 1 })
	placedAt(3, 1)
	change(func(c *api.ClusterConfiguration) { c.Namespaces[0].ReplicationFactor = 2 })
	placedAt(3, 2)
	e, err := one.Explain()
	if err != nil || len(e.Servers) != 3 || len(e.Next) != 0 {
		t.Errorf("explained as %+v, %v", e, err)
	}
	for _, p := range c.pockets {
		if p.id == "s0" {
			eventually(t, func() bool { return len(p.replicas()) == 0 })
		}
	}
}
