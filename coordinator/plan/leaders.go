package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// leadership moves leaderships: off servers that are to hold nothing, and then so that all
// lead equally many, of each namespace and in all, and those equally busy.
func (p *planning) leadership() {
	p.leave()
	if waiting := p.leaderless(); waiting > 1+len(p.picture.shards)/leaderlessPart {
		p.hold("leaderships", "%d shards have no leader: they come first", waiting)
		return
	}
	all := 0
	for i := range p.picture.namespaces {
		n := &p.picture.namespaces[i]
		all += n.leaders
		b := p.sideOf(n.leaders, func(s int) int { return p.picture.servers[s].leadersOf[i] })
		p.evenLeaders(b, n.first, n.end, n.name, func(*shardState, int) bool { return true })
	}
	b := p.sideOf(all, func(s int) int { return p.picture.servers[s].leaders })
	p.evenLeaders(b, 0, len(p.picture.shards), "all namespaces", func(x *shardState, to int) bool {
		return p.picture.servers[x.leader].leadersOf[x.namespace] > p.picture.servers[to].leadersOf[x.namespace]
	})
	p.weighLeaders()
}

// leaderlessPart is the part of the shards that may be without a leader while leaderships
// are balanced. Where more are, elections are under way, and the balance is not known.
const leaderlessPart = 20

// leaderless counts the shards that have no leader.
func (p *planning) leaderless() int {
	count := 0
	for i := range p.picture.shards {
		if p.picture.shards[i].leader == none {
			count++
		}
	}
	return count
}

// leave moves the leaderships of servers that are to hold nothing.
func (p *planning) leave() {
	for i := range p.picture.shards {
		x := &p.picture.shards[i]
		if x.leader == none || !p.picture.servers[x.leader].leaving || !p.steady(x) {
			continue
		}
		best := none
		failed := p.picture.number[p.observed.Transfers[x.id].To]
		_, tried := p.observed.Transfers[x.id]
		for _, s := range x.wanted {
			if !p.mayLead(x, s) {
				continue
			}
			if best == none || p.leadsLess(x, s, best) && !(tried && s == failed) || tried && best == failed {
				best = s
			}
		}
		if best == none {
			p.hold(p.nameOf(x), "no other server can lead it instead of %s", p.picture.servers[x.leader].Name)
			continue
		}
		if !p.roomForTransfers(KindEvacuation, 1) {
			return
		}
		from := &p.picture.servers[x.leader]
		p.transfer(x, best, KindEvacuation, "%s: %s", from.Name, from.noReplicas)
	}
}

// leadsLess reports whether a server leads less than another.
func (p *planning) leadsLess(x *shardState, a, b int) bool {
	one, other := &p.picture.servers[a], &p.picture.servers[b]
	return cmp.Or(cmp.Compare(one.leadersOf[x.namespace], other.leadersOf[x.namespace]), cmp.Compare(one.leaders, other.leaders)) < 0
}

// steady reports whether the leadership of a shard can be moved now.
func (p *planning) steady(x *shardState) bool { return x.begun && !x.changing && !x.moving }

// settled reports whether the balancer may move the leadership of a shard. One that was
// moved lately is left alone: also where it did not come to be, lest it be tried for
// ever.
func (p *planning) settled(x *shardState) bool {
	if x.leader == none || !p.steady(x) {
		return false
	}
	last, moved := p.observed.Transfers[x.id]
	return !moved || p.over(last.At, p.options.Quarantine)
}

// mayLead reports whether a server may be made the leader of a shard.
func (p *planning) mayLead(x *shardState, server int) bool {
	return server != x.leader && slices.Contains(x.have, server) && slices.Contains(x.wanted, server) &&
		p.picture.servers[server].noLeaders == "" && !slices.Contains(x.unfit, server)
}

// roomForTransfers reports whether some further leaderships may move.
func (p *planning) roomForTransfers(kind Kind, transfers int) bool {
	if p.picture.transfers+transfers > p.options.Transfers {
		p.hold("leaderships", "%d move already, of at most %d at a time", p.picture.transfers, p.options.Transfers)
		return false
	}
	if begun := p.transferredLately(); kind != KindEvacuation && begun+transfers > p.options.TransfersPerInterval {
		p.hold("leaderships", "%d began to move in %v, of at most %d", begun, p.options.Interval, p.options.TransfersPerInterval)
		return false
	}
	return true
}

// transferredLately counts the transfers within the interval.
func (p *planning) transferredLately() int {
	count := p.begunTransfers
	for _, t := range p.observed.Transfers {
		if !p.over(t.At, p.options.Interval) {
			count++
		}
	}
	return count
}

// transfer moves a leadership.
func (p *planning) transfer(x *shardState, to int, kind Kind, format string, args ...any) {
	p.do(TransferLeader{
		Shard: x.id, From: p.picture.servers[x.leader].Name, To: p.picture.servers[to].Name,
		Kind: kind, Reason: fmt.Sprintf(format, args...),
	})
	p.picture.lead(x, to)
	x.moving = true
	p.picture.transfers++
	p.begunTransfers++
}

func noLeaders(s *serverState) string { return s.noLeaders }

