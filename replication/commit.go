package replication

import (
	"cmp"
	"slices"

	"github.com/ostraka-db/ostraka/replication/quorum"
)

// Rules 4, 5 and 7: committing, applying, and the outcomes of proposals.

// pendingProposal is a proposal that was appended here under this id.
type pendingProposal struct {
	id    EntryID
	token Token
}

// propose appends proposals, if this replica leads and serves, as many as the
// limit lets it. What it refuses is in no log, and never was.
func (r *Replica) propose(proposals []Proposal) {
	l, why := r.serving()
	taken := 0
	if why == 0 {
		taken, why = min(len(proposals), max(0, r.options.MaxPending-len(r.pending))), RefusedOverload
	}
	for _, p := range proposals[taken:] {
		r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{p.Token, refused(why)})
	}
	if proposals = proposals[:taken]; taken == 0 {
		return
	}
	entries := make([]Entry, len(proposals))
	next := r.log.head().Offset + 1
	for i, p := range proposals {
		id := EntryID{Term: r.term.Term, Offset: next + Offset(i)}
		entries[i] = Entry{ID: id, Timestamp: r.now.Wall, Payload: p.Payload}
		r.pending = append(r.pending, pendingProposal{id: id, token: p.Token})
	}
	// After a reign that ended with entries overwritten, older proposals may
	// still wait at higher offsets.
	slices.SortStableFunc(r.pending, func(a, b pendingProposal) int {
		return cmp.Compare(a.id.Offset, b.id.Offset)
	})
	r.appendOwn(entries)
	r.replicate(l)
}

// serving returns the leader role if it serves, and else why it does not.
func (r *Replica) serving() (*leaderRole, Refusal) {
	l, leads := r.role.(*leaderRole)
	if !leads {
		return nil, RefusedNotLeader
	}
	return l, r.serves(l)
}

// advanceCommit commits what a quorum holds durably, if it is of this term:
// entries of earlier terms commit only with the barrier or an entry after it
// (Raft, section 5.4.2).
func (r *Replica) advanceCommit(l *leaderRole) {
	held := quorum.Highest(l.voters, func(m Member) Offset {
		if m == r.self {
			return r.log.durable
		}
		for i := range l.cursors {
			if l.cursors[i].member == m {
				return l.cursors[i].match
			}
		}
		return 0
	})
	if held <= r.commit || held < l.barrier {
		return
	}
	first := r.commit < l.barrier
	r.commit = held
	if first {
		r.tellReady(l, l.coordinator)
	}
	for i := range l.cursors {
		if c := &l.cursors[i]; c.timer == Never && !c.probing {
			r.setCursorTimer(c, false)
		}
	}
	r.apply()
}

// apply gives the state machine what is committed and durable here, one batch
// at a time.
func (r *Replica) apply() {
	limit := min(r.commit, r.log.durable)
	if r.applying > r.applied || r.applyRead != 0 || r.incoming.installing || r.applied >= limit || !r.mayApply() {
		return
	}
	entries := r.log.entries(r.applied+1, limit, r.options.MaxApplyBytes)
	if entries == nil {
		r.applyRead = r.log.read(r.applied+1, r.options.MaxApplyBytes, r.out)
		return
	}
	r.applyEntries(entries)
}

// applyEntries hands over those of the entries that are still to be applied.
func (r *Replica) applyEntries(entries []Entry) {
	limit := min(r.commit, r.log.durable)
	for len(entries) > 0 && entries[len(entries)-1].ID.Offset > limit {
		entries = entries[:len(entries)-1]
	}
	if len(entries) == 0 || entries[0].ID.Offset != r.applied+1 || r.incoming.installing || !r.mayApply() {
		r.apply()
		return
	}
	last := entries[len(entries)-1].ID
	assert(r.log.history.Contains(last), "applying %v, which the log does not hold", last)
	r.applying = last.Offset
	r.out.Apply = entries
}

// appliedBatch takes the results: outcomes of proposals, and reads that waited
// for the state to be recent enough.
func (r *Replica) appliedBatch(ev Applied) {
	results := ev.Results
	assert(len(results) == int(r.applying-r.applied), "%d results for %d to %d", len(results), r.applied+1, r.applying)
	first := r.applied + 1
	r.applied = r.applying
	for len(r.pending) > 0 && r.pending[0].id.Offset <= r.applied {
		p := r.pending[0]
		r.pending = r.pending[1:]
		outcome := refused(RefusedOverwritten)
		if r.log.history.Contains(p.id) {
			outcome = Outcome{Kind: OutcomeDone, Offset: p.id.Offset, Result: results[p.id.Offset-first]}
		}
		r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{p.token, outcome})
	}
	r.refuseSuperseded(first)
	if l, leads := r.role.(*leaderRole); leads {
		r.releaseReads(l)
		r.repairMembers(l)
	}
	r.log.shrinkTail(r.options.TailBytes, r.applied)
	r.checked(ev.Check)
	if r.suspect {
		r.quarantine()
	}
	r.apply()
}

// refuseSuperseded ends the proposals of lower terms than the last applied entry's
// at once, where applying from first on entered that term: terms never fall along
// a log, so none of them can commit after it.
func (r *Replica) refuseSuperseded(first Offset) {
	term, _ := r.log.history.TermAt(r.applied)
	if before, known := r.log.history.TermAt(first - 1); known && before == term {
		return
	}
	r.pending = slices.DeleteFunc(r.pending, func(p pendingProposal) bool {
		superseded := p.id.Term < term
		if superseded {
			r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{p.token, refused(RefusedOverwritten)})
		}
		return superseded
	})
}
