package failover

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/internal/history"
)

// recorder keeps probes and turns them into a history. Each is a process of its own.
type recorder struct {
	probes []probe // at most half of history.MaxEvents
}

func (r *recorder) add(p probe) {
	if len(r.probes) < history.MaxEvents/2 {
		r.probes = append(r.probes, p)
	}
}

func (r *recorder) events() []history.Event {
	type moment struct {
		at    time.Duration
		event history.Event
	}
	var moments []moment
	for i, p := range r.probes {
		asked := p.value
		if p.f == "read" {
			asked.Value = ""
		}
		e := history.Event{Type: history.Invoke, Process: history.Process(i), Node: p.node, F: p.f, Value: asked, Time: p.began}
		moments = append(moments, moment{p.began, e})
		e.Type, e.Value, e.Error, e.Time = p.outcome, p.value, p.err, p.began+p.took
		moments = append(moments, moment{p.began + p.took, e})
	}
	// Stable: an invocation stays before its completion, whatever the clock says.
	slices.SortStableFunc(moments, func(a, b moment) int { return int(a.at - b.at) })
	var h history.History
	for _, m := range moments {
		h.Add(m.event)
	}
	return h.Events()
}
