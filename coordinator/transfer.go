package coordinator

import (
	"context"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	// orderAgain is after what time an order is given to a shard's election again that
	// had no effect: it was busy, or the one that it named did not come to lead.
	orderAgain = 500 * time.Millisecond
	// maxTransfers is how many elections are held to make a certain server lead.
	maxTransfers = 3
)

// TransferLeader makes a server lead a shard, and returns when it serves. The replica there
// votes, and what it lacks is little: otherwise another is elected, and ErrChanged says so.
// With no server named it is ElectLeader.
func (c *Coordinator) TransferLeader(ctx context.Context, shard replication.ShardID, to replication.ServerID) error {
	if to == "" {
		return c.ElectLeader(ctx, shard)
	}
	r, err := c.reign()
	if err != nil {
		return err
	}
	s, err := r.shard(shard)
	if err != nil {
		return err
	}
	server := r.view.serverNow(to)
	switch voter := slices.ContainsFunc(s.Document.Ensemble, func(m replication.DocumentMember) bool { return m.Server == to }); {
	case s.Leader == to:
		return nil
	case !voter:
		return refuse(ErrRefused, "shard %d: %q has no replica that votes; its ensemble is on %s", shard, to, names(s.Document.Ensemble))
	case s.Leader == "":
		return refuse(ErrRefused, "shard %d has no leader at present; ask again when it has", shard)
	case !server.Reachable:
		return refuse(ErrRefused, "shard %d: server %s is out of reach", shard, to)
	case server.State.GetDraining():
		return refuse(ErrRefused, "shard %d: server %s drains, and leads nothing more", shard, to)
	}
	return r.elect(ctx, shard, s.Term, to)
}

// ElectLeader holds an election in a shard, whoever leads it, and returns when a leader of a
// higher term serves.
func (c *Coordinator) ElectLeader(ctx context.Context, shard replication.ShardID) error {
	r, err := c.reign()
	if err != nil {
		return err
	}
	s, err := r.shard(shard)
	if err != nil {
		return err
	}
	return r.elect(ctx, shard, s.Term, "")
}

// elect holds elections until a leader of a higher term than the given one serves: a
// certain one, if it is named.
func (r *reign) elect(ctx context.Context, shard replication.ShardID, term replication.Term, to replication.ServerID) error {
	held := 0
	if to != "" {
		r.view.transferred(shard, to)
	}
	r.driver.Transfer(shard, to)
	return r.wait(ctx, orderAgain, func(again bool) (bool, error) {
		s, err := r.shard(shard)
		switch {
		case err != nil:
			return false, err
		case s.Term > term && s.Leader != "" && (to == "" || s.Leader == to):
			return true, nil
		case s.Term > term && s.Leader != "":
			term, held = s.Term, held+1
			if held >= maxTransfers {
				return false, refuse(ErrChanged, "shard %d: %s was elected, and not %s, which lacks entries or does not answer in time",
					shard, s.Leader, to)
			}
			again = true
		}
		if again {
			r.driver.Transfer(shard, to)
		}
		return false, nil
	}, "shard %d has not come to another leader yet", shard)
}
