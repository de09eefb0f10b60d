package maelstrom

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/replication"
)

// storeBench is a store whose service is the test.
type storeBench struct {
	*store
	asked   []any
	answers []func(jepsen.Message)
	events  []replication.Event
}

func newStoreBench() *storeBench {
	b := &storeBench{}
	b.store = &store{
		clock: newClock(), within: time.Second, logger: slog.New(slog.DiscardHandler),
		texts: map[replication.ShardID]storedText{},
		ask: func(body any, answer func(jepsen.Message)) error {
			b.asked, b.answers = append(b.asked, body), append(b.answers, answer)
			return nil
		},
		done: func(_ replication.ShardID, event replication.Event) { b.events = append(b.events, event) },
	}
	return b
}

// answer answers the oldest call.
func (b *storeBench) answer(body string) {
	answer := b.answers[0]
	b.answers = b.answers[1:]
	answer(jepsen.Message{Body: json.RawMessage(body)})
}

func (b *storeBench) wantEvents(t *testing.T, want ...replication.Event) {
	t.Helper()
	if !reflect.DeepEqual(b.events, want) {
		t.Errorf("reported %+v, want %+v", b.events, want)
	}
	b.events = nil
}

func testDocument(version int64) replication.Document {
	return replication.Document{
		Version: version, Term: replication.TermID{Term: 3, Election: 1 << 63}, Status: replication.StatusElecting,
		Ensemble: []replication.DocumentMember{{Member: replication.Member{Server: "n1", Replica: 1}, Incarnation: 1<<64 - 1}},
	}
}

func stored(d replication.Document, outcome replication.StoreOutcome) replication.DocumentStored {
	return replication.DocumentStored{Version: d.Version, Term: d.Term, Outcome: outcome}
}

func valueAnswer(d replication.Document) string {
	value, _ := json.Marshal(documentText(d))
	return `{"type":"read_ok","value":` + string(value) + `}`
}

func TestLoadTellsWhatTheServiceHas(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         replication.DocumentLoaded
	}{
		{"a document", valueAnswer(testDocument(7)), replication.DocumentLoaded{Document: testDocument(7), Found: true}},
		{"none", `{"type":"error","code":20}`, replication.DocumentLoaded{}},
		{"an error", `{"type":"error","code":11}`, replication.DocumentLoaded{Failed: true}},
		{"a timeout, whose code is zero", `{"type":"error","code":0}`, replication.DocumentLoaded{Failed: true}},
		{"somebody else's value", `{"type":"read_ok","value":"x"}`, replication.DocumentLoaded{Failed: true}},
		{"a number", `{"type":"read_ok","value":5}`, replication.DocumentLoaded{Failed: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newStoreBench()
			b.Load(1)
			b.answer(c.answer)
			b.wantEvents(t, c.want)
		})
	}
}

func TestCompareAndSetComparesWhatWasLastKnown(t *testing.T) {
	b := newStoreBench()
	first, second, third := testDocument(1), testDocument(2), testDocument(3)
	b.CompareAndSet(1, first)
	b.answer(`{"type":"cas_ok"}`)
	b.CompareAndSet(1, second)
	b.answer(`{"type":"cas_ok"}`)
	b.wantEvents(t, stored(first, replication.StoreDone), stored(second, replication.StoreDone))
	b.note(1, third)
	b.CompareAndSet(1, testDocument(4))
	want := []any{
		casBody{Type: "cas", Key: "ostraka/shard-1", To: documentText(first), Create: true},
		casBody{Type: "cas", Key: "ostraka/shard-1", From: documentText(first), To: documentText(second)},
		casBody{Type: "cas", Key: "ostraka/shard-1", From: documentText(third), To: documentText(testDocument(4))},
	}
	if !reflect.DeepEqual(b.asked, want) {
		t.Errorf("asked %+v, want %+v", b.asked, want)
	}
}

func TestCompareAndSetOutcomes(t *testing.T) {
	for answer, want := range map[string]replication.StoreOutcome{
		`{"type":"cas_ok"}`:                replication.StoreDone,
		`{"type":"error","code":22}`:       replication.StoreConflict,
		`{"type":"error","code":20}`:       replication.StoreConflict,
		`{"type":"error","code":0}`:        replication.StoreUnknown,
		`{"type":"error","code":13}`:       replication.StoreUnknown,
		`{"type":"error","code":11}`:       replication.StoreUnknown,
		`{"type":"something","value":"x"}`: replication.StoreUnknown,
		`"what"`:                           replication.StoreUnknown,
	} {
		b := newStoreBench()
		b.CompareAndSet(1, testDocument(1))
		b.answer(answer)
		b.wantEvents(t, stored(testDocument(1), want))
	}
}

func TestWithoutTheTextBeforeItIsAConflict(t *testing.T) {
	b := newStoreBench()
	b.note(1, testDocument(4))
	b.CompareAndSet(1, testDocument(9))
	b.wantEvents(t, stored(testDocument(9), replication.StoreConflict))
	if b.asked != nil {
		t.Errorf("asked %+v", b.asked)
	}
}

func TestAnAnswerThatComesTooLateIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStoreBench()
		b.CompareAndSet(1, testDocument(1))
		b.Load(1)
		deadline := b.deadline()
		b.expire(deadline - 1)
		b.wantEvents(t)
		b.expire(deadline)
		b.wantEvents(t, stored(testDocument(1), replication.StoreUnknown), replication.DocumentLoaded{Failed: true})
		b.answer(`{"type":"cas_ok"}`)
		b.answer(valueAnswer(testDocument(1)))
		b.wantEvents(t)
		if b.deadline() != replication.Never {
			t.Errorf("the deadline is %v", b.deadline())
		}
	})
}

// A document that a peer announced decodes to the text that the service has.
func TestADocumentHasOneText(t *testing.T) {
	d := testDocument(5)
	back, err := parseDocument(documentText(d))
	if err != nil || !reflect.DeepEqual(back, d) || documentText(back) != documentText(d) {
		t.Errorf("%+v, %v", back, err)
	}
}
