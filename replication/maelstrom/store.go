package maelstrom

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/wellformed"
)

// store is the metadata store on Maelstrom's lin-kv service, which compares
// values by equality. A document is kept as a JSON string, so that equal means
// the same string, whatever the service thinks of JSON.
type store struct {
	clock *clock
	// within is how long an answer may take.
	within time.Duration
	// ask sends a request to the service. What is given the answer is called in the
	// loop.
	ask func(body any, answer func(jepsen.Message)) error
	// done takes what came of a call.
	done   func(shard replication.ShardID, event replication.Event)
	logger *slog.Logger

	lastCall uint64
	calls    []storeCall
	// texts are the newest documents known, as they are stored.
	texts map[replication.ShardID]storedText
}

// storeCall is a call without an answer.
type storeCall struct {
	id       uint64
	deadline replication.Instant
	// lost is what is reported if the answer does not come in time.
	shard replication.ShardID
	lost  replication.Event
}

// storedText is a document as the service has it.
type storedText struct {
	version int64
	text    string
}

type (
	readBody struct {
		Type string `json:"type"`
		Key  string `json:"key"`
	}

	casBody struct {
		Type   string `json:"type"`
		Key    string `json:"key"`
		From   string `json:"from"`
		To     string `json:"to"`
		Create bool   `json:"create_if_not_exists"`
	}

	// answerBody is any answer of the service.
	answerBody struct {
		Type  string `json:"type"`
		Code  int    `json:"code"`
		Text  string `json:"text"`
		Value string `json:"value"`
	}
)

func storeKey(shard replication.ShardID) string { return fmt.Sprintf("ostraka/shard-%d", shard) }

// Load implements replication.MetadataStore.
func (s *store) Load(shard replication.ShardID) {
	failed := replication.DocumentLoaded{Failed: true}
	s.call(shard, readBody{Type: "read", Key: storeKey(shard)}, failed, func(a answerBody) replication.Event {
		if a.Type == "error" && a.Code == jepsen.KeyDoesNotExist {
			return replication.DocumentLoaded{}
		}
		doc, err := parseDocument(a.Value)
		if a.Type != "read_ok" || err != nil {
			s.logger.Warn("cannot load the shard's document", "shard", shard, "answer", a.Type,
				"code", a.Code, "text", a.Text, "error", err)
			return failed
		}
		s.keep(shard, storedText{version: doc.Version, text: a.Value})
		return replication.DocumentLoaded{Document: doc, Found: true}
	})
}

// CompareAndSet implements replication.MetadataStore. Where the text of the
// version before is not known, it reports a conflict: the document is then loaded,
// and with it the text.
func (s *store) CompareAndSet(shard replication.ShardID, document replication.Document) {
	event := func(outcome replication.StoreOutcome) replication.DocumentStored {
		return replication.DocumentStored{Version: document.Version, Term: document.Term, Outcome: outcome}
	}
	first := document.Version == 1
	before := s.texts[shard]
	if !first && before.version != document.Version-1 {
		s.done(shard, event(replication.StoreConflict))
		return
	}
	text := documentText(document)
	body := casBody{Type: "cas", Key: storeKey(shard), To: text, Create: first}
	if !first {
		// Otherwise from is empty, which no document is.
		body.From = before.text
	}
	s.call(shard, body, event(replication.StoreUnknown), func(a answerBody) replication.Event {
		switch {
		case a.Type == "cas_ok":
			s.keep(shard, storedText{version: document.Version, text: text})
			return event(replication.StoreDone)
		case a.Type == "error" && (a.Code == jepsen.PreconditionFailed || a.Code == jepsen.KeyDoesNotExist):
			return event(replication.StoreConflict)
		}
		return event(replication.StoreUnknown)
	})
}

// note keeps a document that a coordinator announced. Should it not be what the
// service has, a compare-and-set that builds on it finds that out.
func (s *store) note(shard replication.ShardID, document replication.Document) {
	s.keep(shard, storedText{version: document.Version, text: documentText(document)})
}

func (s *store) keep(shard replication.ShardID, t storedText) {
	if t.version >= s.texts[shard].version {
		s.texts[shard] = t
	}
}

func (s *store) call(shard replication.ShardID, body any, lost replication.Event, read func(answerBody) replication.Event) {
	s.lastCall++
	id := s.lastCall
	deadline := s.clock.now().Mono.Add(s.within)
	s.calls = append(s.calls, storeCall{id: id, deadline: deadline, shard: shard, lost: lost})
	err := s.ask(body, func(m jepsen.Message) {
		// An answer that comes too late is no answer: its call was reported lost.
		if !s.end(id) {
			return
		}
		var a answerBody
		if err := json.Unmarshal(m.Body, &a); err != nil {
			s.logger.Warn("the metadata store's answer is malformed", "error", err)
			s.done(shard, lost)
			return
		}
		s.done(shard, read(a))
	})
	if err != nil {
		s.logger.Warn("cannot ask the metadata store", "error", err)
	}
}

// end takes a call off the list, and reports whether it was there.
func (s *store) end(id uint64) bool {
	for i, c := range s.calls {
		if c.id == id {
			s.calls = append(s.calls[:i], s.calls[i+1:]...)
			return true
		}
	}
	return false
}

// expire reports the calls that had no answer in time. Deadlines are in the
// order of the calls.
func (s *store) expire(now replication.Instant) {
	for len(s.calls) > 0 && s.calls[0].deadline <= now {
		c := s.calls[0]
		s.calls = s.calls[1:]
		s.done(c.shard, c.lost)
	}
}

func (s *store) deadline() replication.Instant {
	if len(s.calls) == 0 {
		return replication.Never
	}
	return s.calls[0].deadline
}

func documentText(document replication.Document) string {
	text, err := json.Marshal(document)
	if err != nil {
		panic(fmt.Sprintf("maelstrom: a document does not encode: %v", err)) // it holds numbers and strings
	}
	return string(text)
}

func parseDocument(text string) (replication.Document, error) {
	var doc replication.Document
	if err := decodeStrictly([]byte(text), &doc); err != nil {
		return replication.Document{}, err
	}
	return doc, wellformed.Document(&doc)
}
