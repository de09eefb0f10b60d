package conformance

import (
	"fmt"
	"reflect"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// Messages returns the zero value of every type of message, in the order of the
// protocol's rules.
func Messages() []replication.Message {
	return []replication.Message{
		replication.Probe{}, replication.ProbeReply{}, replication.AskElection{},
		replication.NewTerm{}, replication.NewTermReply{},
		replication.BecomeLeader{}, replication.BecomeLeaderReply{}, replication.AddFollower{}, replication.Assign{},
		replication.Append{}, replication.Ack{}, replication.Quarantine{}, replication.Mismatch{}, replication.HigherTerm{},
		replication.Confirm{}, replication.Confirmed{},
		replication.Forward{}, replication.ForwardReply{},
		replication.CompleteChange{}, replication.ChangeCompleted{},
		replication.CreateReplica{}, replication.ReplicaCreated{},
		replication.DeleteReplica{}, replication.ReplicaDeleted{}, replication.NotMember{},
		replication.SnapshotChunk{}, replication.SnapshotAck{},
		replication.Beat{},
	}
}

// Envelope draws an envelope with a message of the type of zero.
func Envelope(from, to replication.ServerID, run replication.RunID, zero replication.Message) *rapid.Generator[replication.Envelope] {
	return rapid.Custom(func(t *rapid.T) replication.Envelope {
		return replication.Envelope{
			From: from, FromRun: run, To: to,
			Shard:       replication.ShardID(rapid.Int64().Draw(t, "shard")),
			FromReplica: replication.ReplicaID(rapid.Int64().Draw(t, "from")),
			ToReplica:   replication.ReplicaID(rapid.Int64().Draw(t, "to")),
			Message:     Message(zero).Draw(t, "message"),
		}
	})
}

// Message draws a well-formed message of the type of zero. Everything is drawn by
// the shape of the type, so that no field is left out; then what would mean nothing
// is mended. Lists and payloads without elements are nil.
func Message(zero replication.Message) *rapid.Generator[replication.Message] {
	return rapid.Custom(func(t *rapid.T) replication.Message {
		v := reflect.New(reflect.TypeOf(zero)).Elem()
		fill(t, v)
		return mend(v.Interface().(replication.Message))
	})
}

// mend makes a message mean something.
func mend(m replication.Message) replication.Message {
	switch m := m.(type) {
	case replication.Append:
		m.Prev.Offset = max(m.Prev.Offset, 0) % (1 << 40)
		m.Term.Term = max(m.Term.Term, m.Prev.Term)
		for i := range m.Entries {
			m.Entries[i].ID = replication.EntryID{Term: m.Prev.Term, Offset: m.Prev.Offset + 1 + replication.Offset(i)}
		}
		if n := len(m.Entries); n > 0 {
			m.Entries[n-1].ID.Term = m.Term.Term
		}
		return m
	case replication.SnapshotChunk:
		m.Last = replication.EntryID{Term: max(m.Last.Term, 1), Offset: max(m.Last.Offset, 1)}
		m.Term.Term, m.Position = max(m.Term.Term, m.Last.Term), max(m.Position, 0)
		return m
	case replication.SnapshotAck:
		m.Last.Offset, m.Position = max(m.Last.Offset, 1), max(m.Position, 0)
		return m
	case replication.Assign:
		m.Document.Version = max(m.Document.Version, 1)
		m.Document.Term.Term = max(m.Document.Term.Term, 1)
		m.Document.Ensemble = append(m.Document.Ensemble, replication.DocumentMember{})
		return m
	}
	return m
}

func fill(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case replication.Role, replication.RequestKind, replication.Status, replication.OutcomeKind:
		v.SetUint(rapid.Uint64Range(1, 2).Draw(t, "number"))
		return
	case replication.Refusal:
		v.SetUint(rapid.Uint64Range(0, uint64(replication.RefusedIncarnation)).Draw(t, "refusal"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, "length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Int64, reflect.Int:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(rapid.Uint64Max(1<<uint(v.Type().Bits())-1).Draw(t, "uint"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.String:
		v.SetString(rapid.StringMatching(`n[0-9]{1,3}`).Draw(t, "string"))
	default:
		panic(fmt.Sprintf("conformance: a message has a field of type %v: teach fill about it", v.Type()))
	}
}
