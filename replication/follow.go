package replication

import (
	"cmp"
	"slices"
)

// Rule 5, the follower's side.

// handleAppend takes entries from the leader of the replica's term, or of a
// higher one: the leader was chosen by a quorum that was fenced in its term, so
// a member that the fence did not reach loses nothing by following (Raft,
// section 5.1), and need not wait for a coordinator to reach it again.
func (r *Replica) handleAppend(from Envelope, m Append) {
	role := r.follow(from, m.Term)
	if role == nil || r.incoming.installing {
		return // what comes during an install comes again
	}
	if m.Prev.Offset > r.log.head().Offset && !m.Probing {
		role.keepEarly(m, r.options.MaxEarly)
		return
	}
	if !r.agrees(m.Prev) {
		have := r.log.history.LastAtOrBelow(m.Prev)
		r.reply(from, Mismatch{Term: r.term, Prev: m.Prev, Have: have})
		return
	}
	r.accept(role, m)
	for len(role.early) > 0 && role.early[0].Prev.Offset <= r.log.head().Offset {
		early := role.early[0]
		role.early = role.early[1:]
		if r.agrees(early.Prev) {
			r.accept(role, early)
		}
	}
	role.owes = role.owes || m.Probing
	// What is not durable yet is acked once it is, and not twice.
	if r.log.durable >= role.matched {
		r.ackDurable(role)
	}
	r.apply()
}

// follow returns the follower role towards the sender, if it leads a term that
// this replica is in or may enter, and nil otherwise.
func (r *Replica) follow(from Envelope, term TermID) *followerRole {
	switch {
	case term.Term < r.term.Term:
		r.reply(from, HigherTerm{Term: r.term})
		return nil
	case term.Term == r.term.Term && term.Election != r.term.Election:
		// Two runs claimed one number; only one can have made a leader, and this
		// replica is bound to the other.
		r.reply(from, HigherTerm{Term: r.term})
		return nil
	case term.Term > r.term.Term:
		r.enter(term)
		r.role = &fencedRole{}
	}
	sender := Member{Server: from.From, Replica: from.FromReplica}
	switch role := r.role.(type) {
	case *followerRole:
		assert(role.leader == sender, "%v and %v both lead %v", role.leader, sender, r.term)
		role.leaderRun = from.FromRun
		return role
	case *leaderRole:
		assert(false, "%v and %v both lead %v", r.self, sender, r.term)
	}
	f := &followerRole{leader: sender, leaderRun: from.FromRun}
	r.role = f
	return f
}

// agrees reports whether this log holds exactly the entry prev. What is
// committed agrees with every leader's log, trimmed or not.
func (r *Replica) agrees(prev EntryID) bool {
	return prev.Offset <= r.commit || r.log.history.Contains(prev)
}

// accept appends what is new of an Append whose Prev is here, after dropping
// what conflicts with it. What is here already, in the same term, stays:
// messages are repeated and reordered, and a shorter one is no truncation.
func (r *Replica) accept(role *followerRole, m Append) {
	for i, e := range m.Entries {
		term, here := r.log.history.TermAt(e.ID.Offset)
		if here && term == e.ID.Term || e.ID.Offset <= r.commit {
			continue
		}
		if here {
			r.truncate(e.ID.Offset - 1)
		}
		r.log.append(m.Entries[i:], r.out)
		break
	}
	last := m.Prev.Offset + Offset(len(m.Entries))
	role.matched = max(role.matched, last)
	r.commit = max(r.commit, min(m.Commit, role.matched))
}

// truncate drops every entry after an offset. What is committed is never
// dropped, let alone what is applied: a leader without it could not have been
// chosen.
func (r *Replica) truncate(to Offset) {
	assert(to >= r.commit && to >= r.applying, "truncate to %d: committed %d, applied %d", to, r.commit, r.applying)
	r.log.truncate(to, r.out)
	// What is dropped need not be repaired.
	r.needs = min(r.needs, max(to, r.applied))
}

// keepEarly keeps an Append that overtook another until its turn, if there is
// room; if not, the leader sends it again.
func (f *followerRole) keepEarly(m Append, most int) {
	i, found := slices.BinarySearchFunc(f.early, m.Prev.Offset, func(a Append, o Offset) int {
		return cmp.Compare(a.Prev.Offset, o)
	})
	if !found && len(f.early) < most {
		f.early = slices.Insert(f.early, i, m)
	}
}

// ackDurable acks what is durable and the same as the leader's, when that is
// news to the leader or it asked.
func (r *Replica) ackDurable(role *followerRole) {
	match := min(r.log.durable, role.matched)
	if !r.log.termDurable() || (match == role.acked && !role.owes) {
		return
	}
	role.acked, role.owes = match, false
	r.send(role.leader.Server, role.leader.Replica, Ack{
		Term: r.term, Match: match, Commit: r.commit, Needs: r.needed(), Check: r.checks.newest(),
	})
}
