package history_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/internal/history"
)

func sample() []history.Event {
	var h history.History
	h.Add(history.Event{Type: history.Invoke, Process: 0, F: "a", Time: time.Millisecond})
	h.Add(history.Event{Type: history.Invoke, Process: 1, F: "b", Value: []int{1, 2}, Node: "n1"})
	h.Add(history.Event{Type: history.Info, Process: history.Nemesis, F: "kill"})
	h.Add(history.Event{Type: history.OK, Process: 1, F: "b"})
	h.Add(history.Event{Type: history.Fail, Process: 0, F: "a", Error: "abort"})
	h.Add(history.Event{Type: history.Invoke, Process: 0, F: "c"})
	return h.Events()
}

func TestOperationsPairsByProcess(t *testing.T) {
	ops := history.Operations(sample())
	want := []struct {
		f       string
		outcome history.Type
	}{{"a", history.Fail}, {"b", history.OK}, {"c", history.Info}}
	if len(ops) != len(want) {
		t.Fatalf("%d operations, want %d", len(ops), len(want))
	}
	for i, w := range want {
		if ops[i].Invoke.F != w.f || ops[i].Outcome() != w.outcome {
			t.Errorf("operation %d is %s %s, want %s %s", i, ops[i].Outcome(), ops[i].Invoke.F, w.outcome, w.f)
		}
	}
}

func TestAFileHasOneEventPerLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := history.WriteFile(path, sample()[:3]); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	want := `{"index":0,"time":1000000,"type":"invoke","process":0,"thread":0,"f":"a","value":null}
{"index":1,"time":0,"type":"invoke","process":1,"thread":0,"node":"n1","f":"b","value":[1,2]}
{"index":2,"time":0,"type":"info","process":"nemesis","thread":0,"f":"kill","value":null}
`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
