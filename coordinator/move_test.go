package coordinator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// elsewhere returns a server that holds a shard without leading it, and one that does not
// hold it.
func elsewhere(c *cluster, s ShardSnapshot) (from, to replication.ServerID) {
	for _, p := range c.pockets {
		switch held := slices.Contains(s.Wanted, p.id); {
		case !held:
			to = p.id
		case p.id != s.Leader:
			from = p.id
		}
	}
	return from, to
}

func TestReplicaIsMovedByOrder(t *testing.T) {
	c := startCluster(t, 4, namespace("default", 1))
	one, _ := c.coordinate(t, "a", nil)
	before := leading(t, one, 1).Shards[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	from, to := elsewhere(c, before)
	ends(t, one.MoveReplica(ctx, 5, from, to), ErrNotFound, "there is no shard 5")
	ends(t, one.MoveReplica(ctx, 0, to, from), ErrRefused, "has no replica on")
	ends(t, one.MoveReplica(ctx, 0, from, before.Leader), ErrRefused, "has a replica on "+string(before.Leader)+" already")
	ends(t, one.MoveReplica(ctx, 0, from, "s9"), ErrNotFound, `there is no server "s9"`)
	if err := one.MoveReplica(ctx, 0, from, to); err != nil {
		t.Fatal(err)
	}
	s := one.Snapshot()
	after := s.Shards[0]
	if slices.Contains(after.Wanted, from) || !slices.Contains(after.Wanted, to) || !placed(&after.Document, after.Wanted) {
		t.Errorf("moved to %+v", after)
	}
	if len(s.Status.Changes) != 1 || s.Status.Changes[0].Kind != plan.KindOrder || s.Status.NextShard != 1 {
		t.Errorf("the status has %+v", s.Status)
	}
	// The replica that left is deleted, and nothing is under way any more.
	eventually(t, func() bool {
		s := one.Snapshot()
		return len(s.Moves) == 0 && len(s.Shards[0].Troubles) == 0
	})
	// The leader moves too, by being replaced.
	from, to = one.Snapshot().Shards[0].Leader, from
	if err := one.MoveReplica(ctx, 0, from, to); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		s := one.Snapshot().Shards[0]
		return s.Leader != "" && s.Leader != from && len(s.Troubles) == 0
	})
}

// A move that is out of reach is stored, and goes on when it can, whoever coordinates.
func TestMoveGoesOnWithoutItsOrder(t *testing.T) {
	c := startCluster(t, 4, namespace("default", 1))
	one, stop := c.coordinate(t, "a", nil)
	before := leading(t, one, 1).Shards[0]
	from, to := elsewhere(c, before)
	d := newDoom(1, true)
	stop()
	// It dies when it has stored the wish, before anything is done about it.
	doomed, bury := c.coordinate(t, "doomed", d.befall)
	leading(t, doomed, 1)
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() { outcome <- doomed.MoveReplica(ctx, 0, from, to) }()
	<-d.killed
	bury()
	cancel()
	if err := <-outcome; err == nil {
		t.Error("an order of a coordinator that was killed was carried out")
	}
	next, _ := c.coordinate(t, "next", succeeds)
	eventually(t, func() bool {
		s := next.Snapshot().Shards[0]
		return slices.Contains(s.Wanted, to) && s.Leader != "" && len(s.Troubles) == 0
	})
}

// A coordinator that is killed at any write of an ensemble change is superseded: whatever was
// stored of the change, the next one brings it to its end, in a higher term.
func TestCoordinatorKilledAtEachStepOfAnEnsembleChange(t *testing.T) {
	eachStep(t, 5, func(t *testing.T, d *doom) bool {
		c := startCluster(t, 4, namespace("default", 1))
		first, stop := c.coordinate(t, "first", nil)
		before := leading(t, first, 1).Shards[0]
		stop()
		from, to := elsewhere(c, before)

		doomed, bury := c.coordinate(t, "doomed", d.befall)
		leading(t, doomed, 1)
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error, 1)
		go func() { outcome <- doomed.MoveReplica(ctx, 0, from, to) }()
		over := false
		eventually(t, func() bool {
			s := doomed.Snapshot().Shards[0]
			over = slices.Contains(s.Wanted, to) && s.Leader != "" && len(s.Troubles) == 0 && s.Document.Status == replication.StatusSteady
			return over || d.dead.Load()
		})
		told := doomed.Snapshot().Shards[0]
		d.die()
		bury()
		cancel()
		if err := <-outcome; over && err != nil {
			t.Error(err)
		}
		left := c.stored(t, 0)

		next, _ := c.coordinate(t, "next", succeeds)
		var after ShardSnapshot
		eventually(t, func() bool {
			after = next.Snapshot().Shards[0]
			return after.Leader != "" && len(after.Troubles) == 0 && after.Document.Status == replication.StatusSteady
		})
		// The wish was stored, or not: forward, or as it was.
		if wished := slices.Contains(after.Wanted, to); slices.Contains(after.Wanted, from) == wished ||
			!wished && (d.at > 1 || d.stored) {
			t.Errorf("it is on %v, to be moved from %s to %s", after.Wanted, from, to)
		}
		served := told.Leader == after.Leader && told.Term == after.Term
		if left.Status == replication.StatusElecting && !served && after.Term <= left.Term.Term || after.Term < left.Term.Term {
			t.Errorf("led by %s in term %d, and %+v was left", after.Leader, after.Term, left)
		}
		return over
	})
}
