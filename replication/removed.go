package replication

import "slices"

// Rule 8, the end of a change: the replicas that left are deleted, once the
// leader does not count them any more. One whose server is gone is waited for as
// long as it takes, and holds up nothing else.

// settleRemoved asks for what remains to be done about removed replicas, and
// reports whether there is anything to wait for.
func (e *Election) settleRemoved() bool {
	if len(e.doc.Removed) == 0 {
		return false
	}
	if e.change.completed != e.doc.Term {
		e.send(DocumentMember{Member: e.doc.Leader},
			CompleteChange{Term: e.doc.Term, Ensemble: bareMembers(e.doc.Ensemble)})
		return true
	}
	asked := false
	for _, m := range without(e.doc.Removed, e.change.deleted) {
		if !slices.Contains(e.silent, m.Server) {
			e.send(m, DeleteReplica{Term: e.doc.Term})
			asked = true
		}
	}
	return asked
}

// completed takes the leader's word that it counts the document's ensemble alone.
func (e *Election) completed(m ChangeCompleted) {
	if m.Term != e.doc.Term || e.change.completed == m.Term {
		return
	}
	e.change.completed = m.Term
	if e.mayChange() && e.now.Mono >= e.change.notBefore {
		e.settleRemoved()
	}
}

// replicaDeleted takes a server's word that nothing is left of a replica.
func (e *Election) replicaDeleted(from Envelope) {
	gone := Member{Server: from.From, Replica: from.FromReplica}
	if slices.Contains(e.change.deleted, gone) || !slices.Contains(bareMembers(e.doc.Removed), gone) {
		return
	}
	e.change.deleted = append(e.change.deleted, gone)
	if e.doc.Status != StatusDeleted {
		e.progressed()
		return
	}
	if e.phase == watching && e.allDeleted() {
		e.settleEnd()
	}
}

// allDeleted reports whether no further removed replica is about to be deleted.
func (e *Election) allDeleted() bool {
	return !slices.ContainsFunc(without(e.doc.Removed, e.change.deleted), func(m DocumentMember) bool {
		return !slices.Contains(e.silent, m.Server)
	})
}

// newDocument forgets what was heard in view of an earlier document.
func (c *change) newDocument(before, doc *Document) {
	if before.Term != doc.Term {
		c.nonce, c.answers = 0, nil
	}
	c.deleted = slices.DeleteFunc(c.deleted, func(m Member) bool {
		return !slices.Contains(bareMembers(doc.Removed), m)
	})
}
