package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// placement spreads the replicas of one new namespace over the servers, those which
// have the fewest first.
type placement struct {
	*planning
	factor          int
	strict, relaxed []rule
	// able are the servers that may hold some, with what they were given of this one.
	able []place
}

// place is a server that may be given replicas.
type place struct {
	server int
	// away says that it has been out of reach for long: it is chosen where nobody else
	// can be.
	away bool
	// here are its replicas of the new namespace, first those of them that lead first.
	here, first int
}

func (p *planning) newPlacement(wanted *api.Namespace) *placement {
	placed := &placement{planning: p, factor: int(wanted.GetReplicationFactor())}
	placed.strict, placed.relaxed = p.rulesOf(wanted.GetName())
	for i := range p.picture.servers {
		if s := &p.picture.servers[i]; !s.leaving {
			placed.able = append(placed.able, place{server: i, away: p.away(s.Name, p.options.LongAway)})
		}
	}
	return placed
}

// ensemble returns the servers of the next shard, the one to lead first, or what is
// missing for it.
func (p *placement) ensemble() ([]replication.ServerID, string) {
	var chosen []int
	for len(chosen) < p.factor {
		best := none
		for i := range p.able {
			if p.fits(i, chosen) && (best == none || p.compare(i, best, chosen) < 0) {
				best = i
			}
		}
		if best == none {
			return nil, p.missing(len(chosen))
		}
		chosen = append(chosen, p.able[best].server)
		p.able[best].here++
		p.picture.servers[p.able[best].server].replicas++
	}
	ensemble := []replication.ServerID{p.leadFirst(chosen)}
	for _, s := range chosen {
		if name := p.picture.servers[s].Name; name != ensemble[0] {
			ensemble = append(ensemble, name)
		}
	}
	return ensemble, ""
}

// leadFirst chooses who is to lead first: elections that begin together choose the first
// of an ensemble.
func (p *placement) leadFirst(chosen []int) replication.ServerID {
	best := none
	for i := range p.able {
		if slices.Contains(chosen, p.able[i].server) && (best == none || p.compareLeads(i, best) < 0) {
			best = i
		}
	}
	s := &p.picture.servers[p.able[best].server]
	p.able[best].first++
	s.leaders++
	return s.Name
}

func (p *placement) fits(i int, chosen []int) bool {
	server := p.able[i].server
	return !slices.Contains(chosen, server) && clashes(p.strict, server, chosen, none) == 0
}

func (p *placement) compare(i, j int, chosen []int) int {
	a, b := p.able[i], p.able[j]
	return cmp.Or(
		order(a.away, b.away),
		cmp.Compare(clashes(p.relaxed, a.server, chosen, none), clashes(p.relaxed, b.server, chosen, none)),
		cmp.Compare(a.here, b.here),
		cmp.Compare(p.picture.servers[a.server].replicas, p.picture.servers[b.server].replicas))
}

func (p *placement) compareLeads(i, j int) int {
	a, b := p.able[i], p.able[j]
	return cmp.Or(
		order(a.away, b.away),
		cmp.Compare(a.first, b.first),
		cmp.Compare(p.picture.servers[a.server].leaders, p.picture.servers[b.server].leaders))
}

// missing says why there is no server for one more replica.
func (p *placement) missing(chosen int) string {
	if len(p.able) < p.factor {
		return fmt.Sprintf("it needs %d servers, and there are %d that are to hold replicas: add servers, or lower its replicationFactor",
			p.factor, len(p.able))
	}
	return fmt.Sprintf("its anti-affinity (%s, strict) leaves servers for %d of %d replicas: label more servers apart, or make it relaxed",
		labelsOf(p.strict), chosen, p.factor)
}

// order compares two conditions: one that does not hold comes first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
