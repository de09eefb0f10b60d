package maelstrom

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// anyMessage draws a well-formed message of a kind. Everything is drawn by the
// shape of the type; then what JSON cannot say is mended.
func anyMessage(t *rapid.T, k messageKind) replication.Message {
	v := reflect.New(k.of).Elem()
	fill(t, v)
	switch m := v.Interface().(type) {
	case replication.Append:
		m.Prev.Offset = max(m.Prev.Offset, 0) % (1 << 40)
		for i := range m.Entries {
			m.Entries[i].ID = replication.EntryID{Term: m.Prev.Term, Offset: m.Prev.Offset + 1 + replication.Offset(i)}
		}
		m.Term.Term = max(m.Term.Term, m.Prev.Term)
		return m
	case replication.Assign:
		m.Document.Version = max(m.Document.Version, 1)
		m.Document.Term.Term = max(m.Document.Term.Term, 1)
		m.Document.Ensemble = append(m.Document.Ensemble, replication.DocumentMember{})
		return m
	}
	return v.Interface().(replication.Message)
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
		if rapid.Bool().Draw(t, "nil") {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "length"), 3))
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
		t.Fatalf("a field of type %v", v.Type())
	}
}

func TestEveryMessageSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := replication.Envelope{
			From: "n1", FromRun: replication.RunID(rapid.Uint64Min(1).Draw(t, "run")), To: "n2",
			Shard:       replication.ShardID(rapid.Int64().Draw(t, "shard")),
			FromReplica: replication.ReplicaID(rapid.Int64().Draw(t, "from")),
			ToReplica:   replication.ReplicaID(rapid.Int64().Draw(t, "to")),
			Message:     anyMessage(t, rapid.SampledFrom(messageKinds).Draw(t, "kind")),
		}
		w, err := encode(sent)
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(peerBody{Type: typePeer, Mail: []wireEnvelope{w}})
		if err != nil {
			t.Fatal(err)
		}
		body, err := parsePeer(line)
		if err != nil {
			t.Fatal(err)
		}
		got, err := body.Mail[0].decode()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !reflect.DeepEqual(got, sent) {
			t.Fatalf("sent %+v, got %+v", sent, got)
		}
		if size := len(line) - len(`{"type":"peer","mail":[]}`); envelopeBytes(w) < size {
			t.Fatalf("an envelope of %d bytes is said to have at most %d", size, envelopeBytes(w))
		}
	})
}

// The core's set of messages is closed, by a method that each type has: a new one
// has to be entered here too.
func TestTheTableHasEveryMessageOnce(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "message.go"))
	if err != nil {
		t.Fatal(err)
	}
	types := regexp.MustCompile(`(?m)^func \(\w+\) message\(\)`).FindAll(source, -1)
	if n := len(types); n == 0 || len(kindsByName) != n || len(kindsByType) != n || len(messageKinds) != n {
		t.Errorf("%d rows, %d names and %d types for %d messages",
			len(messageKinds), len(kindsByName), len(kindsByType), n)
	}
}

func TestMalformedEnvelopesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, json, want string }{
		{"no kind", `{"from":"n1","run":1,"message":{}}`, "unknown kind"},
		{"an unknown kind", `{"from":"n1","run":1,"kind":"gossip","message":{}}`, "unknown kind"},
		{"no sender", `{"run":1,"kind":"beat","message":{}}`, "without a sender"},
		{"no run", `{"from":"n1","kind":"beat","message":{}}`, "without a sender"},
		{"no message", `{"from":"n1","run":1,"kind":"beat"}`, "message beat"},
		{"an unknown field", `{"from":"n1","run":1,"kind":"beat","message":{"X":1}}`, "unknown field"},
		{"another type", `{"from":"n1","run":1,"kind":"ack","message":{"Match":"x"}}`, "message ack"},
		{"an unknown role", `{"from":"n1","run":1,"kind":"probe_reply","message":{"Role":9}}`, "unknown role"},
		{"an unknown refusal", `{"from":"n1","run":1,"kind":"replica_created","message":{"Refused":99}}`, "unknown refusal"},
		{"no outcome", `{"from":"n1","run":1,"kind":"forward_reply","message":{}}`, "unknown outcome"},
		{"a gap", `{"from":"n1","run":1,"kind":"append","message":{"Entries":[{"ID":{"Offset":2}}]}}`, "after"},
		{"an empty document", `{"from":"n1","run":1,"kind":"assign","message":{"Document":{}}}`, "document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w wireEnvelope
			if err := json.Unmarshal([]byte(c.json), &w); err != nil {
				t.Fatal(err)
			}
			if e, err := w.decode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("decoded to %+v, %v", e, err)
			}
		})
	}
}

// Whatever comes in a line is refused or understood, and then encodes again to
// what means the same.
func FuzzPeerLine(f *testing.F) {
	f.Add([]byte(`{"type":"peer","hears":[{"origin":"n1","version":3,"hears":["n2"]}],"mail":[{"from":"n1","to":"n2","run":7,"kind":"beat","message":{"Incarnation":5}}]}`))
	f.Add([]byte(`{"type":"peer","mail":[{"from":"n1","to":"n2","run":7,"shard":1,"kind":"append","message":{"Term":{"Term":1},"Entries":[{"ID":{"Term":1,"Offset":1},"Payload":"AQA="}]}}]}`))
	f.Add([]byte(`{"mail":[{"from":"n1","run":1,"kind":"forward_reply","message":{"Outcome":{"Kind":2,"Refusal":3}}}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		body, err := parsePeer(line)
		if err != nil {
			return
		}
		for _, w := range body.Mail {
			e, err := w.decode()
			if err != nil {
				continue
			}
			again, err := encode(e)
			if err != nil {
				t.Fatal(err)
			}
			back, err := again.decode()
			if err != nil || !reflect.DeepEqual(back, e) {
				t.Fatalf("%+v became %+v, %v", e, back, err)
			}
		}
	})
}
