package replication

// Rule 10, the follower's side: the parts of a snapshot, and what becomes of the
// log when it is installed.

// incoming is the snapshot that a replica is sent. An install that began goes on
// whatever the replica's role becomes, because nothing can call it back.
type incoming struct {
	// term is that of the leader who sends it: another may cut it differently.
	term TermID
	last EntryID
	// kept is how many bytes of it the state machine keeps.
	kept int64
	// importing is set while a part is with the state machine, installing while
	// it is the final one.
	importing  bool
	installing bool
}

// snapshotChunk takes the part that follows what is kept, and tells what is kept
// otherwise. A snapshot of what this replica has already is not installed.
func (r *Replica) snapshotChunk(from Envelope, m SnapshotChunk) {
	role := r.follow(from, m.Term)
	if role == nil {
		return
	}
	in := &r.incoming
	kept, known := int64(0), in.term == m.Term && in.last == m.Last
	if known {
		kept = in.kept
	}
	switch {
	case in.importing:
		// One part at a time: what becomes of it is answered, and if this is
		// another one, it comes again.
	case (m.Last.Offset <= r.commit || r.log.history.Contains(m.Last)) && !r.repairs(m.Last):
		role.matched = max(role.matched, m.Last.Offset)
		r.commit = max(r.commit, m.Last.Offset)
		role.installed = m.Last
		r.answerInstalled(role)
		r.apply()
	case !r.log.termDurable():
		// Installed, it could be of a higher term than a crash leaves on the disk.
		// It comes again.
	case r.log.history.Contains(m.Last) && m.Last.Offset > r.log.durable:
		// A repair that overtakes the log: the state may not be ahead of it. It comes
		// again.
	case m.Position == kept:
		*in = incoming{term: m.Term, last: m.Last, kept: kept, importing: true, installing: m.Final}
		r.out.Import = &SnapshotPart{Last: m.Last, Position: m.Position, Data: m.Data, Final: m.Final}
	default:
		r.reply(from, SnapshotAck{Term: r.term, Last: m.Last, Position: kept})
	}
}

// imported takes note of a part that the state machine took, and asks for the
// next, or ends the snapshot.
func (r *Replica) imported(ev Imported) {
	in := r.incoming
	assert(in.importing && ev.Last == in.last, "imported %v, %v was under way", ev.Last, in)
	r.incoming.importing, r.incoming.installing, r.incoming.kept = false, false, ev.Position
	if ev.Installed {
		assert(in.installing, "installed %v without its final part", ev.Last)
		r.install(ev.Last)
	}
	switch role := r.role.(type) {
	case *fencedRole:
		if ev.Installed {
			role.after = r.log.asked
		}
		r.answerFenced(role)
	case *followerRole:
		switch {
		case in.term != r.term:
			// The leader of this term finds out where the replica is by itself.
		case ev.Installed:
			// A repair leaves what follows in the log.
			role.matched, role.installed = min(max(role.matched, ev.Last.Offset), r.log.head().Offset), ev.Last
			r.answerInstalled(role)
		default:
			r.send(role.leader.Server, role.leader.Replica, SnapshotAck{Term: r.term, Last: ev.Last, Position: ev.Position})
		}
	}
	if r.suspect {
		r.quarantine()
	}
	r.apply()
}

// install makes the replica what its state machine is by now: at the snapshot's
// last entry, durably. Unless the snapshot is a repair, nothing in the log follows
// that entry: the log does not hold it, for had it come to do so since the snapshot
// was handed over, a leader would have been followed that far, and while an install
// is under way none is. After a repair, what follows it is as good as it was.
func (r *Replica) install(last EntryID) {
	held, repair := r.log.history.Contains(last), r.repairs(last)
	assert(held && repair || !held && last.Offset > r.commit,
		"installed %v, committed %d in %v, damaged to %d", last, r.commit, &r.log.history, r.needs)
	assert(r.applying == r.applied, "installed %v while %d to %d are being applied", last, r.applied+1, r.applying)
	r.commit = max(r.commit, last.Offset)
	r.applied, r.applying, r.applyRead = last.Offset, last.Offset, 0
	r.incoming, r.checks, r.suspect = incoming{}, nil, false
	r.repaired()
	switch {
	case !held || !repair:
		r.log.reset(last, r.out)
	case last.Offset > r.log.history.Base().Offset:
		r.log.trim(last.Offset, r.out)
	}
	// The snapshot tells what the state became, not what became of a proposal.
	for len(r.pending) > 0 && r.pending[0].id.Offset <= last.Offset {
		r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{r.pending[0].token, Outcome{Kind: OutcomeUnknown}})
		r.pending = r.pending[1:]
	}
	r.refuseSuperseded(last.Offset)
}

// answerInstalled tells the leader that the replica holds what its snapshot
// covers, once a crash could not take it back and the log follows it.
func (r *Replica) answerInstalled(role *followerRole) {
	last := role.installed
	if last == (EntryID{}) || r.log.durable < last.Offset || r.log.waits(OpTerm) || r.log.waits(OpReset) {
		return
	}
	role.installed, role.acked = EntryID{}, max(role.acked, last.Offset)
	r.send(role.leader.Server, role.leader.Replica, SnapshotAck{Term: r.term, Last: last, Installed: true})
}
