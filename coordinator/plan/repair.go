package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// withdraw gives up the changes that do not get on, and counts the others.
func (p *planning) withdraw() {
	for i := range p.picture.shards {
		x := &p.picture.shards[i]
		if !x.changing || x.changed && x.change.Kind == KindRecovery {
			continue
		}
		stuck := p.over(p.progress(x), p.options.StuckAfter)
		lost := p.targetLost(x)
		switch {
		case sameServers(x.wanted, x.have):
			// It was withdrawn, and the core goes back.
			if !stuck && p.quorum(x.have) {
				p.underWay(x)
			}
		case lost != "":
			p.giveUp(x, false, lost)
		case stuck:
			p.giveUp(x, true, fmt.Sprintf("it did not get on for %v", p.options.StuckAfter))
		case p.quorum(x.have):
			p.underWay(x)
		default:
			p.hold(p.nameOf(x), "its change waits for a majority of %s", p.list(x.have))
		}
	}
}

// progress is when a change was last seen to get on.
func (p *planning) progress(x *shardState) time.Time {
	began := time.Time{}
	if x.changed {
		began = p.moment(x.change.Began)
	}
	for _, t := range []time.Time{x.facts.Progress, p.observed.Began} {
		if t.After(began) {
			began = t
		}
	}
	return began
}

// targetLost says why a server that was to be given a replica, and does not vote yet, will
// not get it; nothing if it may.
func (p *planning) targetLost(x *shardState) string {
	if x.joining {
		return ""
	}
	for _, s := range without(x.wanted, x.have) {
		target := &p.picture.servers[s]
		switch {
		case target.leaving:
			return fmt.Sprintf("%s is to hold nothing any more", target.Name)
		case p.away(target.Name, p.options.TargetLost):
			return fmt.Sprintf("%s has been out of reach for %v", target.Name, p.options.TargetLost)
		}
	}
	return ""
}

// giveUp wants a shard again where it is.
func (p *planning) giveUp(x *shardState, aside bool, why string) {
	p.change(x, x.have, Change{
		Shard: x.id, Kind: KindWithdrawal, Began: p.observed.Now.UnixMilli(), Aside: aside,
		Reason: "the change to " + p.list(x.wanted) + " is given up: " + why,
	})
	if x.changing = x.joining; x.joining && p.quorum(x.have) {
		p.underWay(x)
	}
}

func (p *planning) list(servers []int) string {
	text := make([]string, len(servers))
	for i, s := range servers {
		text[i] = string(p.picture.servers[s].Name)
	}
	return strings.Join(text, ", ")
}

func (p *planning) nameOf(x *shardState) string {
	return fmt.Sprintf("shard %d of %s", x.id, p.picture.namespaces[x.namespace].name)
}

// repair is a step that a shard needs, whatever the balance is.
type repair struct {
	out, in int
	reason  string
	obstacle
}

// repairs brings every shard nearer to what it must be, the most urgent first.
func (p *planning) repairs() {
	for _, one := range []struct {
		kind Kind
		find func(*shardState) (repair, bool)
	}{{KindEvacuation, p.evacuation}, {KindFactor, p.factor}, {KindApart, p.apart}, {KindSpread, p.spread}} {
		var obstacles tally
		for i := range p.picture.shards {
			x := &p.picture.shards[i]
			r, needed := one.find(x)
			if !needed || one.kind != KindEvacuation && p.leaves(x) {
				continue
			}
			if !p.begin(x, one.kind, &r) && r.obstacle != noObstacle {
				obstacles.add(p, x, one.kind, &r)
			}
		}
		obstacles.note(p)
	}
}

// begin plans a repair, and reports whether it did.
func (p *planning) begin(x *shardState, kind Kind, r *repair) bool {
	switch {
	case x.changing, x.moving:
		return false
	case !p.free(x):
		r.obstacle = p.busy(x)
	case r.obstacle != noObstacle:
	case kind == KindSpread && !p.calm(x):
		p.hold(p.nameOf(x), "it is not spread better before all of it is well")
	case !p.quorumsHold(x, r.out, r.in):
		r.obstacle = noMajority
	case p.roomForMoves(kind, 1) && p.roomAt(r.out, 1) && p.roomAt(r.in, 1):
		p.move(x, r.out, r.in, kind, "%s", r.reason)
		return true
	default:
		p.picture.repairs++
	}
	return false
}

// evacuation is needed by a shard that has a replica on a server that is to hold none.
func (p *planning) evacuation(x *shardState) (repair, bool) {
	if !p.leaves(x) {
		return repair{}, false
	}
	i := slices.IndexFunc(x.wanted, func(s int) bool { return p.picture.servers[s].leaving })
	r := repair{out: x.wanted[i], in: none}
	from := &p.picture.servers[r.out]
	r.reason = fmt.Sprintf("%s: %s", from.Name, from.noReplicas)
	if len(x.wanted) <= p.picture.namespaces[x.namespace].factor {
		p.choose(x, &r)
	}
	return r, true
}

