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
		p := r.peer(v.Origin)
		switch {
		case v.Origin == r.self && v.Version > r.version:
			// An earlier run here, whose clock was ahead, is still remembered.
			r.version = v.Version
			r.changedOwn(now)
		case p == nil || v.Version <= p.known.vector.Version:
		default:
			if !slices.Equal(r.presumed(p), v.Hears) {
				r.changed()
			}
			p.known = known{vector: v, fresh: now}
		}
	}
}

// presumed is whom a server hears as far as is known: everybody, while it has not
// said anything.
func (r *Router) presumed(p *peer) []replication.ServerID {
	if p.known.vector.Version > 0 {
		return p.known.vector.Hears
	}
	everybody := []replication.ServerID{r.self}
	for _, other := range r.peers {
		if other != p {
			everybody = append(everybody, other.id)
		}
	}
	slices.Sort(everybody)
	return everybody
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
		// Its own too: it may have been started anew, with a lower version.
		if other.known.vector.Version > 0 {
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
