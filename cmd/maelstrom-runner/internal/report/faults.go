package report

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/trial"
	"github.com/ostraka-db/ostraka/internal/history"
)

// Fault is one thing the nemesis did, and the longest time without a successful write
// until the next one.
type Fault struct {
	AtMS     float64 `json:"at_ms"`
	What     string  `json:"what"`
	OutageMS float64 `json:"outage_ms"`
}

// Recovery is the end of all faults.
type Recovery struct {
	AtMS float64 `json:"at_ms"`
	// Nodes maps each node to the time until its first success.
	Nodes map[string]float64 `json:"nodes_ms"`
	// WorstMS is the largest of them, ClientsMS that of all clients.
	WorstMS   float64 `json:"worst_ms"`
	ClientsMS float64 `json:"worst_client_ms"`
	// Asked maps each node to the time until it was first asked for anything.
	Asked map[string]float64 `json:"asked_ms"`
	// Silent are the nodes, and SilentClients the number of clients, that had no success
	// before the next fault or the end of the run, WindowMS later.
	Silent        []string `json:"silent,omitempty"`
	SilentClients int      `json:"silent_clients,omitempty"`
	WindowMS      float64  `json:"window_ms"`
}

// Setting is what must be known of a run to tell who recovered.
type Setting struct {
	Nodes   []string
	Threads int
	Writes  []string // functions that change state
	End     time.Duration
}

// CountFaults fills in outages and recoveries.
func (r *Results) CountFaults(events []history.Event, set Setting) {
	marks := faultMarks(events)
	for i, m := range marks {
		until := set.End
		for _, later := range marks[i+1:] {
			if later.hurts {
				until = later.at
				break
			}
		}
		if m.hurts {
			r.Faults = append(r.Faults, Fault{
				AtMS: millis(m.at), What: m.what, OutageMS: millis(longestGap(events, set.Writes, m.at, until)),
			})
		} else if m.allWell {
			r.Recoveries = append(r.Recoveries, recovery(events, set, m.at, until))
		}
	}
}

// mark is a moment at which a fault begins, or is cured.
type mark struct {
	at      time.Duration
	what    string
	hurts   bool
	allWell bool // a cure after which no fault remains
}

func faultMarks(events []history.Event) []mark {
	var marks []mark
	ailing := make(map[nemesis.Action]bool) // by the action that cures it
	for _, e := range events {
		f, ok := e.Value.(trial.Fault)
		if !ok || f.Done {
			continue
		}
		switch {
		case f.Do.Cures():
			if ailing[f.Do] {
				delete(ailing, f.Do)
				marks = append(marks, mark{at: e.Time, what: f.Step.String(), allWell: len(ailing) == 0})
			}
		case f.Step.Touches():
			ailing[f.Do.Cure()] = true
			marks = append(marks, mark{at: e.Time, what: f.Step.String(), hurts: true})
		}
	}
	return marks
}

func longestGap(events []history.Event, writes []string, from, until time.Duration) time.Duration {
	last, longest := from, time.Duration(0)
	for _, e := range events {
		if e.Type != history.OK || e.Time < from || e.Time > until || !slices.Contains(writes, e.F) {
			continue
		}
		longest, last = max(longest, e.Time-last), e.Time
	}
	return max(longest, until-last)
}

func recovery(events []history.Event, set Setting, from, until time.Duration) Recovery {
	r := Recovery{AtMS: millis(from), WindowMS: millis(until - from), Nodes: make(map[string]float64), Asked: make(map[string]float64)}
	clients := make(map[int]bool)
	for _, e := range events {
		if e.Process == history.Nemesis || e.Time < from || e.Time > until {
			continue
		}
		after := millis(e.Time - from)
		if _, known := r.Asked[e.Node]; !known && e.Type == history.Invoke {
			r.Asked[e.Node] = after
		}
		if e.Type != history.OK {
			continue
		}
		if _, known := r.Nodes[e.Node]; !known {
			r.Nodes[e.Node] = after
			r.WorstMS = max(r.WorstMS, after)
		}
		if !clients[e.Thread] {
			clients[e.Thread] = true
			r.ClientsMS = max(r.ClientsMS, after)
		}
	}
	for _, node := range set.Nodes {
		if _, ok := r.Nodes[node]; !ok {
			r.Silent = append(r.Silent, node)
		}
	}
	r.SilentClients = set.Threads - len(clients)
	return r
}
