package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Where the numbers are even, what the replicas cost need not be. It wavers, and what is
// moved for it must be worth a copy: so there is a margin, a floor, and a rest after each
// move; and mostly a replica that costs much changes places with one that costs little, by
// which the numbers stay what they are.
const (
	// LoadMargin is by what part of the mean a server must be above it before something is
	// moved for that.
	LoadMargin = 0.2
	// loadGain is the least part of the mean for which a move is worth it.
	loadGain = 0.02
	// MinBytes, MinWrites and MinRequests are what a server must have on the mean before it
	// is balanced: bytes on its disk, writes a second of its replicas, and requests a second
	// of the shards that it leads.
	MinBytes    = 256 << 20
	MinWrites   = 100
	MinRequests = 200
	// loadTries bounds the servers that are looked at on each side.
	loadTries = 4
)

// measure is something that servers are to have equally much of.
type measure struct {
	name string
	// floor is the mean below which nothing is done, mean what each should have.
	floor, mean float64
	at          func(*serverState) float64
	of          func(*shardState) float64
}

// active reports whether there is enough of it to care for.
func (m *measure) active() bool { return m.mean >= m.floor }

// bears reports whether a server may come to have so much, from what it has.
func (m *measure) bears(before, after float64) bool {
	return !m.active() || after <= before || after <= m.mean*(1+LoadMargin/2)
}

func (p *planning) measure(name string, floor float64, at func(*serverState) float64, of func(*shardState) float64) measure {
	m := measure{name: name, floor: floor, at: at, of: of}
	servers := 0
	for i := range p.picture.servers {
		m.mean += at(&p.picture.servers[i])
		if !p.picture.servers[i].leaving {
			servers++
		}
	}
	m.mean /= float64(max(servers, 1))
	return m
}

// weigh evens what the replicas cost.
func (p *planning) weigh() {
	measures := []measure{
		p.measure("bytes", MinBytes, func(s *serverState) float64 { return float64(s.load.Bytes) },
			func(x *shardState) float64 { return float64(x.facts.Load.Bytes) }),
		p.measure("writes a second", MinWrites, func(s *serverState) float64 { return s.load.Writes },
			func(x *shardState) float64 { return x.facts.Load.Writes }),
	}
	for i := range measures {
		p.relieve(&measures[i], noReplicas, func(from, to int) bool {
			return p.roomForMoves(KindLoad, 1) && p.exchangeReplicas(measures, &measures[i], from, to)
		})
	}
}

// relieve lets servers that have too much of something exchange with those that have
// little, for as long as that succeeds.
func (p *planning) relieve(m *measure, no func(*serverState) string, exchange func(from, to int) bool) {
	if !m.active() {
		return
	}
	for p.relieveOnce(m, no, exchange) {
	}
}

func (p *planning) relieveOnce(m *measure, no func(*serverState) string, exchange func(from, to int) bool) bool {
	var most, least []int
	for i := range p.picture.servers {
		s := &p.picture.servers[i]
		switch {
		case !s.leaving && m.at(s) > m.mean*(1+LoadMargin):
			most = append(most, i)
		case no(s) == "" && m.at(s) < m.mean:
			least = append(least, i)
		}
	}
	byLoad := func(a, b int) int { return cmp.Compare(m.at(&p.picture.servers[a]), m.at(&p.picture.servers[b])) }
	slices.SortStableFunc(most, func(a, b int) int { return byLoad(b, a) })
	slices.SortStableFunc(least, byLoad)
	for _, from := range most[:min(len(most), loadTries)] {
		for _, to := range least[:min(len(least), loadTries)] {
			if exchange(from, to) {
				return true
			}
		}
	}
	return false
}

// trade is an exchange: a shard that one server gives, and one that it gets for it; none
// if it gets nothing.
type trade struct {
	gives, gets *shardState
	// moved is how much comes off the one who gives, off by how much that misses the
	// best.
	moved, off float64
}

// bestTrade finds the exchange that comes nearest to what two servers need. Those that
// one gives and gets are shards of one namespace; for nothing is given only what alone
// allows.
func (p *planning) bestTrade(m *measure, from, to int, give, get []*shardState, alone func(*shardState) bool, allowed func(trade) bool) (best trade) {
	has, lacks := m.at(&p.picture.servers[from]), m.at(&p.picture.servers[to])
	goal := min(has-m.mean, m.mean-lacks)
	best.off = math.Inf(1)
	try := func(t trade) {
		t.off = math.Abs(t.moved - goal)
		if t.off < best.off && t.moved >= m.mean*loadGain && m.bears(lacks, lacks+t.moved) && has-t.moved >= m.mean*(1-LoadMargin/2) && allowed(t) {
			best = t
		}
	}
	slices.SortStableFunc(get, func(a, b *shardState) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(m.of(a), m.of(b)))
	})
	for _, x := range give {
		if alone(x) {
			try(trade{gives: x, moved: m.of(x)})
		}
		ideal := m.of(x) - goal
		i, _ := slices.BinarySearchFunc(get, ideal, func(y *shardState, ideal float64) int {
			return cmp.Or(cmp.Compare(y.namespace, x.namespace), cmp.Compare(m.of(y), ideal))
		})
		for _, y := range get[max(0, i-1):min(len(get), i+2)] {
			if y.namespace == x.namespace {
				try(trade{gives: x, gets: y, moved: m.of(x) - m.of(y)})
			}
		}
	}
	return best
}

// exchangeReplicas plans an exchange of replicas between two servers, and reports whether
// there is one.
func (p *planning) exchangeReplicas(all []measure, m *measure, from, to int) bool {
	var give, get []*shardState
	for i := range p.picture.shards {
		x := &p.picture.shards[i]
		there, here := slices.Contains(x.wanted, from), slices.Contains(x.wanted, to)
		if there == here || !p.calm(x) || p.tired(x) || p.spreads(x) {
			continue
		}
		if there && p.mayMove(x, from, to) && p.roomAt(from, 1) && p.roomAt(to, 1) {
			give = append(give, x)
		} else if here && p.picture.servers[from].noReplicas == "" && p.mayMove(x, to, from) {
			get = append(get, x)
		}
	}
	one, other := &p.picture.servers[from], &p.picture.servers[to]
	alone := func(x *shardState) bool {
		return one.replicas > other.replicas && one.replicasOf[x.namespace] > other.replicasOf[x.namespace]
	}
	best := p.bestTrade(m, from, to, give, get, alone, func(t trade) bool {
		for i := range all {
			moved := all[i].of(t.gives)
			if t.gets != nil {
				moved -= all[i].of(t.gets)
			}
			if !all[i].bears(all[i].at(other), all[i].at(other)+moved) || !all[i].bears(all[i].at(one), all[i].at(one)-moved) {
				return false
			}
		}
		return t.gets == nil || p.roomForMoves(KindLoad, 2) && p.roomAt(from, 2) && p.roomAt(to, 2)
	})
	if best.gives == nil {
		return false
	}
	why := fmt.Sprintf("%s has %.3g %s, %s has %.3g, the mean is %.3g", one.Name, m.at(one), m.name, other.Name, m.at(other), m.mean)
	p.move(best.gives, from, to, KindLoad, "%s", why)
	if best.gets != nil {
		p.move(best.gets, to, from, KindLoad, "in exchange for shard %d: %s", best.gives.id, why)
	}
	return true
}
