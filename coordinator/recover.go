package coordinator

import (
	"context"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// RecoverShard lets a shard that lost its majority for good go on with the voters on some
// servers alone, and returns when one of them leads. What the others alone had committed is
// lost; a mark of that stays in the status for ever, with the risk in the words that the
// operator was told. It is stored before anything is done. No other coordinator goes on
// with it by itself: should this one end amid it, the operator looks again, and decides
// again.
func (c *Coordinator) RecoverShard(ctx context.Context, shard replication.ShardID, survivors []replication.ServerID, risk string) error {
	r, err := c.reign()
	if err != nil {
		return err
	}
	if _, err := r.shard(shard); err != nil {
		return err
	}
	var lost []replication.Member
	err = r.order(ctx, func(plan.Status) ([]plan.Action, error) {
		s, err := r.shard(shard)
		if err != nil {
			return nil, err
		}
		if lost, err = r.recoverable(&s, shard, survivors); err != nil {
			return nil, err
		}
		mark := plan.Recovery{
			Namespace: s.Namespace, Shard: shard, At: time.Now().UnixMilli(), Term: s.Document.Term.Term,
			Survivors: slices.Clone(survivors), Risk: risk,
		}
		for _, m := range lost {
			mark.Lost = append(mark.Lost, m.Server)
		}
		return []plan.Action{plan.MarkRecovery{Recovery: mark}}, nil
	})
	if err != nil {
		return err
	}
	r.driver.Recover(shard, survivors)
	return r.wait(ctx, orderAgain, func(again bool) (bool, error) {
		s, err := r.shard(shard)
		if err != nil {
			return false, err
		}
		if without := !slices.ContainsFunc(slices.Concat(s.Document.Ensemble, s.Document.Joining), func(m replication.DocumentMember) bool {
			return slices.Contains(lost, m.Member)
		}); without {
			return s.Leader != "" && s.Term == s.Document.Term.Term, nil
		}
		if again {
			r.driver.Recover(shard, survivors)
		}
		return false, nil
	}, "shard %d is being recovered on %s; look at its status, and order it again if it is not", shard, join(survivors))
}

// recoverable returns the voters that are given up when a shard goes on with some, or
// says why that may not be.
func (r *reign) recoverable(s *ShardSnapshot, shard replication.ShardID, survivors []replication.ServerID) ([]replication.Member, error) {
	d := &diagnosis{ShardSnapshot: s, servers: r.view.serversNow(), now: time.Now()}
	if len(survivors) == 0 {
		return nil, refuse(ErrRefused, "shard %d: name the servers that are to go on with it", shard)
	}
	if d.lostMajority() == "" {
		return nil, refuse(ErrRefused, "shard %d has a majority within reach, and needs no recovery", shard)
	}
	var lost []replication.Member
	voters := map[replication.ServerID]bool{}
	for _, m := range slices.Concat(s.Document.Ensemble, s.Document.Joining) {
		voters[m.Server] = true
		if !slices.Contains(survivors, m.Server) && !slices.Contains(lost, m.Member) {
			lost = append(lost, m.Member)
		}
	}
	for i, id := range survivors {
		switch {
		case !voters[id]:
			return nil, refuse(ErrRefused, "shard %d: %q has no replica that votes", shard, id)
		case slices.Contains(survivors[:i], id):
			return nil, refuse(ErrRefused, "shard %d: %s is named twice", shard, id)
		case !d.servers[id].Reachable:
			return nil, refuse(ErrRefused, "shard %d: server %s is out of reach, and cannot go on with it", shard, id)
		}
	}
	return lost, nil
}
