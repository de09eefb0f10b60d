package coordinator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/replication"
)

// Replicas and leaderships move under load: nothing that was acknowledged is lost, nothing
// goes back, and what servers tell of their replicas is what clients did.
func TestShardsMoveUnderLoad(t *testing.T) {
	l := startLoopback(t, 4, &api.Namespace{Name: "default", InitialShardCount: 1, ReplicationFactor: 3})
	c, _ := l.coordinate("a")
	l.assignments("s1", "")
	until := func(holds func(coordinator.Snapshot) bool) coordinator.Snapshot {
		t.Helper()
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for {
			s := c.Snapshot()
			if holds(s) {
				return s
			}
			select {
			case <-again.C:
			case <-l.ctx.Done():
				t.Fatalf("it never came to be: %+v", s.Shards)
			}
		}
	}
	until(func(s coordinator.Snapshot) bool { return len(s.Servers) == 4 && s.Servers["s4"].Reachable })
	moved, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		count(l.ctx, t, l.servers["s1"].PublicAddress(), 0, func() bool {
			select {
			case <-moved:
				return true
			default:
				return false
			}
		})
	}()
	for range 3 {
		s := until(func(s coordinator.Snapshot) bool { return s.Shards[0].Leader != "" }).Shards[0]
		all := []replication.ServerID{"s1", "s2", "s3", "s4"}
		to := all[slices.IndexFunc(all, func(id replication.ServerID) bool { return !slices.Contains(s.Wanted, id) })]
		if err := c.MoveReplica(l.ctx, 0, s.Leader, to); err != nil {
			t.Fatal(err)
		}
		if err := c.TransferLeader(l.ctx, 0, to); err != nil {
			t.Fatal(err)
		}
	}
	// The last leader has to serve before the clients stop.
	until(func(s coordinator.Snapshot) bool {
		leader := s.Servers[s.Shards[0].Leader]
		return leader.WritesPerSecond > 0 && leader.ReadsPerSecond > 0
	})
	close(moved)
	<-written
	s := until(func(s coordinator.Snapshot) bool {
		shard := s.Shards[0]
		if len(shard.Troubles) > 0 || len(shard.Replicas) != 3 {
			return false
		}
		for _, r := range shard.Replicas {
			if r.Report == nil || r.Report.DiskBytes == nil || r.Lag != 0 || r.Report.GetAppliedOffset() != shard.Replicas[0].Report.GetAppliedOffset() {
				return false
			}
		}
		return true
	})
	for _, r := range s.Shards[0].Replicas {
		leads := r.Server == s.Shards[0].Leader
		if (r.Report.GetRole() == api.ReplicaReport_ROLE_LEADER) != leads || r.Report.GetServing() != leads || leads && r.ReadsPerSecond == 0 {
			t.Errorf("%s tells %v", r.Server, r.Report)
		}
	}
}
