package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

// MaxEvents bounds a history: days of an ordinary run.
const MaxEvents = 1 << 22

// Type says what an event is.
type Type string

// The types of events. Those of the nemesis are all Info.
const (
	Invoke Type = "invoke"
	OK     Type = "ok"   // it happened
	Fail   Type = "fail" // it did not happen and never will
	Info   Type = "info" // nobody knows
)

// Process is who acts: a client process, or the nemesis.
type Process int

// Nemesis is the process that injects faults.
const Nemesis Process = -1

// MarshalJSON writes the nemesis by name.
func (p Process) MarshalJSON() ([]byte, error) {
	if p == Nemesis {
		return []byte(`"nemesis"`), nil
	}
	return []byte(strconv.Itoa(int(p))), nil
}

// Event is one line of a history. What Value holds is the workload's business; it
// must be writable as JSON.
type Event struct {
	Index   int           `json:"index"`
	Time    time.Duration `json:"time"` // since the start of the run, in nanoseconds
	Type    Type          `json:"type"`
	Process Process       `json:"process"`
	Thread  int           `json:"thread"`
	Node    string        `json:"node,omitempty"`
	F       string        `json:"f"`
	Value   any           `json:"value"`
	Error   string        `json:"error,omitempty"`
}

// History is a growing list of events. It has one writer.
type History struct {
	events []Event
}

// Add appends an event, gives it its index, and tells whether there is room for
// more. The event itself is always kept: a caller stops at the first false.
func (h *History) Add(e Event) bool {
	e.Index = len(h.events)
	h.events = append(h.events, e)
	return len(h.events) < MaxEvents
}

// Events returns the events so far. The caller must not change them.
func (h *History) Events() []Event { return h.events }

// Operation is an invocation with its completion. An operation that never completed
// has a nil Complete and counts as unknown.
type Operation struct {
	Invoke   *Event
	Complete *Event
}

// Outcome is how the operation ended.
func (o Operation) Outcome() Type {
	if o.Complete == nil {
		return Info
	}
	return o.Complete.Type
}

// Operations pairs the clients' invocations with their completions, in the order of
// the invocations.
func Operations(events []Event) []Operation {
	var ops []Operation
	open := make(map[Process]int)
	for i := range events {
		e := &events[i]
		if e.Process == Nemesis {
			continue
		}
		if e.Type == Invoke {
			open[e.Process] = len(ops)
			ops = append(ops, Operation{Invoke: e})
			continue
		}
		at, ok := open[e.Process]
		if !ok {
			panic(fmt.Sprintf("history: event %d completes nothing", e.Index))
		}
		ops[at].Complete = e
		delete(open, e.Process)
	}
	return ops
}

// WriteFile writes the history as JSON lines.
func WriteFile(path string, events []Event) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write the history: %w", closeErr)
		}
	}()
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for i := range events {
		if err := enc.Encode(&events[i]); err != nil {
			return fmt.Errorf("write event %d of the history: %w", i, err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}
