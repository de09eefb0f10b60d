package anomaly_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// parse reads a history, one event per line: process, type, and steps. Of reads that
// found something the value follows the key: a number, or a list.
//
//	0 invoke append 1 5; r 2
//	0 ok     append 1 5; r 2 [7 8]
func parse(t testing.TB, data transaction.Data, text string) []history.Operation {
	t.Helper()
	var h history.History
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var e history.Event
		var kind string
		if _, err := fmt.Sscan(line, &e.Process, &kind); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		_, steps, _ := strings.Cut(line, kind)
		did := transaction.Txn{Data: data}
		for _, text := range strings.Split(steps, ";") {
			did.Steps = append(did.Steps, parseStep(t, text))
		}
		e.Type, e.F, e.Value, e.Node = history.Type(kind), "txn", did, fmt.Sprint("n", e.Process)
		h.Add(e)
	}
	return history.Operations(h.Events())
}

func parseStep(t testing.TB, text string) transaction.Step {
	t.Helper()
	fields := strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(text))
	var numbers []int
	for _, f := range fields[1:] {
		var n int
		if _, err := fmt.Sscan(f, &n); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		numbers = append(numbers, n)
	}
	s := transaction.Step{F: transaction.Function(fields[0]), Key: numbers[0]}
	if s.F == transaction.Read {
		s.Found = numbers[1:]
	} else {
		s.Value = numbers[1]
	}
	return s
}

// strict is strict serializability, with all that can be inferred.
func strict(data transaction.Data) anomaly.Config {
	return anomaly.Config{Data: data, RealTime: true, VersionsByClock: true}
}

// show writes a history as parse reads it, for failures.
func show(ops []history.Operation) string {
	var events []history.Event
	for _, op := range ops {
		events = append(events, *op.Invoke)
		if op.Complete != nil {
			events = append(events, *op.Complete)
		}
	}
	var b strings.Builder
	for i := 0; len(events) > 0; i++ {
		for at, e := range events {
			if e.Index == i {
				fmt.Fprintf(&b, "%d %s %v\n", e.Process, e.Type, e.Value)
				events = append(events[:at], events[at+1:]...)
				break
			}
		}
	}
	return b.String()
}
