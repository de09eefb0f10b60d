package trace_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/replicationtest"
	"github.com/ostraka-db/ostraka/tla/trace"
)

// recordedChaos is the trace of a short random run.
func recordedChaos(t *testing.T, seed uint64) []trace.Line {
	t.Helper()
	r := &recording{name: "chaos"}
	w := r.writer()
	if _, err := (replicationtest.Chaos{Seed: seed, For: 2e9, Record: w}).Run(); err != nil {
		t.Fatal(err)
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	return r.lines(t)
}

// TestLinesSurviveBeingWritten: what is read is what was written.
func TestLinesSurviveBeingWritten(t *testing.T) {
	lines := recordedChaos(t, 3)
	var again bytes.Buffer
	now := 0
	w := trace.NewWriter(&again, func() int64 { now++; return lines[now-1].Time })
	for _, l := range lines {
		if l.Opened != nil {
			record := replication.TermRecord{Replica: l.Opened.Replica, Term: l.Opened.Term, Deleted: l.Opened.Deleted}
			history := replication.NewHistory(l.Opened.Base)
			for o := l.Opened.Base.Offset + 1; o <= l.Opened.Head.Offset; o++ {
				history.Append(replication.EntryID{Term: l.Opened.Head.Term, Offset: o})
			}
			w.Open(l.Server, l.Run, l.Shard, replication.Recovered{Record: record, History: history, Applied: l.Opened.Applied})
			continue
		}
		w.Step(l.Run, replication.TraceStep{
			Server: l.Server, Shard: l.Shard, Event: l.Event, Effects: &l.Effects, Replica: l.Replica, Election: l.Election,
		})
	}
	read, err := trace.Read(&again)
	if err != nil || len(read) != len(lines) {
		t.Fatalf("read %d of %d lines: %v", len(read), len(lines), err)
	}
	for i := range lines {
		if !reflect.DeepEqual(read[i], lines[i]) {
			t.Fatalf("line %d:\n%+v\nbecame\n%+v", i+1, lines[i], read[i])
		}
	}
}

// TestTornLastLineIsPassedOver: that is what a killed process leaves.
func TestTornLastLineIsPassedOver(t *testing.T) {
	r := &recording{}
	w := r.writer()
	w.Open("s1", 1, 1, replication.Recovered{})
	w.Open("s2", 1, 1, replication.Recovered{})
	torn := r.text.String()[:r.text.Len()-5]
	lines, err := trace.Read(strings.NewReader(torn))
	if err != nil || len(lines) != 1 || lines[0].Server != "s1" {
		t.Fatalf("read %v, %v", lines, err)
	}
	if _, err := trace.Read(strings.NewReader("{}\n" + torn)); err == nil {
		t.Fatal("a line that is nothing was read")
	}
}

// TestMergedLinesAreInTheOrderOfTime, and those of one trace stay in theirs.
func TestMergedLinesAreInTheOrderOfTime(t *testing.T) {
	a := []trace.Line{{Time: 1, Server: "a"}, {Time: 5, Server: "a", Run: 1}, {Time: 5, Server: "a", Run: 2}}
	b := []trace.Line{{Time: 2, Server: "b"}, {Time: 5, Server: "b"}}
	var order []string
	for _, l := range trace.Merge(a, b) {
		order = append(order, string(l.Server))
	}
	if got := strings.Join(order, " "); got != "a b a a b" {
		t.Fatalf("merged as %s", got)
	}
}

// TestRandomRunsConvert: every line of a run with faults has its actions.
func TestRandomRunsConvert(t *testing.T) {
	for seed := range uint64(8) {
		lines := recordedChaos(t, seed+1)
		b, err := trace.Convert("chaos", lines, len(lines))
		if err != nil {
			t.Errorf("seed %d: %v", seed+1, err)
			continue
		}
		var module bytes.Buffer
		if err := trace.WriteModule(&module, []*trace.Behaviour{b}, false); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{`a |-> "Claim"`, `a |-> "LogDone"`, "TraceReplicas ==", "Traces == <<Trace1>>"} {
			if !strings.Contains(module.String(), part) {
				t.Errorf("seed %d: the module lacks %s", seed+1, part)
			}
		}
	}
}

// TestCorruptionsChangeACopy: each finds something to spoil, and leaves the trace
// as it was.
func TestCorruptionsChangeACopy(t *testing.T) {
	r := &recording{}
	recordLongChaos(t, r)
	lines, before := r.lines(t), r.lines(t)
	found := 0
	for _, c := range trace.Corruptions {
		spoiled, at, could := c.Apply(lines, 0)
		if !could {
			continue
		}
		found++
		if reflect.DeepEqual(spoiled[at], lines[at]) {
			t.Errorf("%s changed nothing", c.Name)
		}
	}
	if !reflect.DeepEqual(lines, before) {
		t.Error("the trace itself was changed")
	}
	if found < len(trace.Corruptions)-2 {
		t.Errorf("%d of %d corruptions found a place", found, len(trace.Corruptions))
	}
}

// recordLongChaos records a run that meets most of what there is.
func recordLongChaos(t *testing.T, r *recording) {
	t.Helper()
	if _, err := (replicationtest.Chaos{Seed: 3, For: 10e9, Record: r.writer()}).Run(); err != nil {
		t.Fatal(err)
	}
}
