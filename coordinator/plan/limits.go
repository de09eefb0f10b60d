package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// gentle are the kinds that the balancer begins by itself, and that are limited by
// their number in some time.
var gentle = []Kind{KindSpread, KindBalance, KindLoad}

// hold takes note of something that is not done yet, because of a limit or a wait.
func (p *planning) hold(about, format string, args ...any) {
	note := Note{About: about, Reason: fmt.Sprintf(format, args...)}
	if !slices.Contains(p.held, note) && len(p.held) < MaxExplained {
		p.held = append(p.held, note)
	}
}

// roomForMoves reports whether some further changes may be under way.
func (p *planning) roomForMoves(kind Kind, moves int) bool {
	if p.picture.changes+moves > p.options.Changes {
		p.hold("moves of replicas", "%d shards change already, of at most %d at a time", p.picture.changes, p.options.Changes)
		return false
	}
	if begun := p.begunLately(); slices.Contains(gentle, kind) && begun+moves > p.options.MovesPerInterval {
		p.hold("moves of replicas", "the balancer began %d in %v, of at most %d", begun, p.options.Interval, p.options.MovesPerInterval)
		return false
	}
	return true
}

// roomAt reports whether some further changes may concern a server.
func (p *planning) roomAt(server, moves int) bool {
	if server == none {
		return true
	}
	s := &p.picture.servers[server]
	full := s.changes+moves > p.options.ChangesPerServer
	s.held = s.held || full
	return !full
}

// begunLately counts what the balancer began within the interval.
func (p *planning) begunLately() int {
	count := 0
	for i := range p.status.Changes {
		c := &p.status.Changes[i]
		if slices.Contains(gentle, c.Kind) && !p.over(p.moment(c.Began), p.options.Interval) {
			count++
		}
	}
	return count
}

// moment is a moment that was stored. One that another coordinator's clock put into the
// future is taken for now, lest it hold something up for longer than it should.
func (p *planning) moment(stored int64) time.Time {
	if t := time.UnixMilli(stored); t.Before(p.observed.Now) {
		return t
	}
	return p.observed.Now
}

// aside reports whether a shard is left alone, because its last change was given up.
func (p *planning) aside(x *shardState) bool {
	return x.changed && x.change.Aside && !p.over(p.moment(x.change.Began), p.options.Quarantine)
}

// rests reports whether a shard was changed lately.
func (p *planning) rests(x *shardState) bool {
	return x.changed && !p.over(p.moment(x.change.Began), p.options.Rest)
}

// tired reports whether a shard was changed so lately that its load is no reason to
// change it again.
func (p *planning) tired(x *shardState) bool {
	return p.rests(x) || x.changed && x.change.Kind == KindLoad && !p.over(p.moment(x.change.Began), p.options.LoadRest)
}

// quorum reports whether a majority of an ensemble is within reach.
func (p *planning) quorum(ensemble []int) bool {
	reached := 0
	for _, s := range ensemble {
		if p.picture.servers[s].reachable {
			reached++
		}
	}
	return reached > len(ensemble)/2
}

// free reports whether a shard may be changed now: nothing is under way, it is led, and
// it was not set aside.
func (p *planning) free(x *shardState) bool {
	return !x.changing && !x.moving && x.leader != none && x.begun && !p.aside(x)
}

// replaced is an ensemble with one server in another's place; with none of them, it is
// shorter or longer by one.
func replaced(ensemble []int, out, in int) []int {
	next := make([]int, 0, len(ensemble)+1)
	for _, s := range ensemble {
		switch {
		case s != out:
			next = append(next, s)
		case in != none:
			next = append(next, in)
		}
	}
	if out == none {
		next = append(next, in)
	}
	return next
}

// move changes where a shard's replicas are wanted.
func (p *planning) move(x *shardState, out, in int, kind Kind, format string, args ...any) {
	c := Change{Shard: x.id, Kind: kind, Reason: fmt.Sprintf(format, args...), Began: p.observed.Now.UnixMilli()}
	if out != none {
		c.From = p.picture.servers[out].Name
	}
	if in != none {
		c.To = p.picture.servers[in].Name
	}
	p.change(x, replaced(x.wanted, out, in), c)
	x.changing = true
	p.underWay(x)
}

// change takes another ensemble into the picture, and does what brings it about.
func (p *planning) change(x *shardState, wanted []int, c Change) {
	for _, s := range x.wanted {
		p.picture.count(x, s, -1)
	}
	for _, s := range wanted {
		p.picture.count(x, s, 1)
	}
	x.wanted, x.change, x.changed = wanted, c, true
	ensemble := make([]replication.ServerID, len(wanted))
	for i, s := range wanted {
		ensemble[i] = p.picture.servers[s].Name
	}
	p.do(SetEnsemble{Ensemble: ensemble, Change: c})
}

// underWay counts a change that is.
func (p *planning) underWay(x *shardState) {
	p.picture.changes++
	if kind := x.change.Kind; kind != KindBalance && kind != KindLoad {
		p.picture.repairs++
	}
	for _, servers := range [][]int{without(x.wanted, x.have), without(x.have, x.wanted)} {
		for _, s := range servers {
			p.picture.servers[s].changes++
		}
	}
}

// quorumsHold reports whether a change leaves a majority within reach, of those who
// decide now and of those who are to.
func (p *planning) quorumsHold(x *shardState, out, in int) bool {
	return p.quorum(x.have) && p.quorum(replaced(x.wanted, out, in))
}
