package trace

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// received names what the arrival of a message at a replica was.
func (c *converter) received(t *replicaTrack, l *Line, from replication.Envelope) error {
	r := field{"r", t.name}
	q := field{"q", text(memberName(replication.Member{Server: from.From, Replica: from.FromReplica}))}
	term := func(id replication.TermID) field { return field{"t", c.names.term(id)} }
	switch m := from.Message.(type) {
	case replication.AddFollower:
		c.emit("Learn", r, field{"q", text(memberName(m.Member.Member))}, term(m.Term))
	case replication.CompleteChange:
		if _, byHand := c.names.owner(m.Term); byHand {
			c.emit("HandForwards", field{"n", number(m.Term.Term)}, field{"ens", members(m.Ensemble)})
		}
		c.emit("Forward", r, term(m.Term), field{"ens", members(m.Ensemble)})
	case replication.Probe, replication.NotMember, replication.Mismatch:
		// An answer, or another beginning for a cursor: the network holds every
		// piece of the log.
	case replication.NewTerm:
		c.handFences(m.Term)
		c.emit("NewTerm", r, term(m.Term))
	case replication.BecomeLeader:
		c.leads(t, l, m)
	case replication.Append:
		c.appended(t, l, m)
	case replication.Ack:
		c.emit("Ack", r, q, term(m.Term), field{"upTo", number(m.Match)})
	case replication.SnapshotAck:
		if m.Installed {
			c.emit("Ack", r, q, term(m.Term), field{"upTo", number(m.Last.Offset)})
		}
	case replication.HigherTerm:
		if from.FromReplica == 0 {
			c.emit("HandTells", field{"n", number(l.Replica.Term.Term)})
		}
		c.emit("HigherTerm", r, field{"n", number(m.Term.Term)})
	case replication.Confirm:
		c.emit("Confirm", r, term(m.Term), field{"round", number(m.Round)}, field{"commit", number(m.Commit)})
	case replication.Confirmed:
		c.emit("Confirmed", r, q, term(m.Term), field{"round", number(m.Round)})
	case replication.SnapshotChunk:
		c.chunk(t, l, m)
	default:
		return fmt.Errorf("a replica received a %T", m)
	}
	return nil
}

// handFences: a term that no coordinator claimed comes from a script.
func (c *converter) handFences(t replication.TermID) {
	term := c.names.term(t)
	if _, byHand := c.names.owner(t); byHand && !c.hands[term] {
		c.hands[term] = true
		c.emit("HandFences", field{"t", term})
	}
}

func (c *converter) leads(t *replicaTrack, l *Line, m replication.BecomeLeader) {
	choice := c.names.choice(m, t.member)
	if _, byHand := c.names.owner(m.Term); byHand && !c.hands[choice] {
		c.hands[choice] = true
		c.emit("HandChooses", field{"ch", choice})
	}
	for _, op := range l.Effects.Log {
		c.names.barrier(op.Entries[0])
	}
	c.emit("BecomeLeader", field{"r", t.name}, field{"ch", choice})
}

// appended: the message, and then those that came too early and have their turn
// now. One that is still ahead of the log is kept, if there is room; what the log
// shows afterwards tells which had been.
func (c *converter) appended(t *replicaTrack, l *Line, m replication.Append) {
	if l.Replica.Term != t.term {
		t.early = nil
	}
	c.piece(t, m)
	head := t.memory.history.Head().Offset
	if m.Prev.Offset > head {
		if !m.Probing && l.Replica.Term == m.Term && !l.Replica.Installing {
			t.keep(m)
		}
		return
	}
	if len(l.Effects.Log) == 0 && len(t.early) == 0 {
		return
	}
	head = max(head, end(m))
	for len(t.early) > 0 && t.early[0].Prev.Offset <= head && l.Replica.Head.Offset >= t.early[0].Prev.Offset {
		early := t.early[0]
		t.early = t.early[1:]
		if end(early) <= l.Replica.Head.Offset {
			c.piece(t, early)
			head = max(head, end(early))
		}
	}
}

func (c *converter) piece(t *replicaTrack, m replication.Append) {
	c.emit("Append", field{"r", t.name}, field{"t", c.names.term(m.Term)}, field{"prev", entryID(m.Prev)},
		field{"es", c.names.entries(m.Entries)}, field{"commit", number(m.Commit)})
}

func end(m replication.Append) replication.Offset {
	return m.Prev.Offset + replication.Offset(len(m.Entries))
}

// keep keeps an early message in its place, the first of several with one place.
func (t *replicaTrack) keep(m replication.Append) {
	i, found := slices.BinarySearchFunc(t.early, m.Prev.Offset, func(a replication.Append, o replication.Offset) int {
		return cmp.Compare(a.Prev.Offset, o)
	})
	if !found {
		t.early = slices.Insert(t.early, i, m)
	}
}

// chunk: the final part of a snapshot begins its install, and any part of one that
// is held already is an ack. Others change nothing but who is followed.
func (c *converter) chunk(t *replicaTrack, l *Line, m replication.SnapshotChunk) {
	r, term := field{"r", t.name}, field{"t", c.names.term(m.Term)}
	busy := t.importing != nil
	held := m.Last.Offset <= t.commit || t.memory.history.Contains(m.Last)
	part := l.Effects.Import
	if !busy && held || part != nil && part.Final {
		c.emit("FinalPart", r, term, field{"last", entryID(m.Last)})
		return
	}
	c.emit("EarlierPart", r, term)
}

// sentByReplica is a message as the specification's network holds it; what only
// says when to ask again is not told.
func (c *converter) sentByReplica(t *replicaTrack, e replication.Envelope) (value, bool) {
	kind := func(name string, term replication.TermID, fields ...field) (value, bool) {
		return record(append([]field{{"m", text(name)}, {"t", c.names.term(term)}}, fields...)...), true
	}
	switch m := e.Message.(type) {
	case replication.NewTermReply:
		if m.Refused == 0 {
			return kind("NewTermReply", m.Term, field{"head", entryID(m.Head)})
		}
	case replication.BecomeLeaderReply:
		if m.Refused != 0 {
			return kind("Declined", m.Asked)
		}
		return kind("Ready", m.Term, field{"ready", boolean(m.Ready)})
	case replication.Append:
		return kind("Append", m.Term, field{"prev", entryID(m.Prev)}, field{"es", c.names.entries(m.Entries)}, field{"commit", number(m.Commit)})
	case replication.Ack:
		return kind("Ack", m.Term, field{"upTo", number(m.Match)})
	case replication.SnapshotAck:
		if m.Installed {
			return kind("Ack", m.Term, field{"upTo", number(m.Last.Offset)})
		}
	case replication.Mismatch:
		return kind("Mismatch", m.Term)
	case replication.HigherTerm:
		return kind("HigherTerm", m.Term)
	case replication.Confirm:
		return kind("Confirm", m.Term, field{"round", number(m.Round)}, field{"commit", number(m.Commit)})
	case replication.Confirmed:
		return kind("Confirmed", m.Term, field{"round", number(m.Round)})
	case replication.SnapshotChunk:
		return kind("Part", m.Term, field{"last", entryID(m.Last)})
	case replication.AskElection:
		return kind("AskElection", m.Term)
	case replication.ProbeReply:
		return kind("ProbeReply", m.Term, field{"role", text(m.Role.String())}, field{"head", entryID(m.Head)}, field{"serving", boolean(m.Serving)})
	case replication.ReplicaCreated:
		return kind("Created", replication.TermID{})
	}
	return "", false
}
