package replication

import "slices"

// Orders are what a planner or an operator asks of a shard's election beside the
// members of rule 8: another leader, the end of the shard, and, where a majority is
// lost for good, to go on without it.

// handover is a term that was claimed to move the leadership.
type handover struct {
	// to is the server that is to lead, if it can; empty for whoever is best.
	to ServerID
	// from is the leader that is fenced before the others; zero once it need not be
	// waited for. Those who followed it have then all that it sent, so that the next
	// one does not lose its chance to entries that were on their way.
	from Member
}

// transfer claims a term in which another server is to lead. The leader serves until
// the claim is stored.
func (e *Election) transfer(to ServerID) {
	if e.phase != watching || !e.found || e.reload || e.storing() || e.doc.Status == StatusDeleted {
		return
	}
	leader := e.doc.Leader
	e.claim()
	e.handover.to = to
	if to != "" {
		e.handover.from = leader
	}
}

// yields reports whether a member has to be fenced before the others are.
func (e *Election) yields() bool {
	from := e.handover.from
	return from != (Member{}) && e.fence.answer(from) == nil && !slices.Contains(e.silent, from.Server) &&
		slices.ContainsFunc(e.doc.Members(), func(m DocumentMember) bool { return m.Member == from })
}

// yielded goes on with the others when the leader that gives way is fenced.
func (e *Election) yielded(m Member) {
	if e.phase == fencingPhase && m == e.handover.from {
		e.handover.from = Member{}
		e.sendNewTerms()
	}
}

// recoverFrom claims a term in which the voters on some servers decide alone. It is the
// one step that may lose what was committed: nobody asks the others any more.
func (e *Election) recoverFrom(servers []ServerID) {
	switch e.phase {
	case watching, questioning, fencingPhase, starting:
	default:
		return
	}
	doc := e.doc.Clone()
	others := func(m DocumentMember) bool { return !slices.Contains(servers, m.Server) }
	kept := slices.DeleteFunc(append(without(doc.Joining, bareMembers(doc.Ensemble)), doc.Ensemble...), others)
	if !e.found || e.storing() || len(kept) == 0 || sameMembers(bareMembers(kept), bareMembers(doc.Ensemble)) && len(doc.Joining) == 0 {
		return
	}
	doc.Removed = append(doc.Removed, without(doc.Members(), bareMembers(kept))...)
	doc.Ensemble, doc.Joining, doc.Learners = kept, nil, nil
	e.claimFor(doc)
}

// end writes down that the shard is no more, from which on all its replicas count as
// removed. That needs no election: nobody can be chosen under such a document, and a
// leader serves until its replica is deleted.
func (e *Election) end() {
	doc := e.doc.Clone()
	doc.Version++
	doc.Term = TermID{Term: max(e.highest, doc.Term.Term) + 1, Election: ElectionID(e.draw())}
	doc.Status = StatusDeleted
	doc.Removed = append(doc.Removed, doc.Members()...)
	doc.Ensemble, doc.Joining, doc.Learners = nil, nil, nil
	doc.Leader, doc.LeaderRun, doc.Settings = Member{}, 0, nil
	e.highest, e.mine = doc.Term.Term, TermID{}
	e.write(changing, doc)
}

// settleEnd deletes what is left of a shard that is no more, as far as servers are
// heard, and writes down what is gone.
func (e *Election) settleEnd() {
	left := without(e.doc.Removed, e.change.deleted)
	if len(left) < len(e.doc.Removed) && e.allDeleted() && !e.storing() {
		doc := e.doc.Clone()
		doc.Version++
		doc.Removed = left
		e.write(changing, doc)
		return
	}
	until := Never
	for _, m := range left {
		if !slices.Contains(e.silent, m.Server) {
			e.send(m, DeleteReplica{Term: e.doc.Term})
			until = e.now.Mono.Add(e.options.ResendAfter)
		}
	}
	e.watch(until)
}
