package replication

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication/quorum"
)

// Rule 8, the leader's side: learners, and the end of a term under two ensembles.

// completeChange makes the joining ensemble the only one. The shard's document
// says so already: elections fence the new ensemble alone, so that the old one's
// majority protects nothing any more. Without this message it would only be
// asked in vain.
func (r *Replica) completeChange(from Envelope, m CompleteChange) {
	l, leads := r.role.(*leaderRole)
	if !leads || m.Term != r.term {
		return
	}
	switch {
	case sameMembers(l.voters.Joining, m.Ensemble):
		r.dropEnsemble(l)
	case len(l.voters.Joining) > 0 || !sameMembers(l.voters.Ensemble, m.Ensemble):
		return
	}
	r.reply(from, ChangeCompleted{Term: r.term})
	if !l.voters.Contains(r.self) {
		r.stepDown(l.voters.Voters())
		return
	}
	r.advanceCommit(l)
	if len(l.reads.asked) > 0 {
		r.countRound(l)
	}
	if r.reachesQuorum(l) {
		l.askAt = Never
	}
}

// dropEnsemble counts the joining ensemble alone, and replicates no more to those
// that are not in it. Learners stay.
func (r *Replica) dropEnsemble(l *leaderRole) {
	over := l.voters.Ensemble
	l.voters = quorum.Config[Member]{Ensemble: l.voters.Joining}
	l.cursors = slices.DeleteFunc(l.cursors, func(c cursor) bool {
		return slices.Contains(over, c.member) && !l.voters.Contains(c.member)
	})
}

// notMember stops replication to a learner that is not where it was said to be:
// it was removed, or is not made yet, and then the coordinator names it again. A
// voter may be made yet, and is asked; but no snapshot is made for it meanwhile.
func (r *Replica) notMember(from Envelope) {
	l, leads := r.role.(*leaderRole)
	if !leads {
		return
	}
	member := Member{Server: from.From, Replica: from.FromReplica}
	l.cursors = slices.DeleteFunc(l.cursors, func(c cursor) bool {
		return c.member == member && !l.voters.Contains(member)
	})
	for i := range l.cursors {
		if c := &l.cursors[i]; c.member == member {
			c.absent, c.transfer, c.read = true, transfer{}, 0
		}
	}
}

// sameMembers compares ensembles, whose order means nothing.
func sameMembers(a, b []Member) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(m Member) bool { return !slices.Contains(b, m) })
}
