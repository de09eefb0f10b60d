package host

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

func TestWritesAreReadBack(t *testing.T) {
	c := startCluster(t, 2, nil)
	for shard := range replication.ShardID(2) {
		leader := c.leader(shard)
		for i := range 20 {
			value := fmt.Sprint(i)
			if _, err := c.put(leader, shard, "k", value); err != nil {
				t.Fatal(err)
			}
			if got, err := c.get(leader, shard, "k"); err != nil || got != value {
				t.Fatalf("read %q, %v after %q was written", got, err, value)
			}
		}
	}
}

func TestServersThatDoNotLeadRefuseAtOnce(t *testing.T) {
	c := startCluster(t, 1, nil)
	leader := c.leader(0)
	for _, h := range c.hosts {
		if h == leader {
			continue
		}
		if _, err := c.put(h, 0, "k", "v"); refusedAs(err) != replication.RefusedNotLeader {
			t.Errorf("a write that a follower was given ended with %v", err)
		}
		if _, err := h.Confirm(c.ctx, 0); refusedAs(err) != replication.RefusedNotLeader {
			t.Errorf("a read that a follower was given ended with %v", err)
		}
	}
	if _, err := leader.Confirm(c.ctx, 99); refusedAs(err) != replication.RefusedNotLeader {
		t.Errorf("a read of a shard that is not there ended with %v", err)
	}
}

func TestWritesOfOneCallerKeepTheirOrder(t *testing.T) {
	c := startCluster(t, 1, nil)
	leader := c.leader(0)
	calls := make([]*Call, 500)
	for i := range calls {
		call, err := leader.Write(c.ctx, 0, putPayload(t, "k", fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		calls[i] = call
	}
	last := replication.Offset(0)
	for i, call := range calls {
		offset, err := c.written(call)
		if err != nil {
			t.Fatal(err)
		}
		if offset <= last {
			t.Fatalf("write %d has offset %d, after %d", i, offset, last)
		}
		last = offset
	}
}

func TestLeadershipMovesWhenALeaderDies(t *testing.T) {
	c := startCluster(t, 1, nil)
	first := c.leader(0)
	if _, err := c.put(first, 0, "k", "before"); err != nil {
		t.Fatal(err)
	}
	c.network.Leave(first.Self().ID)
	second := c.leader(0, first.Self().ID)
	if got, err := c.get(second, 0, "k"); err != nil || got != "before" {
		t.Fatalf("the next leader read %q, %v", got, err)
	}
	if _, err := c.put(second, 0, "k", "after"); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := c.put(first, 0, "k", "late"); !errors.Is(err, ErrClosed) {
		t.Errorf("a write to a host that is closed ended with %v", err)
	}
}

func TestCutOffLeaderKeepsNobodyWaiting(t *testing.T) {
	c := startCluster(t, 1, nil)
	leader := c.leader(0)
	for _, id := range servers {
		c.network.Cut(leader.Self().ID, id, true)
	}
	began := time.Now()
	if _, err := c.put(leader, 0, "k", "v"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a write to a leader that was cut off ended with %v", err)
	}
	if _, err := leader.Confirm(c.ctx, 0); refusedAs(err) == 0 {
		t.Errorf("a read of a leader that was cut off ended with %v", err)
	}
	if took := time.Since(began); took >= MaxCallTime {
		t.Errorf("it took %v", took)
	}
}

func TestCloseEndsEveryCall(t *testing.T) {
	c := startCluster(t, 1, nil)
	leader := c.leader(0)
	for _, id := range servers {
		c.network.Cut(leader.Self().ID, id, true)
	}
	call, err := leader.Write(c.ctx, 0, putPayload(t, "k", "v"))
	if err != nil {
		t.Fatal(err)
	}
	// The loop has it when it has answered this.
	if _, found := leader.Replica(0); !found {
		t.Fatal("the leader has no replica")
	}
	leader.Close()
	if _, err := c.written(call); !errors.Is(err, ErrUnknown) {
		t.Errorf("a write that was proposed ended with %v", err)
	}
	if _, found := leader.Replica(0); found {
		t.Error("a closed host shows a replica")
	}
}

func TestDrainMovesLeaderships(t *testing.T) {
	c := startCluster(t, 4, nil)
	first := c.leader(0)
	first.Drain()
	for shard := range replication.ShardID(4) {
		next := c.leader(shard, first.Self().ID)
		if _, err := c.put(next, shard, "k", "v"); err != nil {
			t.Fatal(err)
		}
	}
	if n := first.Leaderships(); n != 0 {
		t.Errorf("a drained server leads %d shards", n)
	}
}

func TestStateThatIsDroppedIsNotRead(t *testing.T) {
	c := startCluster(t, 1, nil)
	leader := c.leader(0)
	if _, err := c.put(leader, 0, "k", "v"); err != nil {
		t.Fatal(err)
	}
	view, err := leader.Confirm(c.ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	leader.state.gates.of(0).generation.Add(1) // as the node does when it asks for the removal
	err = view.Read(func(*kv.DB) error {
		t.Error("the state was read")
		return nil
	})
	if refusedAs(err) != replication.RefusedNotLeader {
		t.Errorf("the read ended with %v", err)
	}
}

func TestChangesAreTold(t *testing.T) {
	c := startCluster(t, 1, nil)
	leader := c.leader(0)
	term, changed := leader.Changed(0)
	if term == 0 {
		t.Fatal("the leader does not know that it leads")
	}
	if _, err := c.put(leader, 0, "k", "v"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("a write was answered, and its change not told")
	}
	_, changed = leader.Changed(0)
	leader.Close()
	<-changed
	if term, changed = leader.Changed(0); term != 0 {
		t.Error("a closed host leads")
	}
	<-changed
}

// Traffic counts what was carried out, where it was.
func TestTrafficIsCounted(t *testing.T) {
	c := startCluster(t, 2, nil)
	leader := c.leader(0)
	for range 3 {
		if _, err := c.put(leader, 0, "k", "v"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.get(leader, 0, "k"); err != nil {
		t.Fatal(err)
	}
	for _, h := range c.hosts {
		if h != leader {
			if _, err := c.put(h, 0, "k", "v"); err == nil {
				t.Error("a follower took a write")
			}
		}
		told := map[replication.ShardID]Traffic{}
		h.Replicas([]replication.ShardID{0, 1, 9}, func(id replication.ShardID, _ replication.ReplicaState, traffic Traffic) {
			told[id] = traffic
		})
		want := Traffic{}
		if h == leader {
			want = Traffic{Writes: 3, Reads: 1}
		}
		if len(told) != 2 || told[0] != want || told[1] != (Traffic{}) {
			t.Errorf("%s tells %v", h.Self().ID, told)
		}
	}
}
