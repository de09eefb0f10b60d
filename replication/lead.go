package replication

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication/quorum"
)

// Rules 3 and 4: becoming the leader of a term, and the barrier.

// leaderRole is what a replica has only while it leads.
type leaderRole struct {
	// coordinator made it the leader, and is told when the barrier commits.
	coordinator ServerID
	voters      quorum.Config[Member]
	// cursors are the other members and learners, in the order of the ensemble.
	cursors []cursor
	// barrier is the offset of the term's first entry.
	barrier Offset
	reads   readRounds
	// askAt is when the leader next asks to be replaced; Never while it reaches a
	// quorum.
	askAt Instant
	// reached is how far it came, stallAt when it asks to be replaced for not
	// having come any further, although something waits.
	reached progress
	stallAt Instant
}

// progress is what changes while a leader gets anywhere.
type progress struct {
	commit, applied Offset
	round           uint64
}

func (*leaderRole) kind() Role { return RoleLeader }

// becomeLeader makes a fenced replica lead. It is taken at most once in a term,
// and only in the run in which the replica moved to the term: after a restart
// it could write another entry under an id that it had already sent.
func (r *Replica) becomeLeader(from Envelope, m BecomeLeader) {
	if l, leads := r.role.(*leaderRole); leads && m.Term == r.term {
		r.tellReady(l, from.From)
		return
	}
	role, isFenced := r.role.(*fencedRole)
	if m.Term != r.term || !isFenced || !role.mayLead || !r.log.quiet() || r.incoming.installing || r.damaged() || r.suspect {
		r.reply(from, BecomeLeaderReply{Asked: m.Term, Term: r.term, Run: r.run, Refused: RefusedMayNotLead})
		return
	}
	l := &leaderRole{
		coordinator: from.From,
		voters:      quorum.Config[Member]{Ensemble: m.Ensemble, Joining: m.Joining},
	}
	assert(l.voters.Contains(r.self), "%v leads an ensemble %v without it", r.self, m.Ensemble)
	for _, member := range append(l.voters.Voters(), m.Learners...) {
		if member != r.self {
			l.cursors = append(l.cursors, r.newCursor(member, m.Heads))
		}
	}
	r.role = l
	l.barrier = r.log.head().Offset + 1
	r.appendOwn([]Entry{{
		ID:        EntryID{Term: r.term.Term, Offset: l.barrier},
		Timestamp: r.now.Wall,
		Payload:   slices.Concat(r.options.Barrier, m.Settings),
	}})
	r.lostPeer(l)
	r.tellReady(l, from.From)
	r.replicate(l)
}

// tellReady tells a coordinator that this replica leads, and whether its
// barrier has committed.
func (r *Replica) tellReady(l *leaderRole, coordinator ServerID) {
	r.send(coordinator, 0, BecomeLeaderReply{Asked: r.term, Term: r.term, Run: r.run, Ready: r.commit >= l.barrier})
}

// addFollower starts to replicate to a member that answered its fence late,
// from where its log agrees. One that the leader does not know is a learner.
func (r *Replica) addFollower(m AddFollower) {
	l, leads := r.role.(*leaderRole)
	if !leads || m.Term != r.term {
		return
	}
	i := slices.IndexFunc(l.cursors, func(c cursor) bool { return c.member == m.Member.Member })
	added := r.newCursor(m.Member.Member, []MemberHead{m.Member})
	switch {
	case i < 0 && m.Member.Member != r.self:
		i = len(l.cursors)
		l.cursors = append(l.cursors, added)
	case i < 0 || l.cursors[i].match > 0 || l.cursors[i].transfer != (transfer{}):
		return
	default:
		l.cursors[i] = added
	}
	r.replicateTo(&l.cursors[i])
}

// appendOwn appends the leader's own new entries. Replication does not wait for
// their fsync; the leader's vote does.
func (r *Replica) appendOwn(entries []Entry) { r.log.append(entries, r.out) }

// serves tells why this leader does not serve, and zero if it does.
func (r *Replica) serves(l *leaderRole) Refusal {
	switch {
	case r.commit < l.barrier:
		return RefusedNotReady
	case !r.reachesQuorum(l):
		return RefusedNoQuorum
	}
	return 0
}

// reachesQuorum reports whether the members that are not silent are a quorum.
func (r *Replica) reachesQuorum(l *leaderRole) bool {
	return l.voters.Reached(func(m Member) bool { return m == r.self || !r.isSilent(m.Server) })
}

// lostPeer makes a leader that reaches no quorum ask for an election: others may
// hear it while it does not hear them.
func (r *Replica) lostPeer(l *leaderRole) {
	if l.askAt == Never && !r.reachesQuorum(l) {
		l.askAt = r.askElection(l.voters.Voters())
	}
}

// askElection asks the voters' servers for an election, and returns when to ask
// again.
func (r *Replica) askElection(voters []Member) Instant {
	for _, m := range voters {
		r.send(m.Server, 0, AskElection{Term: r.term})
	}
	return r.now.Mono.Add(r.options.SilentAfter)
}

// watchProgress notices when something waits and nothing moves: a disk that is
// stuck, or links that fail in one direction, where the leader's process is heard
// by everybody and yet is of no use. Others may do better.
func (r *Replica) watchProgress(l *leaderRole) {
	reached := progress{commit: r.commit, applied: r.applied, round: l.reads.round}
	waiting := r.log.head().Offset > r.applied || len(l.reads.asked) > 0
	switch {
	case !waiting:
		l.stallAt = Never
	case l.stallAt == Never || reached != l.reached:
		l.stallAt = r.now.Mono.Add(2 * r.options.ElectWithin)
	}
	l.reached = reached
}

// foundPeer takes up replication to a server that is there again, from what is
// known to be durable there.
func (r *Replica) foundPeer(l *leaderRole, server ServerID) {
	if r.reachesQuorum(l) {
		l.askAt = Never
	}
	for i := range l.cursors {
		if c := &l.cursors[i]; c.member.Server == server {
			c.restart()
			r.replicateTo(c)
		}
	}
	r.resendRound(l)
}

// leaderDeadline is when a leader next needs time.
func (r *Replica) leaderDeadline(l *leaderRole) Instant {
	deadline := earliest(l.stallAt, earliest(l.askAt, l.reads.resendAt))
	for i := range l.cursors {
		if !r.isSilent(l.cursors[i].member.Server) {
			deadline = earliest(deadline, l.cursors[i].timer)
		}
	}
	return deadline
}

func (r *Replica) leaderTick(l *leaderRole) {
	if due(l.askAt, r.now.Mono) {
		l.askAt = r.askElection(l.voters.Voters())
	}
	if due(l.stallAt, r.now.Mono) {
		l.stallAt = r.askElection(l.voters.Voters())
	}
	if due(l.reads.resendAt, r.now.Mono) {
		r.resendRound(l)
	}
	for i := range l.cursors {
		c := &l.cursors[i]
		if due(c.timer, r.now.Mono) && !r.isSilent(c.member.Server) {
			r.onTimer(c)
		}
	}
}
