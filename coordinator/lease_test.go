package coordinator

import (
	"testing"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/replication"
)

// A coordinator whose lease was taken stops all work for the cluster, and goes on running:
// it leads again when nobody holds the lease any more, in another run.
func TestCoordinatorThatLostTheLeaseStopsAndComesBack(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 1))
	one, _ := c.coordinate(t, "a", nil)
	before := leading(t, one, 1)
	connected := func() bool {
		c.network.mu.Lock()
		defer c.network.mu.Unlock()
		_, there := c.network.members["coordinator/a"]
		return there
	}
	if !connected() {
		t.Fatal("it leads and is not connected")
	}
	store := c.store.Open()
	robbed := metadata.Lease{}
	eventually(t, func() bool {
		held, version, err := store.ReadLease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		robbed = metadata.Lease{Holder: "robber", Address: "robber:6651", Run: held.Run + 1}
		return store.WriteLease(t.Context(), robbed, version) == nil
	})
	eventually(t, func() bool {
		_, version, err := store.ReadLease(t.Context())
		robbed.Beat++
		if err == nil {
			err = store.WriteLease(t.Context(), robbed, version)
		}
		if err != nil {
			t.Fatal(err)
		}
		s := one.Snapshot()
		return !s.Known && s.Lease.Holder == "robber" && !connected()
	})
	ends(t, one.ElectLeader(t.Context(), 0), ErrNotLeading, "coordinator robber leads: call robber:6651")
	// From now on the robber does not renew it.
	after := leading(t, one, 1)
	if after.Shards[0].Term != before.Shards[0].Term {
		t.Errorf("the shard went from term %d to %d", before.Shards[0].Term, after.Shards[0].Term)
	}
	held, _, err := store.ReadLease(t.Context())
	if err != nil || held.Holder != "a" || held.Run <= robbed.Run {
		t.Errorf("the lease is %+v, %v", held, err)
	}
	state := c.pockets[0].await(t, led(1, replication.ServerID("")))
	if state.GetCoordinator() != "coordinator/a" {
		t.Errorf("told %v", state)
	}
}
