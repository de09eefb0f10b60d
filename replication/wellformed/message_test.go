package wellformed

import (
	"math"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/replication"
)

func TestMessage(t *testing.T) {
	term := replication.TermID{Term: 3, Election: 7}
	first := replication.EntryID{Term: 2, Offset: 5}
	follows := func(ids ...replication.EntryID) replication.Append {
		m := replication.Append{Term: term, Prev: first}
		for _, id := range ids {
			m.Entries = append(m.Entries, replication.Entry{ID: id})
		}
		return m
	}
	doc := replication.Document{
		Version: 1, Term: term, Status: replication.StatusSteady, Ensemble: make([]replication.DocumentMember, 1),
	}
	unversioned, empty, floating := doc, doc, doc
	unversioned.Version, empty.Ensemble, floating.Status = 0, nil, 9
	for _, c := range []struct {
		name    string
		message replication.Message
		want    string // nothing if well-formed
	}{
		{"a beat", replication.Beat{}, ""},
		{"a role", replication.ProbeReply{Role: replication.RoleLeader}, ""},
		{"no role", replication.ProbeReply{}, "unknown role 0"},
		{"a role that never travels", replication.ProbeReply{Role: replication.RoleDeleted}, "unknown role"},
		{"no refusal", replication.NewTermReply{}, ""},
		{"an unknown refusal of a term", replication.NewTermReply{Refused: 99}, "unknown refusal 99"},
		{"an unknown refusal to lead", replication.BecomeLeaderReply{Refused: 99}, "unknown refusal"},
		{"an unknown refusal to be made", replication.ReplicaCreated{Refused: 99}, "unknown refusal"},
		{"a document", replication.Assign{Document: doc}, ""},
		{"a document without a version", replication.Assign{Document: unversioned}, "version 0"},
		{"a document without members", replication.Assign{Document: empty}, "0 members"},
		{"a document of no status", replication.Assign{Document: floating}, "unknown status"},
		{"no entries", follows(), ""},
		{"entries", follows(replication.EntryID{Term: 2, Offset: 6}, replication.EntryID{Term: 3, Offset: 7}), ""},
		{"a gap", follows(replication.EntryID{Term: 2, Offset: 7}), "2.7 after 2.5"},
		{"a lower term", follows(replication.EntryID{Term: 1, Offset: 6}), "1.6 after 2.5"},
		{"a term to come", follows(replication.EntryID{Term: 4, Offset: 6}), "in term t3"},
		{"before the first entry", replication.Append{Term: term, Prev: replication.EntryID{Offset: -1}}, "from 0.-1"},
		{"beyond the last offset", replication.Append{
			Term: term, Prev: replication.EntryID{Offset: math.MaxInt64},
			Entries: []replication.Entry{{ID: replication.EntryID{Offset: math.MinInt64}}},
		}, "entries from"},
		{"a part", replication.SnapshotChunk{Term: term, Last: first}, ""},
		{"a part of nothing", replication.SnapshotChunk{Term: term}, "snapshot at entry 0.0"},
		{"a part of what is to come", replication.SnapshotChunk{
			Term: term, Last: replication.EntryID{Term: 4, Offset: 1},
		}, "entry 4.1 in term t3"},
		{"a part at no place", replication.SnapshotChunk{Term: term, Last: first, Position: -1}, "part at -1"},
		{"a part that is kept", replication.SnapshotAck{Last: first}, ""},
		{"less than nothing kept", replication.SnapshotAck{Last: first, Position: -1}, "-1 bytes"},
		{"nothing that is kept", replication.SnapshotAck{}, "entry 0.0"},
		{"a request", replication.Forward{Kind: replication.RequestRead}, ""},
		{"a request of no kind", replication.Forward{}, "unknown request kind"},
		{"an outcome", replication.ForwardReply{Outcome: replication.Outcome{Kind: replication.OutcomeDone}}, ""},
		{"no outcome", replication.ForwardReply{}, "unknown outcome"},
		{"an outcome refused for nothing known", replication.ForwardReply{
			Outcome: replication.Outcome{Kind: replication.OutcomeRefused, Refusal: 99},
		}, "unknown refusal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch err := Message(c.message); {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
