package overlay

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Next returns the server to which a message for another one is to be sent: that
// one itself where it hears us as far as is known, or where no way is known.
func (r *Router) Next(now replication.Instant, to replication.ServerID) replication.ServerID {
	target := r.peer(to)
	if target == nil || r.heardBy(now, target, r.self) {
		return to
	}
	// Breadth first from here over "is heard by": the first way found is one of
	// the shortest. Each step keeps the first server on its way.
	type reached struct{ server, first replication.ServerID }
	seen := []replication.ServerID{r.self}
	frontier := []reached{{server: r.self}}
	for len(frontier) > 0 {
		at := frontier[0]
		frontier = frontier[1:]
		for _, p := range r.peers {
			if slices.Contains(seen, p.id) || !r.surelyHeardBy(now, p, at.server) {
				continue
			}
			first := at.first
			if first == "" {
				first = p.id
			}
			if p.id == to {
				return first
			}
			seen = append(seen, p.id)
			frontier = append(frontier, reached{server: p.id, first: first})
		}
	}
	return to
}

// Relay returns where to pass on a message that came from a server for another
// one, and whether to do so at all. Hops is how often it was passed on before. It
// never goes back: whoever sent it knew no better way than over here.
func (r *Router) Relay(now replication.Instant, to, from, origin replication.ServerID, hops int) (replication.ServerID, bool) {
	if hops >= len(r.peers) || to == r.self || r.peer(to) == nil || origin == r.self {
		return "", false
	}
	next := r.Next(now, to)
	if next == from || next == origin {
		next = to
	}
	return next, true
}

// heardBy reports whether a server hears another, as far as is known: who says
// nothing is presumed to hear.
func (r *Router) heardBy(now replication.Instant, by *peer, server replication.ServerID) bool {
	return !r.believed(now, by) || slices.Contains(by.known.vector.Hears, server)
}

// surelyHeardBy is for links of others, which have to be known to be used.
func (r *Router) surelyHeardBy(now replication.Instant, by *peer, server replication.ServerID) bool {
	return r.believed(now, by) && slices.Contains(by.known.vector.Hears, server)
}

func (r *Router) believed(now replication.Instant, p *peer) bool {
	return p.known.vector.Version > 0 && now < p.known.fresh.Add(r.options.FreshFor)
}
