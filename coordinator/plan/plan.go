package plan

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/api"
)

// Note says what is wanted and is not going to be, for now, and why.
type Note struct {
	// About is what is concerned, as in "namespace default".
	About  string
	Reason string
}

func (n Note) String() string { return n.About + ": " + n.Reason }

// Decision is what Plan came to.
type Decision struct {
	// Actions are to be carried out in order.
	Actions []Action
	// Notes are what cannot be done, for now.
	Notes []Note
	// Again is when there may be more to do though nothing else changed; zero if never.
	Again time.Time
}

// Plan returns what to do, and what cannot be done.
func Plan(desired *api.ClusterConfiguration, observed Observed) Decision {
	p := newPlanning(desired, observed)
	p.run()
	return p.decision
}

// run plans all that can be planned. What is planned for one shard may make room for
// another, so that it is gone through until nothing more comes of it.
func (p *planning) run() {
	p.servers()
	p.look()
	p.namespaces()
	p.deleted()
	if len(p.decision.Actions) > 0 {
		p.look()
	}
	p.withdraw()
	for before := none; before != len(p.decision.Actions); {
		before = len(p.decision.Actions)
		p.repairs()
		switch {
		case p.picture.repairs > 0:
			p.hold("moves of replicas", "what must be moved comes before what may be")
		case p.picture.settling:
			p.hold("moves of replicas", "a server was reached only lately, and others may follow")
		case p.balance():
			p.weigh()
		}
		p.leadership()
	}
	p.forget()
	p.settle()
}

// planning is one call of Plan: the status as it is after the actions so far.
type planning struct {
	desired  *api.ClusterConfiguration
	observed Observed
	options  *Options
	status   Status
	decision Decision
	picture  *picture
	// held are the reasons for which something is not done yet.
	held []Note
	// begunTransfers are the transfers of this plan.
	begunTransfers int
}

func newPlanning(desired *api.ClusterConfiguration, observed Observed) *planning {
	p := &planning{desired: desired, observed: observed, options: observed.Options, status: observed.Status.clone()}
	if p.options == nil {
		p.options = DefaultOptions()
	}
	if p.observed.Began.IsZero() {
		p.observed.Began = observed.Now
	}
	return p
}

func (p *planning) do(a Action) {
	a.apply(&p.status)
	p.decision.Actions = append(p.decision.Actions, a)
}

func (p *planning) note(about, format string, args ...any) {
	p.decision.Notes = append(p.decision.Notes, Note{About: about, Reason: fmt.Sprintf(format, args...)})
}

// over reports whether some time has passed since a moment. Where it has not, there
// may be more to do when it has.
func (p *planning) over(since time.Time, d time.Duration) bool {
	at := since.Add(d)
	if !p.observed.Now.Before(at) {
		return true
	}
	if p.decision.Again.IsZero() || at.Before(p.decision.Again) {
		p.decision.Again = at
	}
	return false
}
