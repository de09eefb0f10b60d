package replication

// tally counts, for all elections of a node, who leads as far as they know: a server
// that is chosen tells of its leaderships only once it has them, and a thousand
// elections that end together would all choose the same.
type tally map[ServerID]int

// count moves an election's share of the tally to whom it chose, or knows to lead.
func (e *Election) count() {
	if e.tally == nil {
		return
	}
	leads := ServerID("")
	switch {
	case e.phase == starting || e.phase == publishing && e.fence.chosen != (Member{}):
		leads = e.fence.chosen.Server
	case e.doc.Status == StatusSteady:
		leads = e.doc.Leader.Server
	}
	e.recount(leads)
}

// recount moves it to a server; empty for nobody.
func (e *Election) recount(leads ServerID) {
	if leads == e.counted {
		return
	}
	if e.counted != "" {
		e.tally[e.counted]--
	}
	if leads != "" {
		e.tally[leads]++
	}
	e.counted = leads
}

// leaderships are how many shards a server leads: those that it told of, or those that
// it was given lately, if they are more.
func (e *Election) leaderships(a fenceAnswer) int {
	return max(a.leaderships, e.tally[a.member.Server])
}
