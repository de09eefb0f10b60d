package maelstrom

import (
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// What JSON cannot say of a message: which numbers name something, and that
// entries follow one another. The core relies on it, as on a transport that does
// not corrupt.

func checkRefusal(r replication.Refusal) error {
	return checkNumber("refusal", uint8(r), 0, uint8(replication.RefusedIncarnation))
}

func checkNumber(what string, v, least, most uint8) error {
	if v < least || v > most {
		return fmt.Errorf("unknown %s %d", what, v)
	}
	return nil
}

func checkProbeReply(m replication.ProbeReply) error {
	return checkNumber("role", uint8(m.Role), uint8(replication.RoleFenced), uint8(replication.RoleLeader))
}

func checkNewTermReply(m replication.NewTermReply) error { return checkRefusal(m.Refused) }

func checkBecomeLeaderReply(m replication.BecomeLeaderReply) error { return checkRefusal(m.Refused) }

func checkReplicaCreated(m replication.ReplicaCreated) error { return checkRefusal(m.Refused) }

func checkAssign(m replication.Assign) error { return checkDocument(m.Document) }

func checkDocument(d replication.Document) error {
	if d.Version < 1 || d.Term.Term < 1 || len(d.Ensemble) == 0 {
		return fmt.Errorf("document of version %d, term %v, with %d members", d.Version, d.Term, len(d.Ensemble))
	}
	return checkNumber("status", uint8(d.Status), uint8(replication.StatusElecting), uint8(replication.StatusSteady))
}

func checkAppend(m replication.Append) error {
	last := m.Prev
	for _, e := range m.Entries {
		if e.ID.Offset != last.Offset+1 || e.ID.Term < last.Term {
			return fmt.Errorf("entry %v after %v", e.ID, last)
		}
		last = e.ID
	}
	if m.Prev.Offset < 0 || last.Term > m.Term.Term {
		return fmt.Errorf("entries from %v to %v in term %v", m.Prev, last, m.Term)
	}
	return nil
}

func checkForward(m replication.Forward) error {
	return checkNumber("request kind", uint8(m.Kind), uint8(replication.RequestWrite), uint8(replication.RequestRead))
}

func checkForwardReply(m replication.ForwardReply) error {
	if err := checkRefusal(m.Outcome.Refusal); err != nil {
		return err
	}
	return checkNumber("outcome", uint8(m.Outcome.Kind), uint8(replication.OutcomeDone), uint8(replication.OutcomeUnknown))
}
