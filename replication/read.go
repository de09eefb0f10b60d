package replication

import "slices"

// Rule 6, linearizable reads by read-index (Ongaro's dissertation, section
// 6.4): a read sees every write that committed before it was asked, because a
// quorum confirms, after it was asked, that no higher term had begun.

// readRounds are a leader's reads and the round that confirms them. At most one
// round is under way; reads that arrive meanwhile wait for the next.
type readRounds struct {
	// waiting arrived after the round under way began.
	waiting []read
	// asked are the reads of the round under way, numbered round; empty if none.
	round     uint64
	asked     []read
	confirmed []Member
	resendAt  Instant
	// released by a quorum, waiting to be applied up to their index.
	released []read
}

// read is one read and the commit offset when it arrived.
type read struct {
	token Token
	index Offset
}

// drain takes every read out.
func (q *readRounds) drain() []Token {
	var tokens []Token
	for _, reads := range [][]read{q.released, q.asked, q.waiting} {
		for _, rd := range reads {
			tokens = append(tokens, rd.token)
		}
	}
	*q = readRounds{round: q.round}
	return tokens
}

func (q *readRounds) count() int { return len(q.waiting) + len(q.asked) + len(q.released) }

// readIndex takes reads, as many as the limit lets it, and begins a round for
// them if none is under way.
func (r *Replica) readIndex(tokens []Token) {
	l, why := r.serving()
	taken := 0
	if why == 0 {
		taken, why = min(len(tokens), max(0, r.options.MaxReads-l.reads.count())), RefusedOverload
	}
	for _, token := range tokens[taken:] {
		r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{token, refused(why)})
	}
	if taken == 0 {
		return
	}
	for _, token := range tokens[:taken] {
		l.reads.waiting = append(l.reads.waiting, read{token: token, index: r.commit})
	}
	if len(l.reads.asked) == 0 {
		r.beginRound(l)
	}
}

// beginRound numbers a round and asks every voter. The leader's own vote counts
// at once: it is in its term at this moment.
func (r *Replica) beginRound(l *leaderRole) {
	q := &l.reads
	q.round++
	q.asked, q.waiting = q.waiting, nil
	q.confirmed = append(q.confirmed[:0], r.self)
	r.sendRound(l)
	r.countRound(l)
}

// sendRound asks the voters that have not confirmed the round. Silent ones are
// asked when they are heard again.
func (r *Replica) sendRound(l *leaderRole) {
	for _, m := range l.voters.Voters() {
		if !slices.Contains(l.reads.confirmed, m) && !r.isSilent(m.Server) {
			r.send(m.Server, m.Replica, Confirm{Term: r.term, Round: l.reads.round, Commit: r.commit})
		}
	}
	l.reads.resendAt = r.now.Mono.Add(r.options.ResendAfter)
}

// resendRound repeats the round under way, under its number: an answer to the
// repetition was given after the round began too.
func (r *Replica) resendRound(l *leaderRole) {
	if len(l.reads.asked) > 0 {
		r.sendRound(l)
	}
}

// confirm answers a leader whose term stands here, durably. It is not a
// promise: it says that at this moment no higher term was known here.
func (r *Replica) confirm(from Envelope, m Confirm) {
	switch {
	case m.Term.Term < r.term.Term, m.Term.Term == r.term.Term && m.Term != r.term:
		r.reply(from, HigherTerm{Term: r.term})
	case m.Term == r.term && r.log.termDurable():
		if role, ok := r.role.(*followerRole); ok {
			r.commit = max(r.commit, min(m.Commit, role.matched))
		}
		r.reply(from, Confirmed{Term: m.Term, Round: m.Round, Commit: r.commit})
		r.apply()
	}
}

// confirmed counts an answer to the round under way, from a voter, and no other.
func (r *Replica) confirmed(from Envelope, m Confirmed) {
	l, c := r.cursorOf(from, m.Term)
	if c == nil {
		return
	}
	c.commitKnown = max(c.commitKnown, m.Commit)
	if c.idle() {
		r.setCursorTimer(c, false)
	}
	member := c.member
	if m.Round != l.reads.round || len(l.reads.asked) == 0 ||
		!l.voters.Contains(member) || slices.Contains(l.reads.confirmed, member) {
		return
	}
	l.reads.confirmed = append(l.reads.confirmed, member)
	r.countRound(l)
}

// countRound ends the round when a quorum confirmed it, and begins the next for
// the reads that came meanwhile.
func (r *Replica) countRound(l *leaderRole) {
	q := &l.reads
	if !l.voters.Reached(func(m Member) bool { return slices.Contains(q.confirmed, m) }) {
		return
	}
	q.released = append(q.released, q.asked...)
	q.asked, q.resendAt = nil, Never
	r.releaseReads(l)
	if len(q.waiting) > 0 {
		r.beginRound(l)
	}
}

// releaseReads answers the confirmed reads whose index is applied.
func (r *Replica) releaseReads(l *leaderRole) {
	q := &l.reads
	kept := q.released[:0]
	for _, rd := range q.released {
		if rd.index > r.applied {
			kept = append(kept, rd)
			continue
		}
		r.out.Outcomes = append(r.out.Outcomes, TokenOutcome{rd.token, Outcome{Kind: OutcomeDone, Offset: rd.index}})
	}
	q.released = kept
}
