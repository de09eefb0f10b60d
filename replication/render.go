package replication

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Render describes a message in one line, as traces and golden scripts show it.
func Render(m Message) string {
	switch m := m.(type) {
	case Probe:
		return "Probe"
	case ProbeReply:
		return renderProbeReply(m)
	case AskElection:
		return fmt.Sprintf("AskElection %v", m.Term)
	case NewTerm:
		return fmt.Sprintf("NewTerm %v", m.Term)
	case NewTermReply:
		return fmt.Sprintf("NewTermReply %v %s%s", m.Term, headOr(m.Refused, m.Head), word(m.Damaged, "damaged"))
	case BecomeLeader:
		return fmt.Sprintf("BecomeLeader %v ensemble=%v%s heads=%v%s", m.Term, m.Ensemble, joining(m.Joining), m.Heads, settings(m.Settings))
	case BecomeLeaderReply:
		return fmt.Sprintf("BecomeLeaderReply %v %s", m.Term, readyOr(m.Refused, m.Ready))
	case AddFollower:
		return fmt.Sprintf("AddFollower %v %v", m.Term, m.Member)
	case Assign:
		return fmt.Sprintf("Assign %v", &m.Document)
	case Append:
		return renderAppend(m)
	case Ack:
		return renderAck(m)
	case Mismatch:
		return fmt.Sprintf("Mismatch %v prev=%v have=%v", m.Term, m.Prev, m.Have)
	case Quarantine:
		return fmt.Sprintf("Quarantine %v %v", m.Term, m.Check)
	case HigherTerm:
		return fmt.Sprintf("HigherTerm %v", m.Term)
	case Confirm:
		return fmt.Sprintf("Confirm %v round=%d commit=%d", m.Term, m.Round, m.Commit)
	case Confirmed:
		return fmt.Sprintf("Confirmed %v round=%d", m.Term, m.Round)
	case SnapshotChunk:
		return renderChunk(m)
	case SnapshotAck:
		return fmt.Sprintf("SnapshotAck %v last=%v %s", m.Term, m.Last, installedOr(m.Installed, m.Position))
	case Forward:
		return fmt.Sprintf("Forward #%d %v %s", m.Sequence, m.Kind, printable(m.Body))
	case CompleteChange:
		return fmt.Sprintf("CompleteChange %v ensemble=%v", m.Term, m.Ensemble)
	case ChangeCompleted:
		return fmt.Sprintf("ChangeCompleted %v", m.Term)
	case DeleteReplica:
		return fmt.Sprintf("DeleteReplica %v", m.Term)
	case ReplicaDeleted:
		return fmt.Sprintf("ReplicaDeleted %v", m.Term)
	case NotMember:
		return fmt.Sprintf("NotMember{Incarnation:%d}%s", m.Incarnation, word(m.Deleted, "deleted"))
	case ForwardReply:
		return fmt.Sprintf("ForwardReply #%d %v", m.Sequence, m.Outcome)
	default:
		return strings.TrimPrefix(fmt.Sprintf("%T%+v", m, m), "replication.")
	}
}

func renderProbeReply(m ProbeReply) string {
	heard := "never"
	if m.Heard >= 0 {
		heard = m.Heard.String()
	}
	text := fmt.Sprintf("ProbeReply %v %v head=%v", m.Term, m.Role, m.Head)
	if m.Leader != (Member{}) {
		text += fmt.Sprintf(" leader=%v heard=%s", m.Leader, heard)
	}
	if m.Serving {
		text += " serving"
	}
	return text
}

func renderAppend(m Append) string {
	text := fmt.Sprintf("Append %v prev=%v [", m.Term, m.Prev)
	for i, e := range m.Entries {
		if i > 0 {
			text += " "
		}
		text += RenderEntry(e)
	}
	text += fmt.Sprintf("] commit=%d", m.Commit)
	if m.Probing {
		text += " probing"
	}
	return text
}

func renderAck(m Ack) string {
	text := fmt.Sprintf("Ack %v match=%d commit=%d", m.Term, m.Match, m.Commit)
	if m.Needs != 0 {
		text += fmt.Sprintf(" needs=%d", m.Needs)
	}
	if m.Check != (Check{}) {
		text += fmt.Sprintf(" check=%v", m.Check)
	}
	return text
}

func (c Check) String() string { return fmt.Sprintf("%d:%04x", c.Offset, c.Sum&0xffff) }

// word is a word that stands after others if something is so.
func word(so bool, text string) string {
	if !so {
		return ""
	}
	return " " + text
}

func renderChunk(m SnapshotChunk) string {
	text := fmt.Sprintf("SnapshotChunk %v last=%v at=%d %s", m.Term, m.Last, m.Position, strconv.Quote(printable(m.Data)))
	if m.Final {
		text += " final"
	}
	return text
}

func installedOr(installed bool, kept int64) string {
	if installed {
		return "installed"
	}
	return fmt.Sprintf("kept=%d", kept)
}

// RenderEntry describes an entry: its id, and its payload if that is text.
func RenderEntry(e Entry) string {
	if len(e.Payload) == 0 {
		return e.ID.String()
	}
	return e.ID.String() + ":" + printable(e.Payload)
}

func (h MemberHead) String() string { return fmt.Sprintf("%v@%v", h.Member, h.Head) }

func (o Outcome) String() string {
	switch o.Kind {
	case OutcomeRefused:
		return "refused: " + o.Refusal.String()
	case OutcomeDone:
		text := "done"
		if o.Offset > 0 {
			text += fmt.Sprintf(" offset=%d", o.Offset)
		}
		if len(o.Result) > 0 {
			text += " " + printable(o.Result)
		}
		return text
	default:
		return o.Kind.String()
	}
}

func (d *Document) String() string {
	text := fmt.Sprintf("v%d %v %v", d.Version, d.Term, d.Status)
	if d.Leader != (Member{}) {
		text += fmt.Sprintf(" leader=%v", d.Leader)
	}
	return text + fmt.Sprintf(" ensemble=%v%s%s%s%s", bareMembers(d.Ensemble),
		named("joining", d.Joining), named("learners", d.Learners), named("removed", d.Removed), settings(d.Settings))
}

func settings(s []byte) string {
	if len(s) == 0 {
		return ""
	}
	return " settings=" + printable(s)
}

// named shows members under a name, and nothing where there are none.
func named(name string, members []DocumentMember) string {
	if len(members) == 0 {
		return ""
	}
	return fmt.Sprintf(" %s=%v", name, bareMembers(members))
}

func joining(members []Member) string {
	if len(members) == 0 {
		return ""
	}
	return fmt.Sprintf(" joining=%v", members)
}

func headOr(why Refusal, head EntryID) string {
	if why != 0 {
		return "refused: " + why.String()
	}
	return fmt.Sprintf("head=%v", head)
}

func readyOr(why Refusal, ready bool) string {
	switch {
	case why != 0:
		return "refused: " + why.String()
	case ready:
		return "ready"
	}
	return "accepted"
}

// printable shows a payload as it is if it is short text, and else its length.
func printable(b []byte) string {
	if len(b) > 40 || !utf8.Valid(b) || strings.ContainsFunc(string(b), unicode.IsControl) {
		return fmt.Sprintf("(%d bytes)", len(b))
	}
	return string(b)
}
