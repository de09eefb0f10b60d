package overlay

import (
	"cmp"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Options are the times of a router. All servers should use the same.
type Options struct {
	// HeardFor is how long after its last line a peer counts as heard.
	HeardFor time.Duration
	// HelloAfter is after how long without a line to a peer it is owed one. It
	// should be a little more than the time between the owner's own beats, so
	// that these suffice, and well under HeardFor.
	HelloAfter time.Duration
	// GossipEvery is how often a peer is told of vectors that did not change, and
	// the least time between two lines that are sent only because some did.
	GossipEvery time.Duration
	// FreshFor is how long a vector without a successor is believed.
	FreshFor time.Duration
}

// Router is one server's part in the overlay.
type Router struct {
	self    replication.ServerID
	options Options
	peers   []*peer

	// version is that of the own vector, renewed when it last rose.
	version uint64
	renewed replication.Instant
	// news counts the changes of any vector's content.
	news uint64
}

// peer is another server.
type peer struct {
	id replication.ServerID
	// hears is whether it is heard, heardAt when it last was.
	hears   bool
	heardAt replication.Instant
	// lineAt is when a line was last sent to it, toldAt when one with vectors was,
	// and toldNews what it was then told.
	lineAt, toldAt replication.Instant
	toldNews       uint64
	known          known
}

// New returns a router that presumes to hear everybody, until it is proved
// wrong. Version should be above those of the server's earlier runs.
func New(self replication.ServerID, servers []replication.ServerID, version uint64, now replication.Instant, options Options) *Router {
	r := &Router{self: self, options: options, version: version, renewed: now}
	for _, id := range servers {
		if id != self {
			r.peers = append(r.peers, &peer{id: id, hears: true, heardAt: now, lineAt: now, toldAt: now})
		}
	}
	slices.SortFunc(r.peers, func(a, b *peer) int { return cmp.Compare(a.id, b.id) })
	return r
}

// Heard takes note of a line that came directly from a server.
func (r *Router) Heard(now replication.Instant, from replication.ServerID) {
	if p := r.peer(from); p != nil {
		p.heardAt = now
		if !p.hears {
			p.hears = true
			r.changedOwn(now)
		}
	}
}

// Hellos returns the peers that are owed a line, because none was sent to them
// directly for a while or because there is news.
func (r *Router) Hellos(now replication.Instant) []replication.ServerID {
	r.forgetSilent(now)
	var owed []replication.ServerID
	for _, p := range r.peers {
		if now >= r.owedAt(p) {
			owed = append(owed, p.id)
		}
	}
	return owed
}

// Deadline is when Hellos should be asked again.
func (r *Router) Deadline() replication.Instant {
	next := replication.Never
	sooner := func(at replication.Instant) {
		if next == replication.Never || at < next {
			next = at
		}
	}
	for _, p := range r.peers {
		sooner(r.owedAt(p))
		if p.hears {
			sooner(p.heardAt.Add(r.options.HeardFor))
		}
	}
	return next
}

func (r *Router) owedAt(p *peer) replication.Instant {
	at := p.lineAt.Add(r.options.HelloAfter)
	if p.toldNews != r.news {
		at = min(at, p.toldAt.Add(r.options.GossipEvery))
	}
	return at
}

// forgetSilent stops counting as heard whoever was not for too long.
func (r *Router) forgetSilent(now replication.Instant) {
	for _, p := range r.peers {
		if p.hears && now >= p.heardAt.Add(r.options.HeardFor) {
			p.hears = false
			r.changedOwn(now)
		}
	}
}

// changedOwn makes a new version of the own vector.
func (r *Router) changedOwn(now replication.Instant) {
	r.version++
	r.renewed = now
	r.changed()
}

func (r *Router) changed() { r.news++ }

func (r *Router) peer(id replication.ServerID) *peer {
	for _, p := range r.peers {
		if p.id == id {
			return p
		}
	}
	return nil
}
