package replication

import "slices"

// Rule 8, the end of a replica: one that left its shard is removed for good, its
// log first, the state after it. What stays is a record of its id, until a later
// replica is made in its place: ids ascend, so that no earlier one comes back.

// deletedRole is a replica that is being removed. It takes part in nothing.
type deletedRole struct {
	// answer are the requests that wait for the end of it.
	answer []deletion
	// after is the sequence of the log's deletion.
	after uint64
	// dropping says that the state machine was asked, gone that nothing is left.
	dropping, gone bool
}

// deletion is who asked for a replica to be removed, and the term that it named.
type deletion struct {
	coordinator ServerID
	term        TermID
}

func (*deletedRole) kind() Role { return RoleDeleted }

// delete begins the removal of this replica, whatever it is at: it has left its
// shard, so that nobody counts on it any more. What it appended for its own
// clients may have been committed by others (rule 7).
func (r *Replica) delete(asked Delete) {
	r.dropLeadership()
	for _, p := range r.pending {
		r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{p.token, Outcome{Kind: OutcomeUnknown}})
	}
	r.pending = nil
	r.log.delete(r.self.Replica, r.out)
	role := &deletedRole{after: r.log.asked}
	r.role = role
	role.wait(asked)
}

// wait takes note of who is to be answered.
func (role *deletedRole) wait(asked Delete) {
	d := deletion{coordinator: asked.Coordinator, term: asked.Term}
	if asked.Coordinator != "" && !slices.Contains(role.answer, d) {
		role.answer = append(role.answer, d)
	}
}

// stepDeleted is all that a replica does once its removal began.
func (r *Replica) stepDeleted(role *deletedRole, event Event) {
	switch ev := event.(type) {
	case Delete:
		role.wait(ev)
	case Propose:
		r.propose(ev.Proposals)
	case ReadIndex:
		r.readIndex(ev.Tokens)
	case LogDone:
		r.log.complete(ev.Sequence)
		if r.log.done >= role.after && !role.dropping {
			role.dropping, r.out.Delete = true, true
		}
	case Deleted:
		if r.discarding > 0 {
			r.discarding--
			return
		}
		assert(role.dropping, "the state is deleted, and nobody asked")
		role.gone = true
		for _, d := range role.answer {
			r.send(d.coordinator, 0, ReplicaDeleted{Term: d.term})
		}
		role.answer = nil
	}
}

// deleteReplica removes the addressed replica, if it is here.
func (n *Node) deleteReplica(e Envelope, m DeleteReplica) {
	if e.ToReplica == 0 {
		return
	}
	s := n.shard(e.Shard)
	s.deleted = max(s.deleted, e.ToReplica)
	if s.replica == nil || s.replica.self.Replica != e.ToReplica {
		n.send(Envelope{
			From: n.self.ID, FromRun: n.self.Run, FromReplica: e.ToReplica,
			To: e.From, Shard: e.Shard, Message: ReplicaDeleted(m),
		})
		return
	}
	n.mailReplica(s, Delete{Coordinator: e.From, Term: m.Term})
}

// dropOrphan removes a replica that a document shows to have left its shard and
// to be known deleted: it was made by a request that came late. The document may
// be an old one: an id that was given out and is not in use never comes back.
func (n *Node) dropOrphan(id ShardID, doc *Document) {
	s, _ := n.lookup(id)
	if s == nil || s.replica == nil || s.replica.self.Replica > doc.LastReplica {
		return
	}
	named := slices.ContainsFunc(append(doc.Members(), doc.Removed...), func(m DocumentMember) bool {
		return m.Member == s.replica.self
	})
	if !named {
		n.mailReplica(s, Delete{})
	}
}

// forgetDeleted lets go of a replica of which nothing is left. The operations and
// questions of the next one are numbered on from its own, so that no answer to
// this one is ever taken for one to that.
func (n *Node) forgetDeleted(s *shard) {
	role, deleted := s.replica.role.(*deletedRole)
	if !deleted || !role.gone {
		return
	}
	s.deleted = max(s.deleted, s.replica.self.Replica)
	s.operations += s.replica.log.asked
	s.questions += s.replica.log.lastRead
	s.replica, s.mail = nil, nil
	n.servedIn(s, 0)
}

// refuseWaiting refuses what waits for a replica that is gone.
func (n *Node) refuseWaiting(s *shard) {
	proposals, reads := s.proposals, s.reads
	s.proposals, s.reads = nil, nil
	for _, p := range proposals {
		n.ended(s, TokenOutcome{p.Token, refused(RefusedNotLeader)})
	}
	for _, token := range reads {
		n.ended(s, TokenOutcome{token, refused(RefusedNotLeader)})
	}
}
