package coordinator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// MoveReplica moves a shard's replica from one server to another, and returns when the new
// one votes and the old one does not. The move is stored before it begins, so that it
// goes on whoever coordinates, also when nobody waits for it any more (ErrGoesOn).
func (c *Coordinator) MoveReplica(ctx context.Context, shard replication.ShardID, from, to replication.ServerID) error {
	r, err := c.reign()
	if err != nil {
		return err
	}
	if _, err := r.shard(shard); err != nil {
		return err
	}
	var wanted []replication.ServerID
	err = r.order(ctx, func(status plan.Status) ([]plan.Action, error) {
		s, err := r.shard(shard)
		if err != nil {
			return nil, err
		}
		if err := r.movable(&s, shard, from, to, status); err != nil {
			return nil, err
		}
		wanted = slices.Clone(s.Wanted)
		wanted[slices.Index(wanted, from)] = to
		return []plan.Action{plan.SetEnsemble{Ensemble: wanted, Change: plan.Change{
			Shard: shard, Kind: plan.KindOrder, Began: time.Now().UnixMilli(),
			Reason: fmt.Sprintf("an operator moves it from %s to %s", from, to),
		}}}, nil
	})
	if err != nil {
		return err
	}
	return r.wait(ctx, wishAgain, func(bool) (bool, error) {
		s, err := r.shard(shard)
		switch {
		case err != nil:
			return false, err
		case !slices.Equal(s.Wanted, wanted):
			return false, refuse(ErrChanged, "shard %d is wanted on %s by now: the move to %s was given up, or another followed it",
				shard, join(s.Wanted), to)
		}
		return placed(&s.Document, wanted), nil
	}, "shard %d moves from %s to %s", shard, from, to)
}

// movable says why a replica cannot be moved.
func (r *reign) movable(s *ShardSnapshot, shard replication.ShardID, from, to replication.ServerID, status plan.Status) error {
	i := slices.IndexFunc(status.Servers, func(one plan.Server) bool { return one.Name == to })
	switch server := r.view.serverNow(to); {
	case !slices.Contains(s.Wanted, from):
		return refuse(ErrRefused, "shard %d has no replica on %q; it is on %s", shard, from, join(s.Wanted))
	case slices.Contains(s.Wanted, to):
		return refuse(ErrRefused, "shard %d has a replica on %s already", shard, to)
	case i < 0:
		return refuse(ErrNotFound, "there is no server %q", to)
	case status.Servers[i].Removed || status.Servers[i].Draining:
		return refuse(ErrRefused, "server %s is being emptied, and is given nothing", to)
	case !server.Reachable || server.State.GetDraining():
		return refuse(ErrRefused, "server %s is out of reach, or about to stop", to)
	case !placed(&s.Document, s.Wanted):
		return refuse(ErrRefused, "shard %d is on %s, and is being brought to %s; one replica moves at a time",
			shard, names(s.Document.Ensemble), join(s.Wanted))
	}
	return nil
}

// DrainServer says whether a server is to hold nothing, and returns when that is stored. Its
// replicas and leaderships then go to others, as far as there are any that may have them;
// the server stays in the cluster.
func (c *Coordinator) DrainServer(ctx context.Context, server replication.ServerID, on bool) error {
	r, err := c.reign()
	if err != nil {
		return err
	}
	return r.order(ctx, func(status plan.Status) ([]plan.Action, error) {
		i := slices.IndexFunc(status.Servers, func(one plan.Server) bool { return one.Name == server })
		if i < 0 {
			return nil, refuse(ErrNotFound, "there is no server %q", server)
		}
		changed := status.Servers[i]
		if changed.Draining == on {
			return nil, nil
		}
		changed.Draining = on
		return []plan.Action{plan.PutServer{Server: changed}}, nil
	})
}
