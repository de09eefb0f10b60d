package explore

import (
	"slices"
	"time"
)

// Limits end an exploration early. Zero means none.
type Limits struct {
	States int
	Depth  int
	Time   time.Duration
}

// level is the states of one depth, one after the other.
type level struct {
	words []uint32
	ends  []int
}

func (l *level) add(words []uint32) {
	l.words = append(l.words, words...)
	l.ends = append(l.ends, len(l.words))
}

// Explore finds every state, nearest first, until one breaks a law.
func (x *Explorer) Explore(limits Limits, progress func(Report)) Report {
	began := time.Now()
	report := Report{Name: x.config.Name, States: 1}
	known := newSeen()
	var words []uint32
	words = x.start.encode(words[:0])
	known.add(hash(words))
	x.steps = append(x.steps[:0], step{})
	frontier := &level{}
	frontier.add(words)
	first := 0
	done := func() Report {
		report.Took, report.Locals = time.Since(began), len(x.servers.things)
		return report
	}
	for len(frontier.ends) > 0 {
		next := &level{}
		var from uint32
		take := func(a action, to *world, broken string) {
			if report.Broken != "" {
				return
			}
			report.Transitions++
			if broken != "" {
				report.Broken = broken
				x.steps = append(x.steps, step{from, a})
				return
			}
			words = to.encode(words[:0])
			if known.add(hash(words)) {
				x.steps = append(x.steps, step{from, a})
				next.add(words)
			}
		}
		var w world
		begin := 0
		for i, end := range frontier.ends {
			decode(frontier.words[begin:end], &w)
			begin = end
			from = uint32(first + i)
			x.expand(&w, take)
			report.States = known.count
			if report.Broken != "" {
				report.Depth++
				report.Script = x.tell(x.path(uint32(len(x.steps) - 1)))
				return done()
			}
			if limits.States > 0 && known.count >= limits.States || limits.Time > 0 && i%1024 == 0 && time.Since(began) > limits.Time {
				return done()
			}
		}
		first += len(frontier.ends)
		frontier = next
		if len(next.ends) > 0 {
			report.Depth++
		}
		if progress != nil {
			progress(done())
		}
		if limits.Depth > 0 && report.Depth >= limits.Depth {
			return done()
		}
	}
	report.Exhausted = true
	return done()
}

// path is the actions that lead to a state.
func (x *Explorer) path(state uint32) []action {
	var path []action
	for ; state != 0; state = x.steps[state].from {
		path = append(path, x.steps[state].action)
	}
	slices.Reverse(path)
	return path
}
