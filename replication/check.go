package replication

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication/quorum"
)

// Checks: replicas that applied the same entries hold the same state, unless a
// disk or a memory or the state machine's code failed. State machines tell a sum
// of their state at offsets that all of them agree on; the leader compares, and
// where most voters agree, who differs is quarantined (repair.go).

// Check is the sum of a shard's state as of an offset. State machines choose the
// offsets, all the same ones; equal states have equal sums.
type Check struct {
	Offset Offset
	Sum    uint64
}

// maxChecks bounds the checks that are remembered of each member: members that lag
// more than so many are compared when they have caught up.
const maxChecks = 16

// checks are a member's newest, by offset.
type checks []Check

// add takes a check in that is newer than all before, and reports whether it is.
func (c *checks) add(check Check) bool {
	if check.Offset <= c.newest().Offset {
		return false
	}
	if len(*c) == maxChecks {
		*c = slices.Delete(*c, 0, 1)
	}
	*c = append(*c, check)
	return true
}

// newest returns the newest check, zero if there is none.
func (c checks) newest() Check {
	if len(c) == 0 {
		return Check{}
	}
	return c[len(c)-1]
}

// sumAt returns the sum at an offset, and whether there is one.
func (c checks) sumAt(o Offset) (uint64, bool) {
	i := slices.IndexFunc(c, func(check Check) bool { return check.Offset == o })
	if i < 0 {
		return 0, false
	}
	return c[i].Sum, true
}

// sumOf returns what a member told of an offset.
func (r *Replica) sumOf(l *leaderRole, m Member, o Offset) (uint64, bool) {
	if m == r.self {
		return r.checks.sumAt(o)
	}
	i := slices.IndexFunc(l.cursors, func(c cursor) bool { return c.member == m })
	if i < 0 {
		return 0, false
	}
	return l.cursors[i].checks.sumAt(o)
}

// compare holds the members' sums at an offset against each other. Nobody is
// judged before most voters, of each ensemble, agree: with two voters that differ
// there is no telling who is right, and the state says so (Disputed).
func (r *Replica) compare(l *leaderRole, o Offset) {
	right, agreed := r.agreedSum(l.voters, l, o)
	if !agreed {
		return
	}
	for i := range l.cursors {
		c := &l.cursors[i]
		if sum, told := c.checks.sumAt(o); told && sum != right {
			r.send(c.member.Server, c.member.Replica, Quarantine{Term: r.term, Check: Check{Offset: o, Sum: sum}})
		}
	}
	if sum, told := r.checks.sumAt(o); told && sum != right {
		r.stepDown(l.voters.Voters())
		r.quarantine()
	}
}

// agreedSum returns the sum on which a quorum agrees.
func (r *Replica) agreedSum(voters quorum.Config[Member], l *leaderRole, o Offset) (uint64, bool) {
	for _, candidate := range voters.Voters() {
		sum, told := r.sumOf(l, candidate, o)
		if !told {
			continue
		}
		if voters.Reached(func(m Member) bool { other, told := r.sumOf(l, m, o); return told && other == sum }) {
			return sum, true
		}
	}
	return 0, false
}

// disputed are the members whose newest common check differs from the leader's.
func (r *Replica) disputed(l *leaderRole) []Member {
	var members []Member
	for i := range l.cursors {
		c := &l.cursors[i]
		check, told := r.compared(c)
		if sum, _ := r.checks.sumAt(check.Offset); told && sum != check.Sum {
			members = append(members, c.member)
		}
	}
	return members
}

// compared is a member's newest check at whose offset the leader has one too.
func (r *Replica) compared(c *cursor) (Check, bool) {
	for _, check := range slices.Backward(c.checks) {
		if _, told := r.checks.sumAt(check.Offset); told {
			return check, true
		}
	}
	return Check{}, false
}

// checked takes the state machine's newest check.
func (r *Replica) checked(check Check) {
	if !r.checks.add(check) {
		return
	}
	switch role := r.role.(type) {
	case *leaderRole:
		r.compare(role, check.Offset)
	case *followerRole:
		// Told with the next ack, or by itself: a quiet shard is checked, too.
		role.owes = true
		r.ackDurable(role)
	}
}

// memberChecked takes what a member told of its state. One that is told again, and
// differs, has not heard what became of it.
func (r *Replica) memberChecked(l *leaderRole, c *cursor, m Ack) {
	if m.Needs != 0 {
		c.checks = nil
		return
	}
	sum, told := r.checks.sumAt(m.Check.Offset)
	if c.checks.add(m.Check) || (told && sum != m.Check.Sum) {
		r.compare(l, m.Check.Offset)
	}
}

// quarantined takes the leader's judgement, unless it is of a state that was
// replaced meanwhile.
func (r *Replica) quarantined(from Envelope, m Quarantine) {
	f, follows := r.role.(*followerRole)
	if !follows || m.Term != r.term || f.leader.Server != from.From {
		return
	}
	if sum, told := r.checks.sumAt(m.Check.Offset); told && sum == m.Check.Sum {
		r.quarantine()
	}
}
