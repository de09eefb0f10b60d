package wellformed

import (
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// Message returns what is wrong with a message, or nil.
func Message(m replication.Message) error {
	switch m := m.(type) {
	case replication.ProbeReply:
		return number("role", uint8(m.Role), uint8(replication.RoleFenced), uint8(replication.RoleLeader))
	case replication.NewTermReply:
		return refusal(m.Refused)
	case replication.BecomeLeaderReply:
		return refusal(m.Refused)
	case replication.ReplicaCreated:
		return refusal(m.Refused)
	case replication.Assign:
		return Document(&m.Document)
	case replication.Append:
		return entries(&m)
	case replication.SnapshotChunk:
		return chunk(&m)
	case replication.SnapshotAck:
		return chunkAck(&m)
	case replication.Forward:
		return number("request kind", uint8(m.Kind), uint8(replication.RequestWrite), uint8(replication.RequestRead))
	case replication.ForwardReply:
		return outcome(&m.Outcome)
	}
	return nil
}

func number(what string, v, least, most uint8) error {
	if v < least || v > most {
		return fmt.Errorf("unknown %s %d", what, v)
	}
	return nil
}

func refusal(r replication.Refusal) error {
	return number("refusal", uint8(r), 0, uint8(replication.RefusedIncarnation))
}

func outcome(o *replication.Outcome) error {
	if err := refusal(o.Refusal); err != nil {
		return err
	}
	return number("outcome", uint8(o.Kind), uint8(replication.OutcomeDone), uint8(replication.OutcomeUnknown))
}

// Document returns what is wrong with a shard's document, or nil.
func Document(d *replication.Document) error {
	if d.Version < 1 || d.Term.Term < 1 || (len(d.Ensemble) == 0) != (d.Status == replication.StatusDeleted) {
		return fmt.Errorf("document of version %d, term %v, status %d, with %d members", d.Version, d.Term, d.Status, len(d.Ensemble))
	}
	return number("status", uint8(d.Status), uint8(replication.StatusElecting), uint8(replication.StatusDeleted))
}

func entries(m *replication.Append) error {
	last := m.Prev
	for _, e := range m.Entries {
		if e.ID.Offset != last.Offset+1 || e.ID.Term < last.Term {
			return fmt.Errorf("entry %v after %v", e.ID, last)
		}
		last = e.ID
	}
	if m.Prev.Offset < 0 || last.Offset < m.Prev.Offset || last.Term > m.Term.Term {
		return fmt.Errorf("entries from %v to %v in term %v", m.Prev, last, m.Term)
	}
	return nil
}

func chunk(m *replication.SnapshotChunk) error {
	if m.Position < 0 || m.Last.Offset < 1 || m.Last.Term < 1 || m.Last.Term > m.Term.Term {
		return fmt.Errorf("part at %d of a snapshot at entry %v in term %v", m.Position, m.Last, m.Term)
	}
	return nil
}

func chunkAck(m *replication.SnapshotAck) error {
	if m.Position < 0 || m.Last.Offset < 1 {
		return fmt.Errorf("%d bytes are kept of a snapshot at entry %v", m.Position, m.Last)
	}
	return nil
}
