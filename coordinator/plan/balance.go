package plan

import (
	"cmp"
	"math"
	"slices"
)

// Replicas are balanced by their numbers: in each namespace first, and then in all. A
// number does not waver, so that no margin is needed to keep the balancer from going to
// and fro; what it needs is that nobody gives more than what is above the mean, and nobody
// gets more than what is below. So who once gave never gets back, and the sum of the
// squares falls with each move.

// side tells who is to give replicas, and who to get them, of what is counted.
type side struct {
	count func(server int) int
	// low and high are the mean, rounded down and up.
	low, high int
}

// gives reports whether a server may give one away, and is not below the mean then.
func (b side) gives(server int) bool { return b.count(server) > b.low }

// gets reports whether a server may get one, and is not above the mean then.
func (b side) gets(server int) bool { return b.count(server) < b.high }

// gap is by how much the numbers of two servers differ.
func (b side) gap(from, to int) int { return b.count(from) - b.count(to) }

// sideOf makes the side of what is counted, of which there are so many in all.
func (p *planning) sideOf(all int, count func(server int) int) side {
	servers := 0
	for i := range p.picture.servers {
		if !p.picture.servers[i].leaving {
			servers++
		}
	}
	servers = max(servers, 1)
	return side{count: count, low: all / servers, high: (all + servers - 1) / servers}
}

// level reports whether no move could help: who has most and who may get one differ too
// little.
func (p *planning) level(b side, no func(*serverState) string) bool {
	most, least := 0, math.MaxInt
	for i := range p.picture.servers {
		s := &p.picture.servers[i]
		if s.leaving {
			continue
		}
		most = max(most, b.count(i))
		if no(s) == "" {
			least = min(least, b.count(i))
		}
	}
	return least == math.MaxInt || most-least < 2
}

func noReplicas(s *serverState) string { return s.noReplicas }

// balance evens the numbers of replicas, and reports whether it is through with that. The
// sum waits for the namespaces: what is moved for it would have to be moved again.
func (p *planning) balance() bool {
	all, through := 0, true
	for i := range p.picture.namespaces {
		n := &p.picture.namespaces[i]
		all += n.replicas
		b := p.sideOf(n.replicas, func(s int) int { return p.picture.servers[s].replicasOf[i] })
		through = p.even(b, n.first, n.end, n.name, func(*shardState, int, int) bool { return true }) && through
	}
	if !through {
		return false
	}
	b := p.sideOf(all, func(s int) int { return p.picture.servers[s].replicas })
	// What evens the sum must not make a namespace uneven.
	return p.even(b, 0, len(p.picture.shards), "all namespaces", func(x *shardState, from, to int) bool {
		return p.picture.servers[from].replicasOf[x.namespace] > p.picture.servers[to].replicasOf[x.namespace]
	})
}

// even plans moves of the shards from first to end for as long as one helps. It reports
// false where another will help later, when there is room for it, or shards have rested.
func (p *planning) even(b side, first, end int, of string, allowed func(x *shardState, from, to int) bool) bool {
	for !p.level(b, noReplicas) {
		if !p.roomForMoves(KindBalance, 1) {
			return false
		}
		s := search{planning: p, side: b, allowed: allowed, best: candidate{from: none}}
		s.getters = p.getters(b)
		for i := first; i < end; i++ {
			s.look(i)
		}
		c := &s.best
		if c.from == none {
			return !s.later
		}
		from, to := &p.picture.servers[c.from], &p.picture.servers[c.to]
		p.move(&p.picture.shards[c.shard], c.from, c.to, KindBalance, "%s has %d replicas of %s, %s has %d",
			from.Name, b.count(c.from), of, to.Name, b.count(c.to))
	}
	return true
}

// getters are the servers that may get one.
func (p *planning) getters(b side) []int {
	var all []int
	for i := range p.picture.servers {
		if p.picture.servers[i].noReplicas == "" && b.gets(i) {
			all = append(all, i)
		}
	}
	return all
}

// search looks for the best move.
type search struct {
	*planning
	side    side
	getters []int
	allowed func(x *shardState, from, to int) bool
	best    candidate
	// later says that something may be moved that may not be now.
	later bool
}

// look looks at the moves of a shard.
func (s *search) look(shard int) {
	x := &s.picture.shards[shard]
	if x.changing || x.moving {
		s.later = true
		return
	}
	if !s.calm(x) || s.spreads(x) {
		return
	}
	for _, from := range x.wanted {
		if !s.side.gives(from) {
			continue
		}
		for _, to := range s.getters {
			gap := s.side.gap(from, to)
			if gap < 2 || !s.allowed(x, from, to) || !s.mayMove(x, from, to) {
				continue
			}
			if s.wasMoved(x, from, to) || !s.roomAt(from, 1) || !s.roomAt(to, 1) {
				s.later = true
				continue
			}
			s.best.take(s.candidate(shard, from, to, gap))
		}
	}
}

// calm reports whether the balancer may move a shard: all of it is well, and nothing else
// is to be done with it.
func (p *planning) calm(x *shardState) bool {
	return p.free(x) && len(x.wanted) == p.picture.namespaces[x.namespace].factor && !p.leaves(x) &&
		!slices.ContainsFunc(x.wanted, func(s int) bool { return !p.picture.servers[s].reachable })
}

// spreads reports whether a shard is to be spread better first.
func (p *planning) spreads(x *shardState) bool {
	_, needed := p.spread(x)
	return needed
}

// mayMove reports whether the balancer may move a replica: it must not bring those
// together that are better apart.
func (p *planning) mayMove(x *shardState, from, to int) bool {
	if !p.fits(x, from, to) {
		return false
	}
	relaxed := p.picture.namespaces[x.namespace].relaxed
	return clashes(relaxed, to, x.wanted, from) <= clashes(relaxed, from, x.wanted, from)
}

// wasMoved reports whether a move would undo one that was made only lately, or go on with
// it.
func (p *planning) wasMoved(x *shardState, from, to int) bool {
	return x.changed && (x.change.To == p.picture.servers[from].Name || x.change.From == p.picture.servers[to].Name) && p.rests(x)
}

// candidate is a move that helps.
type candidate struct {
	shard, from, to int
	// gap is by how much the numbers differ, sum by how much those of all namespaces do,
	// and uneven how unequal what they hold would be.
	gap, sum int
	uneven   int64
}

func (p *planning) candidate(shard, from, to, gap int) candidate {
	one, other, bytes := &p.picture.servers[from], &p.picture.servers[to], p.picture.shards[shard].facts.Load.Bytes
	uneven := one.load.Bytes - other.load.Bytes - 2*bytes
	return candidate{shard: shard, from: from, to: to, gap: gap, sum: one.replicas - other.replicas, uneven: max(uneven, -uneven)}
}

// take keeps the better one.
func (c *candidate) take(other candidate) {
	if c.from == none || cmp.Or(-cmp.Compare(c.gap, other.gap), -cmp.Compare(c.sum, other.sum), cmp.Compare(c.uneven, other.uneven)) > 0 {
		*c = other
	}
}
