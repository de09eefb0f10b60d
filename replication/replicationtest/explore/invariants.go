package explore

import (
	"cmp"
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// The laws that one server's step can break by itself are checked as it is
// taken; those between servers, in each state.

func (t *transition) fail(format string, args ...any) {
	if t.result.broken == "" {
		t.result.broken = fmt.Sprintf(format, args...)
	}
}

// checkMessage: what a server tells others of its disk is true of the disk as a
// crash would leave it now.
func (t *transition) checkMessage(e replication.Envelope) {
	s := &t.server
	switch m := e.Message.(type) {
	case replication.Ack:
		t.checkAck(e.From, m.Term, m.Match)
	case replication.SnapshotAck:
		if m.Installed {
			t.checkAck(e.From, m.Term, m.Last.Offset)
		}
	case replication.NewTermReply:
		if m.Refused == 0 && (s.record.Term != m.Term || m.Head != s.disk()) {
			t.fail("fences are durable: %s answers %v with head %v, durable is %v with head %v", e.From, m.Term, m.Head, s.record.Term, s.disk())
		}
	case replication.Confirmed:
		if s.record.Term != m.Term {
			t.fail("confirmations are durable: %s confirms %v, durable is %v", e.From, m.Term, s.record.Term)
		}
	}
}

// checkAck: what is acked would survive a crash, and so would the term.
func (t *transition) checkAck(from replication.ServerID, term replication.TermID, match replication.Offset) {
	s := &t.server
	if held := len(s.survives()); int(match) > held || s.record.Term != term {
		t.fail("acks are durable: %s acks %d in %v, durable is %d in %v", from, match, term, held, s.record.Term)
	}
	s.acked = replication.EntryID{Term: term.Term, Offset: match}
}

// disk is the head of the log as a crash would leave it.
func (s *server) disk() replication.EntryID { return headOf(s.survives()) }

// checkOp: nothing is truncated, or dropped for a snapshot, that the server knew
// committed, or acked in this very term.
func (t *transition) checkOp(op replication.LogOp, committed replication.Offset) {
	s := &t.server
	kept := op.Truncate
	switch op.Kind {
	case replication.OpReset:
		kept = op.Base.Offset
	case replication.OpTruncate:
	case replication.OpTrim:
		if int(op.Base.Offset) > len(s.machine) {
			t.fail("trimmed is applied: %v to %v, applied is %d", op.Kind, op.Base, len(s.machine))
		}
		return
	default:
		return
	}
	if kept < committed || int(kept) < len(s.machine) {
		t.fail("nothing applied is truncated: %s %v to %d, committed is %d, applied %d",
			s.record.Term, op.Kind, kept, committed, len(s.machine))
	}
	if term := s.replica.State().Term.Term; s.acked.Term == term && kept < s.acked.Offset {
		t.fail("acks are durable: %v to %d, and acked %d in the same term %d", op.Kind, kept, s.acked.Offset, term)
	}
}

// checkApply: while a snapshot is installed there is nothing that entries could be
// applied to.
func (t *transition) checkApply() {
	if s := &t.server; s.importing != nil {
		t.fail("applied in order: entries after %d, while the snapshot %v is installed", len(s.machine), s.importing.Last)
	}
}

// checkState: only what is committed and durable is applied, and the replica
// knows its own log.
func (t *transition) checkState() {
	s := &t.server
	state := s.replica.State()
	if state.Role == replication.RoleDeleted {
		return
	}
	held := len(s.survives())
	if state.Applied > state.Commit || int(state.Applied) > held || len(s.machine)+s.applying > held {
		t.fail("applied is durable and committed: %d applied, %d committed, %d durable", state.Applied, state.Commit, held)
	}
	if int(state.Durable) > held {
		t.fail("acks are durable: %d is held durable, %d is", state.Durable, held)
	}
	log := s.submitted().entries
	if len(log) != int(state.Head.Offset) || int(state.Commit) > len(log) {
		t.fail("the log is what was asked: head %v, committed %d, asked for %d", state.Head, state.Commit, len(log))
	}
}

// check says which law a state breaks after a server's step, and notes what is
// newly committed.
func (h *history) check(all *[servers]*server, changed int, voters *electorate) string {
	s := all[changed]
	grew := false
	for i, id := range s.log[:s.state.Commit] {
		switch {
		case i >= len(h.committed):
			h.committed = append(h.committed, commitment{id: id, by: s.state.Term.Term})
			grew = true
		case h.committed[i].id != id:
			return fmt.Sprintf("committed prefixes agree: offset %d is committed as %v, and at %s as %v", i+1, h.committed[i].id, serverName(changed), id)
		}
	}
	if grew {
		if broken := h.refusedStay(); broken != "" {
			return broken
		}
	}
	for i, other := range all {
		if i != changed && !matches(s.log, other.log) {
			return fmt.Sprintf("logs match: %s has %v, %s has %v", serverName(changed), s.log, serverName(i), other.log)
		}
		if broken := h.checkLeader(i, other); broken != "" {
			return broken
		}
	}
	return h.checkSurvival(all, voters)
}

// matches: where two logs hold the same entry, they hold the same before it.
func matches(a, b []replication.EntryID) bool {
	same := false
	for i := min(len(a), len(b)) - 1; i >= 0; i-- {
		if same && a[i] != b[i] {
			return false
		}
		same = same || a[i] == b[i]
	}
	return true
}

// checkLeader: a leader holds every entry that was committed in its term or in
// an earlier one.
func (h *history) checkLeader(i int, s *server) string {
	if s.state.Role != replication.RoleLeader {
		return ""
	}
	for at, c := range h.committed {
		if c.by <= s.state.Term.Term && (at >= len(s.log) || s.log[at] != c.id) {
			return fmt.Sprintf("committed entries stay: %s leads %v without %v", serverName(i), s.state.Term, c.id)
		}
	}
	return ""
}

// byTerm is the order of heads by the letter of rule 3, whatever the core's is.
func byTerm(a, b replication.EntryID) int {
	return cmp.Or(cmp.Compare(a.Term, b.Term), cmp.Compare(a.Offset, b.Offset))
}

// checkSurvival: were all servers to crash now and any quorum to elect, the
// replica that it had to choose would hold every committed entry. This is what
// makes a lost entry visible before somebody is elected without it.
func (h *history) checkSurvival(all *[servers]*server, voters *electorate) string {
	for _, quorum := range voters.quorums {
		var best *server
		var head replication.EntryID
		for i, m := range voters.members {
			// One that is not there votes as one that is made empty.
			if s := all[m.server]; quorum&(1<<i) != 0 && s.holds(m.replica) && byTerm(s.disk(), head) > 0 {
				best, head = s, s.disk()
			}
		}
		var durable []replication.EntryID
		if best != nil {
			durable = best.durable
		}
		for at, c := range h.committed {
			if at >= len(durable) || durable[at] != c.id {
				return fmt.Sprintf("committed entries stay: of %v, the one with head %v could be elected, and lacks %v",
					voters.names(quorum), head, c.id)
			}
		}
	}
	return ""
}

// holds reports whether a replica would be there after a crash.
func (s *server) holds(id replication.ReplicaID) bool {
	return s.record.Replica == id && !s.record.Deleted
}