// evenLeaders plans transfers of the shards from first to end for as long as some help. Two
// servers that share no shard may be helped by way of others, each of which gets one
// leadership and gives another.
func (p *planning) evenLeaders(b side, first, end int, of string, allowed func(x *shardState, to int) bool) {
	for !p.level(b, noLeaders) {
		path := p.leaderPath(b, p.leaderSteps(first, end, allowed))
		if path == nil || !p.roomForTransfers(KindBalance, len(path)) {
			return
		}
		from, to := path[0].from, path[len(path)-1].to
		reason := fmt.Sprintf("%s leads %d shards of %s, %s leads %d", p.picture.servers[from].Name, b.count(from), of,
			p.picture.servers[to].Name, b.count(to))
		for _, s := range path {
			p.transfer(s.shard, s.to, KindBalance, "%s", reason)
		}
	}
}

// step is a leadership that may move.
type step struct {
	from, to int
	shard    *shardState
}

// leaderSteps are, for each server, the steps to others that may be made with one of its
// leaderships.
func (p *planning) leaderSteps(first, end int, allowed func(x *shardState, to int) bool) [][]step {
	steps := make([][]step, len(p.picture.servers))
	for i := first; i < end; i++ {
		x := &p.picture.shards[i]
		if x.leader == none || len(x.wanted) < 2 {
			continue
		}
		of := steps[x.leader]
		if len(of) == len(p.picture.servers)-1 || !p.settled(x) {
			continue
		}
		for _, s := range x.wanted {
			if p.mayLead(x, s) && allowed(x, s) && !slices.ContainsFunc(of, func(one step) bool { return one.to == s }) {
				of = append(of, step{from: x.leader, to: s, shard: x})
			}
		}
		steps[x.leader] = of
	}
	return steps
}

// leaderPath finds the shortest way from a server that leads most to one that leads
// fewer by two; none if there is no way.
func (p *planning) leaderPath(b side, steps [][]step) []step {
	sources := make([]int, len(p.picture.servers))
	for i := range sources {
		sources[i] = i
	}
	slices.SortStableFunc(sources, func(x, y int) int { return cmp.Compare(b.count(y), b.count(x)) })
	for _, source := range sources {
		if path := pathFrom(source, steps, func(to int) bool { return b.count(source)-b.count(to) >= 2 }); path != nil {
			return path
		}
	}
	return nil
}

// pathFrom finds the shortest way from a server to one that will do.
func pathFrom(source int, steps [][]step, will func(to int) bool) []step {
	came := make([]*step, len(steps))
	queue := []int{source}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for i := range steps[at] {
			s := &steps[at][i]
			if s.to == source || came[s.to] != nil {
				continue
			}
			came[s.to] = s
			if !will(s.to) {
				queue = append(queue, s.to)
				continue
			}
			var path []step
			for one := s; ; one = came[one.from] {
				path = append(path, *one)
				if one.from == source {
					slices.Reverse(path)
					return path
				}
			}
		}
	}
	return nil
}

// weighLeaders evens how busy the servers are with what they lead.
func (p *planning) weighLeaders() {
	busy := make([]float64, len(p.picture.servers))
	of := func(x *shardState) float64 { return x.facts.Load.Writes + x.facts.Load.Reads }
	for i := range p.picture.shards {
		if x := &p.picture.shards[i]; x.leader != none {
			busy[x.leader] += of(x)
		}
	}
	at := func(s *serverState) float64 { return busy[p.picture.number[s.Name]] }
	m := p.measure("requests a second", MinRequests, at, of)
	p.relieve(&m, noLeaders, func(from, to int) bool {
		if !p.roomForTransfers(KindLoad, 1) {
			return false
		}
		moved := p.exchangeLeaders(&m, from, to)
		busy[from] -= moved
		busy[to] += moved
		return moved > 0
	})
}

// exchangeLeaders plans an exchange of leaderships between two servers, and returns by how
// much the one gets less busy; zero if there is none.
func (p *planning) exchangeLeaders(m *measure, from, to int) float64 {
	var give, get []*shardState
	for i := range p.picture.shards {
		x := &p.picture.shards[i]
		switch {
		case x.leader == from && p.mayLead(x, to) && p.settled(x):
			give = append(give, x)
		case x.leader == to && p.mayLead(x, from) && p.settled(x):
			get = append(get, x)
		}
	}
	one, other := &p.picture.servers[from], &p.picture.servers[to]
	alone := func(x *shardState) bool {
		return one.leaders > other.leaders && one.leadersOf[x.namespace] > other.leadersOf[x.namespace]
	}
	best := p.bestTrade(m, from, to, give, get, alone, func(t trade) bool {
		return t.gets == nil || p.roomForTransfers(KindLoad, 2)
	})
	if best.gives == nil {
		return 0
	}
	why := fmt.Sprintf("%s serves %.3g %s, %s serves %.3g, the mean is %.3g", one.Name, m.at(one), m.name, other.Name, m.at(other), m.mean)
	p.transfer(best.gives, to, KindLoad, "%s", why)
	if best.gets != nil {
		p.transfer(best.gets, from, KindLoad, "in exchange for shard %d: %s", best.gives.id, why)
	}
	return best.moved
}
