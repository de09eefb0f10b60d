package replication

import "slices"

// Rule 2, fencing: NewTerm, and every other way in which a replica's term
// rises.

// newTerm fences the replica. The answer waits until the term is durable and
// everything asked of the log before it is done, an install too, so that the
// head it tells is one that a crash cannot lower.
func (r *Replica) newTerm(from Envelope, m NewTerm) {
	switch {
	case m.Term.Term < r.term.Term,
		m.Term.Term == r.term.Term && m.Term.Election != r.term.Election:
		r.reply(from, NewTermReply{Term: r.term, Refused: RefusedHigherTerm})
		return
	case m.Term.Term > r.term.Term:
		r.enter(m.Term)
		r.role = &fencedRole{mayLead: true, after: r.log.asked}
	}
	// A repetition is answered only while nothing happened in the term: later,
	// the head would no longer be what the choice of the leader relies on.
	role, ok := r.role.(*fencedRole)
	if !ok || r.log.head().Term == r.term.Term {
		return
	}
	if !slices.Contains(role.answer, from.From) {
		role.answer = append(role.answer, from.From)
	}
	r.answerFenced(role)
}

// answerFenced answers those who wait for a fenced replica's durable steps.
func (r *Replica) answerFenced(role *fencedRole) {
	if r.log.done < role.after || r.incoming.installing {
		return
	}
	for _, coordinator := range role.creators {
		r.send(coordinator, 0, ReplicaCreated{})
	}
	role.creators = nil
	for _, coordinator := range role.answer {
		r.send(coordinator, 0, NewTermReply{Term: r.term, Head: r.log.head(), Damaged: r.damaged()})
	}
	role.answer = nil
}

// enter takes a higher term: leadership, cursors and waiting reads are gone at
// once, so that nothing more of the earlier term leaves, and the term record is
// asked for. The caller sets the new role.
func (r *Replica) enter(term TermID) {
	assert(term.Term > r.term.Term, "from term %v to %v", r.term, term)
	r.dropLeadership()
	r.term = term
	r.log.persist(TermRecord{Replica: r.self.Replica, Term: term}, r.out)
}

// higherTerm ends a leadership on the word of a peer. The replica does not take
// the term, which it was not fenced in: it only stops, for good in its own.
func (r *Replica) higherTerm(term TermID) {
	l, leads := r.role.(*leaderRole)
	if leads && term.Term > r.term.Term {
		r.stepDown(l.voters.Voters())
	}
}

// stepDown ends a leadership for good in its term. The voters are asked for an
// election until there is another leader.
func (r *Replica) stepDown(voters []Member) {
	r.dropLeadership()
	r.role = &fencedRole{voters: voters, askAt: r.askElection(voters)}
}

// dropLeadership refuses the reads that wait. Proposals stay: they were
// appended, so only the log can tell what becomes of them (rule 7).
func (r *Replica) dropLeadership() {
	if l, ok := r.role.(*leaderRole); ok {
		for _, token := range l.reads.drain() {
			r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{token, refused(RefusedNotLeader)})
		}
	}
}
