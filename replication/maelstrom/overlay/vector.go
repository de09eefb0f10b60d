package overlay

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Vector is what a server says of whom it hears.
type Vector struct {
	Origin replication.ServerID `json:"origin"`
	// Version orders the vectors of an origin, over its restarts too.
	Version uint64 `json:"version"`
	// Hears is sorted.
	Hears []replication.ServerID `json:"hears"`
}

// known is a vector of another server, as it was last learned.
type known struct {
	vector Vector
	// fresh is when it last came with a higher version: its origin was alive not
	// long before.
	fresh replication.Instant
}

// Learn takes the vectors of a line that arrived.
func (r *Router) Learn(now replication.Instant, vectors []Vector) {
	for _, v := range vectors {
		switch p := r.peer(v.Origin); {
		case v.Origin == r.self:
			// An earlier run here, whose clock was ahead, is still remembered.
			r.version = max(r.version, v.Version)
		case p == nil || v.Version <= p.known.vector.Version:
		default:
			if !slices.Equal(p.known.vector.Hears, v.Hears) {
				r.changed()
			}
			p.known = known{vector: v, fresh: now}
		}
	}
}

// Gossip returns the vectors to put into a line for a server. It is to be called
// once for each line that is sent, and returns none when that server was told
// lately and nothing changed since.
func (r *Router) Gossip(now replication.Instant, to replication.ServerID) []Vector {
	p := r.peer(to)
	if p == nil {
		return nil
	}
	p.lineAt = now
	if p.toldNews == r.news && now < p.toldAt.Add(r.options.GossipEvery) {
		return nil
	}
	p.toldNews, p.toldAt = r.news, now
	if now >= r.renewed.Add(r.options.GossipEvery) {
		r.version++
		r.renewed = now
	}
	vectors := []Vector{{Origin: r.self, Version: r.version, Hears: r.hears()}}
	for _, other := range r.peers {
		if other.known.vector.Version > 0 && other.id != to {
			vectors = append(vectors, other.known.vector)
		}
	}
	return vectors
}

// hears are the peers that this server hears at present.
func (r *Router) hears() []replication.ServerID {
	heard := []replication.ServerID{}
	for _, p := range r.peers {
		if p.hears {
			heard = append(heard, p.id)
		}
	}
	return heard
}
