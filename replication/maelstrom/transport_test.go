package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/maelstrom/overlay"
)

type sentLine struct {
	to   string
	body peerBody
	size int
}

func newTestTransport(lines *[]sentLine) *transport {
	c := newClock()
	servers := []replication.ServerID{"n1", "n2", "n3"}
	return &transport{
		self: "n1", clock: c, logger: slog.New(slog.DiscardHandler),
		router: overlay.New("n1", servers, 1, c.now().Mono, overlayOptions(DefaultOptions())),
		line: func(to string, body any) error {
			raw, err := json.Marshal(body)
			*lines = append(*lines, sentLine{to, body.(peerBody), len(raw)})
			return err
		},
	}
}

func appendMessage(payloads ...int) replication.Append {
	m := replication.Append{Term: replication.TermID{Term: 1}}
	for i, n := range payloads {
		m.Entries = append(m.Entries, replication.Entry{
			ID: replication.EntryID{Term: 1, Offset: replication.Offset(i + 1)}, Payload: bytes.Repeat([]byte{0xff}, n),
		})
	}
	return m
}

func envelope(to replication.ServerID, m replication.Message) replication.Envelope {
	return replication.Envelope{From: "n1", FromRun: 1, To: to, Shard: 1, Message: m}
}

func TestAStepSendsOneLineToEachServerAsLongAsItFits(t *testing.T) {
	var lines []sentLine
	tr := newTestTransport(&lines)
	small, large := envelope("n2", appendMessage(1)), envelope("n2", appendMessage(20<<10))
	tr.Send("n2", []replication.Envelope{small, small})
	tr.Send("n3", []replication.Envelope{envelope("n3", replication.Beat{})})
	tr.Send("n2", []replication.Envelope{large, large, large, small})
	tr.flush()
	var got []int
	for _, l := range lines {
		got = append(got, len(l.body.Mail))
		if l.size > maxLineBytes {
			t.Errorf("a line of %d bytes", l.size)
		}
	}
	if want := []int{4, 2, 1}; len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("lines of %v envelopes, want %v", got, want)
	}
	if tr.dropped != 0 {
		t.Errorf("%d dropped", tr.dropped)
	}
}

func TestWhatNoLineCanHoldIsDroppedAndNothingElse(t *testing.T) {
	var lines []sentLine
	tr := newTestTransport(&lines)
	tr.Send("n2", []replication.Envelope{
		envelope("n2", appendMessage(1)), envelope("n2", appendMessage(60<<10)), envelope("n2", replication.Beat{}),
	})
	tr.flush()
	if len(lines) != 1 || len(lines[0].body.Mail) != 2 || tr.dropped != 1 {
		t.Errorf("%d lines, %d dropped", len(lines), tr.dropped)
	}
}

// The core's limit for the entries of an Append has to leave room for what JSON
// makes of them, whatever their size.
func TestAFullAppendFitsIntoALine(t *testing.T) {
	const counted = 32 // what the core counts for an entry beside its payload
	limit := DefaultOptions().MaxAppendBytes
	for _, payload := range []int{0, 1, 30, 300, 3000} {
		m := appendMessage()
		for i := range limit / (payload + counted) {
			m.Entries = append(m.Entries, replication.Entry{
				ID:        replication.EntryID{Term: 1 << 40, Offset: 1<<40 + replication.Offset(i)},
				Timestamp: 1 << 42, Payload: make([]byte, payload),
			})
		}
		w, err := encode(envelope("n2", m))
		if size := envelopeBytes(w); err != nil || size > maxLineBytes-lineOverhead {
			t.Errorf("entries of %d bytes make an envelope of %d, %v", payload, size, err)
		}
	}
}

func TestEnvelopesForOthersArePassedOnAndMalformedOnesDropped(t *testing.T) {
	var lines []sentLine
	tr := newTestTransport(&lines)
	beat, err := encode(replication.Envelope{From: "n2", FromRun: 5, To: "n3", Message: replication.Beat{Incarnation: 9}})
	if err != nil {
		t.Fatal(err)
	}
	mine := beat
	mine.To = "n1"
	broken := mine
	broken.Kind = "nonsense"
	tired := beat
	tired.Hops = 2
	got := tr.arrived("n2", peerBody{Mail: []wireEnvelope{beat, mine, broken, tired}})
	tr.flush()
	if len(got) != 1 || got[0].From != "n2" || got[0].FromRun != 5 {
		t.Errorf("arrived: %+v", got)
	}
	if len(lines) != 1 || lines[0].to != "n3" || len(lines[0].body.Mail) != 1 || lines[0].body.Mail[0].Hops != 1 {
		t.Errorf("passed on: %+v", lines)
	}
	if tr.dropped != 2 || tr.relayed != 1 {
		t.Errorf("%d dropped, %d relayed", tr.dropped, tr.relayed)
	}
}

func TestALineThatCannotBeWrittenIsLostLikeAny(t *testing.T) {
	var lines []sentLine
	tr := newTestTransport(&lines)
	tr.line = func(string, any) error { return errors.New("broken pipe") }
	tr.Send("n2", []replication.Envelope{envelope("n2", replication.Beat{})})
	tr.flush()
	if tr.dropped != 1 {
		t.Errorf("%d dropped", tr.dropped)
	}
}
