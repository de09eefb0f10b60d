package maelstrom

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/replicationtest/conformance"
)

func TestEveryMessageSurvivesTheWire(t *testing.T) {
	kinds := rapid.SampledFrom(conformance.Messages())
	rapid.Check(t, func(t *rapid.T) {
		run := replication.RunID(rapid.Uint64Min(1).Draw(t, "run"))
		sent := conformance.Envelope("n1", "n2", run, kinds.Draw(t, "kind")).Draw(t, "envelope")
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

func TestTheTableHasEveryMessageOnce(t *testing.T) {
	n := len(conformance.Messages())
	if len(kindsByName) != n || len(kindsByType) != n || len(messageKinds) != n {
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
		{"a part of a snapshot of nothing", `{"from":"n1","run":1,"kind":"snapshot_chunk","message":{"Term":{"Term":1}}}`, "snapshot at entry 0.0"},
		{"a part at no place", `{"from":"n1","run":1,"kind":"snapshot_chunk","message":{"Term":{"Term":1},"Last":{"Term":1,"Offset":1},"Position":-1}}`, "part at -1"},
		{"less than nothing kept", `{"from":"n1","run":1,"kind":"snapshot_ack","message":{"Last":{"Term":1,"Offset":1},"Position":-1}}`, "-1 bytes are kept"},
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