// leaves reports whether a shard has a replica on a server that is to hold none.
func (p *planning) leaves(x *shardState) bool {
	return slices.ContainsFunc(x.wanted, func(s int) bool { return p.picture.servers[s].leaving })
}

// factor is needed by a shard that has too few replicas, or too many.
func (p *planning) factor(x *shardState) (repair, bool) {
	factor := p.picture.namespaces[x.namespace].factor
	r := repair{out: none, in: none, reason: fmt.Sprintf("it has %d replicas, and is to have %d", len(x.wanted), factor)}
	switch {
	case len(x.wanted) < factor:
		p.choose(x, &r)
	case len(x.wanted) > factor:
		r.out = p.worst(x)
	default:
		return r, false
	}
	return r, true
}

// apart is needed by a shard of which a strict anti-affinity keeps two servers apart.
func (p *planning) apart(x *shardState) (repair, bool) {
	rules := p.picture.namespaces[x.namespace].strict
	out, most := p.mostClashing(x, rules)
	if most == 0 {
		return repair{}, false
	}
	r := repair{out: out, in: none, reason: fmt.Sprintf("%s agrees with another server of it in labels (%s)",
		p.picture.servers[out].Name, labelsOf(rules))}
	p.choose(x, &r)
	return r, true
}

// spread is wished for by a shard whose servers have more in common than they need.
func (p *planning) spread(x *shardState) (repair, bool) {
	rules := p.picture.namespaces[x.namespace].relaxed
	out, most := p.mostClashing(x, rules)
	if most == 0 {
		return repair{}, false
	}
	r := repair{out: out, in: none}
	p.choose(x, &r)
	if r.in == none || clashes(rules, r.in, x.wanted, out) >= most {
		return repair{}, false
	}
	r.reason = fmt.Sprintf("%s agrees with %d other servers of it in labels (%s), %s with %d",
		p.picture.servers[out].Name, most, labelsOf(rules), p.picture.servers[r.in].Name, clashes(rules, r.in, x.wanted, out))
	return r, true
}

// mostClashing is the server of an ensemble that clashes with the most others, and of
// those the fullest.
func (p *planning) mostClashing(x *shardState, rules []rule) (server, most int) {
	server = none
	for _, s := range x.wanted {
		if n := clashes(rules, s, x.wanted, none); n > most || n == most && n > 0 && p.fuller(x, s, server) > 0 {
			server, most = s, n
		}
	}
	return server, most
}

// fuller compares how many replicas two servers have, of a shard's namespace first.
func (p *planning) fuller(x *shardState, a, b int) int {
	one, other := &p.picture.servers[a], &p.picture.servers[b]
	return cmp.Or(cmp.Compare(one.replicasOf[x.namespace], other.replicasOf[x.namespace]), cmp.Compare(one.replicas, other.replicas))
}

// choose finds the server that a replica is to go to.
func (p *planning) choose(x *shardState, r *repair) {
	n := &p.picture.namespaces[x.namespace]
	best := none
	for s := range p.picture.servers {
		if p.fits(x, r.out, s) && (best == none || p.better(x, n, r.out, s, best)) {
			best = s
		}
	}
	if r.in = best; best == none {
		r.obstacle = noServer
	}
}

// fits reports whether a server may be given a replica of a shard, in the place of
// another's.
func (p *planning) fits(x *shardState, out, in int) bool {
	return p.picture.servers[in].noReplicas == "" && !slices.Contains(x.wanted, in) &&
		clashes(p.picture.namespaces[x.namespace].strict, in, x.wanted, out) == 0
}

// better reports whether a server is a better place for a replica than another.
func (p *planning) better(x *shardState, n *namespaceState, out, a, b int) bool {
	return cmp.Or(
		cmp.Compare(clashes(n.relaxed, a, x.wanted, out), clashes(n.relaxed, b, x.wanted, out)),
		p.fuller(x, a, b),
		cmp.Compare(p.picture.servers[a].load.Bytes, p.picture.servers[b].load.Bytes)) < 0
}

// worst is the server that an ensemble is to lose.
func (p *planning) worst(x *shardState) int {
	n := &p.picture.namespaces[x.namespace]
	return slices.MaxFunc(x.wanted, func(a, b int) int {
		return cmp.Or(
			order(!p.picture.servers[a].reachable, !p.picture.servers[b].reachable),
			cmp.Compare(clashes(n.strict, a, x.wanted, none), clashes(n.strict, b, x.wanted, none)),
			cmp.Compare(clashes(n.relaxed, a, x.wanted, none), clashes(n.relaxed, b, x.wanted, none)),
			p.fuller(x, a, b),
			order(a != x.leader, b != x.leader))
	})
}
