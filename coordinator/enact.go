package coordinator

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

const (
	// wishAgain is after what time an election is told again where its replicas are wanted,
	// if they are elsewhere: it gives up what is out of reach, until it is told.
	wishAgain = 10 * time.Second
	// forgetAtOnce bounds the documents that are deleted in one go.
	forgetAtOnce = 500
)

// held is a shard whose elections are held.
type held struct {
	// settings and wanted are those that its election was told last, at told.
	settings string
	wanted   []replication.ServerID
	told     time.Time
	// ending says that it was told to be no more.
	ending bool
}

// enact makes connections and elections what the stored status says. What it says
// already costs a comparison.
func (r *reign) enact(ctx context.Context, now time.Time) error {
	err := r.enactServers()
	documents, anew := r.view.documents(), r.enacted != r.version
	live := make(map[replication.ShardID]bool, len(r.held))
	for i := range r.status.Namespaces {
		n := &r.status.Namespaces[i]
		for _, shard := range n.Shards {
			live[shard.ID] = true
			if err := r.enactShard(n, shard, documents[shard.ID], anew, now); err != nil {
				return err
			}
		}
	}
	r.enacted = r.version
	return errors.Join(err, r.endShards(ctx, live, documents))
}

// enactServers makes the servers of the status known to whoever talks to them.
func (r *reign) enactServers() error {
	addresses := map[replication.ServerID]string{}
	for _, s := range r.status.Servers {
		addresses[s.Name] = s.Internal
		if !r.peers[s.Name] {
			r.peers[s.Name] = true
			r.driver.Join(s.Name)
		}
	}
	for id := range r.peers {
		if _, stays := addresses[id]; !stays {
			delete(r.peers, id)
			r.driver.Leave(id)
		}
	}
	r.transport.SetPeers(addresses)
	return r.attending.SetServers(addresses)
}

// enactShard tells a shard's election what it does not know of the status yet, or, with
// anew set, may not know.
func (r *reign) enactShard(n *plan.Namespace, shard plan.Shard, doc *replication.Document, anew bool, now time.Time) error {
	h := r.held[shard.ID]
	if h == nil || anew {
		settings, err := n.Settings(shard)
		if err != nil {
			return err
		}
		switch {
		case h == nil:
			h = &held{settings: string(settings)}
			r.held[shard.ID] = h
			r.driver.Coordinate(shard.ID, shard.Ensemble, settings)
		case h.settings != string(settings):
			h.settings = string(settings)
			r.driver.ChangeSettings(shard.ID, settings)
		}
	}
	if !slices.Equal(h.wanted, shard.Ensemble) || !placed(doc, shard.Ensemble) && now.Sub(h.told) >= wishAgain {
		h.wanted, h.told = shard.Ensemble, now
		r.driver.ChangeEnsemble(shard.ID, shard.Ensemble)
	}
	return nil
}

// placed reports whether a shard's replicas that vote are on certain servers, and no change
// of that is under way.
func placed(doc *replication.Document, wanted []replication.ServerID) bool {
	return doc != nil && len(doc.Joining) == 0 && len(doc.Learners) == 0 && len(doc.Ensemble) == len(wanted) &&
		!slices.ContainsFunc(doc.Ensemble, func(m replication.DocumentMember) bool { return !slices.Contains(wanted, m.Server) })
}

// endShards ends the shards of deleted namespaces, and those of which there is a document
// that the status does not know: a coordinator wrote it that did not know yet, or any more.
// What is left of them in the end is deleted too.
func (r *reign) endShards(ctx context.Context, live map[replication.ShardID]bool, documents map[replication.ShardID]*replication.Document) error {
	var over []replication.ShardID
	ending := map[replication.ShardID]bool{}
	for id, doc := range documents {
		switch {
		case live[id]:
		case doc.Status == replication.StatusDeleted && len(doc.Removed) == 0:
			over = append(over, id)
		default:
			ending[id] = true
		}
	}
	for id := range ending {
		h := r.held[id]
		if h == nil {
			h = &held{}
			r.held[id] = h
			r.driver.Coordinate(id, nil, nil)
		}
		if !h.ending {
			h.ending = true
			r.driver.End(id)
		}
	}
	for id := range r.held {
		if !live[id] && !ending[id] {
			delete(r.held, id)
			r.driver.Withdraw(id)
			if documents[id] == nil {
				r.view.forget(id)
			}
		}
	}
	slices.Sort(over)
	versions := map[replication.ShardID]int64{}
	for _, id := range over[:min(len(over), forgetAtOnce)] {
		versions[id] = documents[id].Version
	}
	gone, err := shards.Delete(ctx, r.options.Metadata, versions)
	for _, id := range gone {
		r.logger.Info("nothing is left of a shard", "shard", id)
		r.view.forget(id)
	}
	return err
}
