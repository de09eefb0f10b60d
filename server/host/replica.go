package host

import (
	"maps"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Traffic counts what clients had done in a shard here, since the host began.
type Traffic struct {
	// Writes committed and were applied, Reads were confirmed.
	Writes, Reads uint64
}

// Replica returns a picture of a shard's replica, and whether there is one.
func (h *Host) Replica(shard replication.ShardID) (state replication.ReplicaState, found bool) {
	h.ask(func(l *loop) { state, found = l.node.Replica(shard) })
	return state, found
}

// Shards returns the shards of which a replica is here, in order.
func (h *Host) Shards() (ids []replication.ShardID) {
	h.ask(func(l *loop) {
		ids = l.node.Shards()
		maps.DeleteFunc(l.traffic, func(id replication.ShardID, _ *Traffic) bool {
			_, here := slices.BinarySearch(ids, id)
			return !here
		})
	})
	return ids
}

// replicasAtOnce is how many replicas are looked at in one go, between which the loop
// does other things.
const replicasAtOnce = 64

// Replicas tells a picture of each replica of some shards, in their order, with what
// clients did there. Shards of which no replica is here are left out.
func (h *Host) Replicas(shards []replication.ShardID, tell func(replication.ShardID, replication.ReplicaState, Traffic)) {
	type picture struct {
		state   replication.ReplicaState
		traffic Traffic
		found   bool
	}
	pictures := make([]picture, 0, min(len(shards), replicasAtOnce))
	for ids := range slices.Chunk(shards, replicasAtOnce) {
		pictures = pictures[:0]
		answered := h.ask(func(l *loop) {
			for _, id := range ids {
				var p picture
				if p.state, p.found = l.node.Replica(id); p.found {
					p.traffic = l.trafficOf(id)
				}
				pictures = append(pictures, p)
			}
		})
		if !answered {
			return
		}
		for i, p := range pictures {
			if p.found {
				tell(ids[i], p.state, p.traffic)
			}
		}
	}
}

// trafficOf returns what clients did in a shard here.
func (l *loop) trafficOf(shard replication.ShardID) Traffic {
	if t := l.traffic[shard]; t != nil {
		return *t
	}
	return Traffic{}
}

// count takes in that a call was carried out.
func (l *loop) count(c *Call) {
	t := l.traffic[c.shard]
	if t == nil {
		t = &Traffic{}
		l.traffic[c.shard] = t
	}
	if c.kind == replication.RequestWrite {
		t.Writes++
	} else {
		t.Reads++
	}
}
