package replication

// Repair: a replica whose disk lost entries that it has not applied, or whose
// state machine lost its state or came apart from the others', goes on voting and
// acking with what it has, but never leads, and applies nothing until a snapshot
// took the place of what is lost. Cutting the log off at the damage instead would
// take acks back ("Protocol-Aware Recovery for Consensus-Based Storage", FAST
// 2018, section 3). To the others it is a slow replica: safety rests on heads, and
// its head is whole.

// damaged reports whether the state machine cannot go on from the log.
func (r *Replica) damaged() bool { return r.needs > r.applied }

// mayApply reports whether the state is one to go on from.
func (r *Replica) mayApply() bool { return !r.damaged() && !r.suspect && r.discarding == 0 }

// needed is how far a snapshot has to go, at least, to repair this replica.
func (r *Replica) needed() Offset {
	if !r.damaged() {
		return 0
	}
	return r.needs
}

// repairs reports whether a snapshot up to an entry would.
func (r *Replica) repairs(last EntryID) bool { return r.damaged() && last.Offset >= r.needs }

// entriesLost takes note that an entry cannot be read back. One that is applied is
// missed by members that lag alone, and they can be sent a snapshot.
func (r *Replica) entriesLost(to Offset) {
	if to <= r.log.history.Base().Offset || to > r.log.head().Offset {
		return // it was dropped meanwhile
	}
	r.log.lost = max(r.log.lost, to)
	if to > r.applying {
		r.needs = max(r.needs, to)
		r.turnDamaged()
	}
}

// turnDamaged gives up a leadership, or tells the leader.
func (r *Replica) turnDamaged() {
	switch role := r.role.(type) {
	case *leaderRole:
		r.stepDown(role.voters.Voters())
	case *followerRole:
		role.owes = true
		r.ackDurable(role)
	}
}

// stateLost drops a state that cannot be read any more. What was being applied to
// it, or imported in its place, never will be.
func (r *Replica) stateLost() {
	r.applying = r.applied
	r.incoming = incoming{}
	r.dropState()
	if role, fenced := r.role.(*fencedRole); fenced {
		r.answerFenced(role)
	}
}

// quarantine drops a state that differs from the other members'. What the state
// machine is at ends before that; an install may mend it.
func (r *Replica) quarantine() {
	if r.incoming.importing || r.applying > r.applied {
		r.suspect = true
		return
	}
	r.suspect = false
	if !r.damaged() && r.applied > 0 {
		r.dropState()
	}
}

// dropState makes the state machine hold nothing, durably. Where nothing was
// applied, all entries are in the log still, and are applied to the empty state.
func (r *Replica) dropState() {
	r.needs = max(r.needs, r.applied)
	r.applied, r.applying, r.applyRead = 0, 0, 0
	r.incoming, r.checks, r.suspect = incoming{}, nil, false
	r.out.Delete = true
	r.discarding++
	if r.damaged() {
		r.turnDamaged()
	}
}

// stateDropped goes on with the empty state.
func (r *Replica) stateDropped() {
	assert(r.discarding > 0, "the state is deleted, and nobody asked")
	r.discarding--
	r.apply()
}

// repaired ends the damage, if the state is now recent enough.
func (r *Replica) repaired() {
	if !r.damaged() {
		r.needs = 0
	}
}
