package coordinator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// leading waits until a coordinator leads, hears all servers, and knows all shards led.
func leading(t *testing.T, c *Coordinator, shards int) Snapshot {
	t.Helper()
	var s Snapshot
	eventually(t, func() bool {
		s = c.Snapshot()
		for _, one := range s.Shards {
			if one.Leader == "" {
				return false
			}
		}
		for _, one := range s.Status.Servers {
			if !s.Servers[one.Name].Reachable {
				return false
			}
		}
		return s.Known && len(s.Shards) == shards
	})
	return s
}

// ends fails the test unless an order ended with an error of a kind, whose text says
// something.
func ends(t *testing.T, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("it ended with %v, and not with %v: %s", err, kind, text)
	}
}

func TestLeadershipIsMovedByOrder(t *testing.T) {
	c := startCluster(t, 4, namespace("default", 3))
	one, stop := c.coordinate(t, "a", nil)
	before := leading(t, one, 3).Shards[1]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var away replication.ServerID
	for _, id := range []replication.ServerID{"s0", "s1", "s2", "s3"} {
		voter := false
		for _, m := range before.Document.Ensemble {
			voter = voter || m.Server == id
		}
		if !voter {
			away = id
		}
	}
	// Each voter in turn, the present leader too, which changes nothing.
	for _, m := range before.Document.Ensemble {
		was := one.Snapshot().Shards[1]
		if err := one.TransferLeader(ctx, 1, m.Server); err != nil {
			t.Fatal(err)
		}
		now := one.Snapshot().Shards[1]
		if now.Leader != m.Server || (now.Term > was.Term) != (was.Leader != m.Server) {
			t.Errorf("led by %s in term %d, after %s in term %d", now.Leader, now.Term, was.Leader, was.Term)
		}
	}
	was := one.Snapshot().Shards[1]
	if err := one.ElectLeader(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if now := one.Snapshot().Shards[1]; now.Term <= was.Term || now.Leader == "" {
		t.Errorf("led by %s in term %d, after term %d", now.Leader, now.Term, was.Term)
	}

	ends(t, one.TransferLeader(ctx, 7, "s0"), ErrNotFound, "there is no shard 7")
	ends(t, one.ElectLeader(ctx, 7), ErrNotFound, "there is no shard 7")
	ends(t, one.TransferLeader(ctx, 1, away), ErrRefused, "has no replica that votes; its ensemble is on s")
	standby, _ := c.coordinate(t, "b", nil)
	eventually(t, func() bool { return standby.Snapshot().Lease.Known })
	ends(t, standby.TransferLeader(ctx, 1, "s0"), ErrNotLeading, "coordinator a leads: call a:6651")

	var lost replication.ServerID
	now := one.Snapshot().Shards[1]
	for _, p := range c.pockets {
		if p.id != now.Leader && p.id != away {
			lost = p.id
			p.kill()
			break
		}
	}
	eventually(t, func() bool { return !one.Snapshot().Servers[lost].Reachable })
	ends(t, one.TransferLeader(ctx, 1, lost), ErrRefused, "is out of reach")
	stop()
	ends(t, one.ElectLeader(ctx, 1), ErrNotLeading, "")
}

// An order that cannot be carried out ends with its context, and says that it goes on.
func TestOrdersEndWithTheirContext(t *testing.T) {
	c := startCluster(t, 3, namespace("default", 1))
	one, stop := c.coordinate(t, "a", nil)
	s := leading(t, one, 1).Shards[0]
	for _, p := range c.pockets {
		if p.id != s.Leader {
			p.kill()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() { outcome <- one.ElectLeader(ctx, 0) }()
	eventually(t, func() bool { return one.Snapshot().Shards[0].Leader == "" })
	cancel()
	err := <-outcome
	ends(t, err, ErrGoesOn, "shard 0 has not come to another leader yet")
	ends(t, err, context.Canceled, "")
	go func() { outcome <- one.ElectLeader(t.Context(), 0) }()
	stop()
	if err := <-outcome; !errors.Is(err, ErrGoesOn) && !errors.Is(err, ErrNotLeading) {
		t.Errorf("it ended with %v", err)
	}
}
