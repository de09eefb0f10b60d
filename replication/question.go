package replication

import "slices"

// Rule 0: when to elect. Losing one's own connection to a leader proves nothing;
// the ensemble is asked.

// question is one round of questions.
type question struct {
	nonce   uint64
	answers []answer
}

type answer struct {
	member Member
	// hears: the member leads the document's term, or heard its leader lately.
	hears bool
	// leads and run are set by the leader's own answer.
	leads, serving bool
	run            RunID
	// disowns: the document's leader says that it does not lead.
	disowns bool
}

// ask sends the questions, also to the replica on this server, which answers as
// any other.
func (e *Election) ask() {
	e.question = question{nonce: e.draw()}
	e.enterPhase(questioning, e.now.Mono.Add(e.options.QuestionFor))
	for _, m := range e.doc.Members() {
		e.send(m, Probe{Nonce: e.question.nonce})
	}
}

// answered takes an answer, and decides as soon as the missing ones could not
// change the decision.
func (e *Election) answered(from Envelope, m ProbeReply) {
	e.highest = max(e.highest, m.Term.Term)
	if m.Nonce == e.change.nonce && m.Nonce != 0 {
		e.memberAnswered(from, m)
		return
	}
	member, known := e.member(from)
	if e.phase != questioning || m.Nonce != e.question.nonce || !known || e.hasAnswered(member.Member) {
		return
	}
	a := answer{member: member.Member, run: m.Run}
	switch {
	case m.Term == e.doc.Term && m.Role == RoleLeader:
		a.leads, a.hears, a.serving = true, true, m.Serving
	case m.Term == e.doc.Term && m.Role == RoleFollower:
		a.hears = m.Heard >= 0 && m.Heard < e.options.SilentAfter
	}
	a.disowns = e.doc.Status == StatusSteady && member.Member == e.doc.Leader && !a.leads
	e.question.answers = append(e.question.answers, a)
	e.judge(false)
}

func (e *Election) hasAnswered(m Member) bool {
	return slices.ContainsFunc(e.question.answers, func(a answer) bool { return a.member == m })
}

// judge decides whether to elect. Without a quorum of answers it never does: a
// coordinator that cannot reach the servers deposes nobody. A member that has
// not answered counts as hearing the leader while there is time; afterwards only
// the leader itself does, which hears itself wherever it is.
func (e *Election) judge(timeIsUp bool) {
	if e.storing() {
		// A disk is being written down; a claim would be in its own way.
		if timeIsUp {
			e.timer = e.now.Mono.Add(e.options.GraceFor)
		}
		return
	}
	if e.withdrawn() && !e.publishFound() {
		e.back()
		return
	}
	voters := e.voters()
	if !voters.Reached(e.hasAnswered) {
		if timeIsUp && e.joinersMissing(e.hasAnswered) {
			if !e.publishFound() {
				e.back()
			}
			return
		}
		if timeIsUp {
			// A leader that still wants to be replaced asks again.
			e.asked = TermID{}
			e.watch(e.after(e.options.QuestionFor))
		}
		return
	}
	if e.leaderGone() || e.asked == e.doc.Term || e.leaderLeft() {
		e.claim()
		return
	}
	mayHear := func(m Member) bool {
		i := slices.IndexFunc(e.question.answers, func(a answer) bool { return a.member == m })
		switch {
		case i >= 0:
			return e.question.answers[i].hears
		case timeIsUp:
			return m == e.doc.Leader
		}
		return true
	}
	heard := voters.Reached(mayHear)
	switch {
	case !heard:
		e.claim()
	case e.publishFound():
	case timeIsUp:
		// The leader serves others; look again, for we still do not hear it.
		e.watch(e.after(e.options.SilentAfter))
	}
}

// leaderGone reports whether the leader's process is known to be over, or its
// replica says itself that it does not lead.
func (e *Election) leaderGone() bool {
	if e.doc.Status != StatusSteady {
		return false
	}
	return e.leaderDied() || slices.ContainsFunc(e.question.answers, func(a answer) bool { return a.disowns })
}

// publishFound publishes a leader that serves in the document's term although
// the document does not say so, because the coordinator that made it leader is
// gone. That is no choice in another's term: the choice was made, and a term has
// one leader.
func (e *Election) publishFound() bool {
	if e.doc.Status == StatusSteady {
		return false
	}
	i := slices.IndexFunc(e.question.answers, func(a answer) bool { return a.serving })
	if i < 0 {
		return false
	}
	e.publish(e.question.answers[i].member, e.question.answers[i].run)
	return true
}
