package trace

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Behaviour is a trace as the specification's actions.
type Behaviour struct {
	Name  string
	Steps []Step
	// Lines is how many lines of the trace the steps stand for; those in which
	// nothing was done, sent or changed have no step of their own.
	Lines int

	members, made, first value
	version              int64
	coordinators         int
	replicas             []string
	terms, writes        int
}

// Step is one action, with its parameters and what was seen after it.
type Step struct {
	// Line is the line of the trace, from 1.
	Line int
	// Action is the name in Trace.tla, fields the record of all else.
	Action string
	fields []field
}

// converter goes through a trace line by line.
type converter struct {
	names    *names
	calls    *calls
	line     int
	steps    []Step
	replicas map[replication.Member]*replicaTrack
	// here is the replica of each server, and runs the run in which it is.
	here map[replication.ServerID]*replicaTrack
	runs map[replication.ServerID]replication.RunID
	// phases are what elections showed last.
	phases map[runKey]string
	// hands are what scripts sent in the place of a coordinator.
	hands map[value]bool
	reads int
}

// Convert turns the first lines of a trace, at most most of them, into a
// behaviour. All of the trace is read for what it tells of those.
func Convert(name string, lines []Line, most int) (*Behaviour, error) {
	c := &converter{
		names: newNames(), calls: findCalls(lines), replicas: map[replication.Member]*replicaTrack{},
		here: map[replication.ServerID]*replicaTrack{}, runs: map[replication.ServerID]replication.RunID{},
		phases: map[runKey]string{}, hands: map[value]bool{},
	}
	for _, made := range c.calls.all {
		if made.phase == "claiming" {
			c.names.owners[made.doc.Term] = made.by
		}
	}
	b := &Behaviour{Name: name, Lines: min(len(lines), most), version: c.calls.first}
	b.describe(lines, c.calls)
	for i := range lines[:b.Lines] {
		c.line = i
		if err := c.take(&lines[i]); err != nil {
			return nil, fmt.Errorf("trace: %s, line %d: %w", name, i+1, err)
		}
	}
	b.Steps, b.coordinators = c.steps, len(c.names.coordinators)
	b.terms, b.writes = int(c.names.highest), c.names.proposals
	return b, nil
}

// describe finds who there is: all members that the trace ever mentions, those
// that were made before it, and the first ensemble.
func (b *Behaviour) describe(lines []Line, calls *calls) {
	var all, made []replication.Member
	begun := map[replication.ServerID]bool{}
	add := func(m replication.Member) {
		if m.Replica != 0 && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	for _, l := range lines {
		switch {
		case l.Opened != nil:
			m := replication.Member{Server: l.Server, Replica: l.Opened.Replica}
			add(m)
			if !begun[l.Server] && m.Replica != 0 {
				made = append(made, m)
			}
			begun[l.Server] = true
		case l.Replica != nil:
			add(l.Replica.Member)
		case l.Effects.Store != nil:
			for _, m := range l.Effects.Store.Members() {
				add(m.Member)
			}
		}
	}
	first := all
	if won := calls.winners[calls.first+1]; won != nil {
		first = nil
		for _, m := range won.doc.Ensemble {
			first = append(first, m.Member)
		}
	}
	b.members, b.made, b.first = members(all), members(made), members(first)
	for _, m := range all {
		b.replicas = append(b.replicas, memberName(m))
	}
}

// take converts one line.
func (c *converter) take(l *Line) error {
	switch {
	case l.Opened != nil:
		return c.open(l)
	case l.Replica != nil:
		return c.replicaStep(l)
	}
	return c.electionStep(l)
}

// emit adds an action after which nothing is looked at.
func (c *converter) emit(action string, fields ...field) {
	fields = append(fields, field{"hand", "0"}, field{"see", text("none")})
	c.steps = append(c.steps, Step{Line: c.line + 1, Action: action, fields: fields})
}

// seen adds what was seen after the last action.
func (c *converter) seen(kind string, fields ...field) {
	last := &c.steps[len(c.steps)-1]
	last.fields[len(last.fields)-1] = field{"see", text(kind)}
	last.fields = append(last.fields, fields...)
}

// handOver says up to where the last action handed entries over.
func (c *converter) handOver(to replication.Offset) {
	last := &c.steps[len(c.steps)-1]
	i := slices.IndexFunc(last.fields, func(f field) bool { return f.name == "hand" })
	last.fields[i].value = number(to)
}

// render is the record that the step is in TraceData.
func (s Step) render() value {
	return record(append([]field{{"a", text(s.Action)}}, s.fields...)...)
}

func (s Step) String() string { return string(s.render()) }
