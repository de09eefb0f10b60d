package maelstrom

import (
	"encoding/json"
	"log/slog"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/maelstrom/overlay"
)

const (
	// maxLineBytes bounds a line, under the 64 KiB at which the receiver ends.
	maxLineBytes = 60 << 10
	// lineOverhead is left for a line's addresses and vectors.
	lineOverhead = 4 << 10
)

// peerBody is the body of the one type of message between nodes.
type peerBody struct {
	Type string `json:"type"`
	// Hears are vectors of the overlay; Mail are envelopes, some perhaps to be
	// passed on.
	Hears []overlay.Vector `json:"hears,omitempty"`
	Mail  []wireEnvelope   `json:"mail,omitempty"`
}

// transport carries envelopes in lines. It gathers those of a step, by the server
// that a line goes to next, until flush.
type transport struct {
	self   replication.ServerID
	clock  *clock
	router *overlay.Router
	// line sends a body to a node directly.
	line   func(to string, body any) error
	logger *slog.Logger

	boxes []box
	// dropped counts envelopes that could not be sent or read, relayed those that
	// were passed on.
	dropped, relayed int
}

// box is what leaves for one server.
type box struct {
	next replication.ServerID
	mail []wireEnvelope
}

// Send implements replication.Transport.
func (t *transport) Send(to replication.ServerID, batch []replication.Envelope) {
	next := t.router.Next(t.clock.now().Mono, to)
	for _, e := range batch {
		w, err := encode(e)
		if err != nil {
			t.drop(err)
			continue
		}
		t.post(next, w)
	}
}

func (t *transport) post(next replication.ServerID, w wireEnvelope) {
	i := slices.IndexFunc(t.boxes, func(b box) bool { return b.next == next })
	if i < 0 {
		i = len(t.boxes)
		t.boxes = append(t.boxes, box{next: next})
	}
	t.boxes[i].mail = append(t.boxes[i].mail, w)
}

// arrived takes a line from a node, and returns the envelopes that end here. The
// others are passed on at the next flush.
func (t *transport) arrived(from replication.ServerID, body peerBody) []replication.Envelope {
	now := t.clock.now().Mono
	t.router.Heard(now, from)
	t.router.Learn(now, body.Hears)
	var mine []replication.Envelope
	for _, w := range body.Mail {
		if w.To != t.self {
			t.passOn(now, from, w)
			continue
		}
		e, err := w.decode()
		if err != nil {
			t.drop(err)
			continue
		}
		mine = append(mine, e)
	}
	return mine
}

func (t *transport) passOn(now replication.Instant, from replication.ServerID, w wireEnvelope) {
	next, ok := t.router.Relay(now, w.To, from, w.From, w.Hops)
	if !ok {
		t.dropped++
		t.logger.Debug("not passed on", "from", w.From, "to", w.To, "hops", w.Hops)
		return
	}
	w.Hops++
	t.relayed++
	t.post(next, w)
}

// flush sends what was gathered, and a line to whoever is owed one.
func (t *transport) flush() {
	now := t.clock.now().Mono
	for _, b := range t.boxes {
		for _, mail := range t.cut(b.mail) {
			t.sendLine(now, b.next, mail)
		}
	}
	t.boxes = nil
	for _, to := range t.router.Hellos(now) {
		t.sendLine(now, to, nil)
	}
}

func (t *transport) sendLine(now replication.Instant, to replication.ServerID, mail []wireEnvelope) {
	body := peerBody{Type: typePeer, Hears: t.router.Gossip(now, to), Mail: mail}
	if err := t.line(string(to), body); err != nil {
		t.drop(err)
	}
}

// cut parts envelopes into lines. One that does not fit into any line is dropped.
func (t *transport) cut(mail []wireEnvelope) [][]wireEnvelope {
	var lines [][]wireEnvelope
	room := 0
	for _, w := range mail {
		size := envelopeBytes(w)
		if size > maxLineBytes-lineOverhead {
			t.dropped++
			t.logger.Error("message does not fit into a line", "kind", w.Kind, "bytes", size)
			continue
		}
		if size > room {
			lines = append(lines, nil)
			room = maxLineBytes - lineOverhead
		}
		last := &lines[len(lines)-1]
		*last = append(*last, w)
		room -= size
	}
	return lines
}

// envelopeBytes is an upper bound of an envelope's length as JSON.
func envelopeBytes(w wireEnvelope) int {
	const fields = 200 // names and numbers
	return fields + len(w.From) + len(w.To) + len(w.Kind) + len(w.Message)
}

func (t *transport) drop(err error) {
	t.dropped++
	t.logger.Warn("dropped a message", "error", err, "dropped", t.dropped)
}

// parsePeer decodes the body of a line from a node.
func parsePeer(raw []byte) (peerBody, error) {
	var body peerBody
	err := json.Unmarshal(raw, &body)
	return body, err
}
