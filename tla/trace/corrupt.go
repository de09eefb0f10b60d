package trace

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Corruption is a way to make a trace tell of something that the specification
// does not allow. Each is a fault that the core might have.
type Corruption struct {
	Name string
	// spoil changes a line, and reports whether it could.
	spoil func(*Line) bool
}

// Apply spoils the first line, from one on, that can be. Lines are changed in a
// copy; it reports whether there was one.
func (c Corruption) Apply(lines []Line, from int) ([]Line, int, bool) {
	spoiled := slices.Clone(lines)
	for i := from; i < len(spoiled); i++ {
		line := spoiled[i].clone()
		if line.Opened == nil && c.spoil(&line) {
			spoiled[i] = line
			return spoiled, i, true
		}
	}
	return nil, 0, false
}

// clone copies what corruptions change.
func (l Line) clone() Line {
	l.Effects.Messages = slices.Clone(l.Effects.Messages)
	l.Effects.Outcomes = slices.Clone(l.Effects.Outcomes)
	if l.Replica != nil {
		state := *l.Replica
		l.Replica = &state
	}
	return l
}

// Corruptions are all of them.
var Corruptions = []Corruption{
	{"an ack raised by one", onSent(func(_ *Line, m *replication.Ack) bool {
		m.Match++
		return true
	})},
	{"a head lowered in a fence answer", onSent(func(_ *Line, m *replication.NewTermReply) bool {
		m.Head.Offset--
		return m.Refused == 0 && m.Head.Offset >= 0
	})},
	{"a commit offset in an append beyond the leader's", onSent(func(l *Line, m *replication.Append) bool {
		m.Commit = l.Replica.Commit + 1
		return true
	})},
	{"another payload in an append", onSent(func(_ *Line, m *replication.Append) bool {
		if len(m.Entries) == 0 {
			return false
		}
		m.Entries = slices.Clone(m.Entries)
		m.Entries[0].Payload = []byte("never proposed")
		return true
	})},
	{"an append after another entry", onSent(func(_ *Line, m *replication.Append) bool {
		m.Prev.Term++
		return m.Prev.Offset > 0
	})},
	{"a confirmation of the next round", onSent(func(_ *Line, m *replication.Confirmed) bool {
		m.Round++
		return true
	})},
	{"a leader that is ready before its barrier", onSent(func(_ *Line, m *replication.BecomeLeaderReply) bool {
		early := m.Refused == 0 && !m.Ready
		m.Ready = true
		return early
	})},
	{"another choice than the eligible one", onSent(func(_ *Line, m *replication.BecomeLeader) bool {
		m.Term.Term++
		return true
	})},
	{"a fence of a term that nobody made", onReceived(func(l *Line, m *replication.NewTerm) bool {
		enters := l.Replica.Term == m.Term
		m.Term.Term += 7
		l.Replica.Term = m.Term
		return enters
	})},
	{"a commit offset that no quorum holds", onReplica(func(l *Line) bool {
		leads := l.Replica.Role == replication.RoleLeader && l.Replica.Commit < l.Replica.Head.Offset
		l.Replica.Commit = l.Replica.Head.Offset
		return leads
	})},
	{"an entry that is durable before it was synced", onReplica(func(l *Line) bool {
		before := l.Replica.Durable < l.Replica.Head.Offset
		l.Replica.Durable = l.Replica.Head.Offset
		return before
	})},
	{"an entry that is applied before it committed", onReplica(func(l *Line) bool {
		before := l.Replica.Applied == l.Replica.Commit && l.Replica.Head.Offset > l.Replica.Commit
		l.Replica.Applied++
		return before
	})},
	{"an applied entry truncated", onReplica(func(l *Line) bool {
		can := l.Replica.Role == replication.RoleFollower && l.Replica.Applied > 0 && l.Replica.Head.Offset == l.Replica.Applied
		l.Replica.Head.Offset--
		return can
	})},
	{"a follower that leads", onReplica(func(l *Line) bool {
		follows := l.Replica.Role == replication.RoleFollower
		l.Replica.Role = replication.RoleLeader
		return follows
	})},
	{"a term that falls", onReplica(func(l *Line) bool {
		l.Replica.Term.Term--
		return l.Replica.Term.Term > 0
	})},
	{"a read released before its round", onReplica(func(l *Line) bool {
		ev, ok := l.Event.(replication.ReadIndex)
		if !ok || len(l.Effects.Outcomes) > 0 {
			return false
		}
		l.Effects.Outcomes = append(l.Effects.Outcomes, replication.TokenOutcome{
			Token: ev.Tokens[0], Outcome: replication.Outcome{Kind: replication.OutcomeDone},
		})
		return true
	})},
	{"a request refused that was done", onReplica(func(l *Line) bool {
		_, applies := l.Event.(replication.Applied)
		i := slices.IndexFunc(l.Effects.Outcomes, func(o replication.TokenOutcome) bool {
			return o.Outcome.Kind == replication.OutcomeDone
		})
		if !applies || i < 0 {
			return false
		}
		l.Effects.Outcomes[i].Outcome = replication.Outcome{Kind: replication.OutcomeRefused}
		return true
	})},
	{"a call that won and is said to have lost", func(l *Line) bool {
		stored, ok := l.Event.(replication.DocumentStored)
		if !ok || stored.Outcome != replication.StoreDone || l.Election.Phase != "fencing" {
			return false
		}
		stored.Outcome = replication.StoreConflict
		l.Event = stored
		return true
	}},
}

func onReplica(spoil func(*Line) bool) func(*Line) bool {
	return func(l *Line) bool {
		return l.Replica != nil && l.Replica.Role != replication.RoleDeleted && spoil(l)
	}
}

// onSent spoils the first message of its kind that a step sent.
func onSent[M replication.Message](spoil func(*Line, *M) bool) func(*Line) bool {
	return func(l *Line) bool {
		for i, e := range l.Effects.Messages {
			m, ok := e.Message.(M)
			if ok && spoil(l, &m) {
				l.Effects.Messages[i].Message = m
				return true
			}
		}
		return false
	}
}

func onReceived[M replication.Message](spoil func(*Line, *M) bool) func(*Line) bool {
	return func(l *Line) bool {
		receive, ok := l.Event.(replication.Receive)
		if !ok || l.Replica == nil {
			return false
		}
		m, ok := receive.Envelope.Message.(M)
		if !ok || !spoil(l, &m) {
			return false
		}
		receive.Envelope.Message = m
		l.Event = receive
		return true
	}
}
