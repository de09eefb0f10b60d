package failover

import (
	"regexp"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

func TestTheLastNodeThatSaysSoLeads(t *testing.T) {
	tracker := NewTracker(regexp.MustCompile(`^now leading`))
	_, changed := tracker.Leader()
	tracker.Line("n0", "not now leading")
	select {
	case <-changed:
		t.Error("a line that does not match changed the leader")
	default:
	}
	tracker.Line("n1", "now leading in term 3")
	<-changed
	tracker.Line("n2", "now leading in term 4")
	tracker.Forget("n1")
	if leader, _ := tracker.Leader(); leader != "n2" {
		t.Errorf("%q leads, want n2", leader)
	}
	tracker.Forget("n2")
	if leader, _ := tracker.Leader(); leader != "" {
		t.Errorf("%q leads, want nobody", leader)
	}
}

func TestWithoutAPatternNobodyIsFound(t *testing.T) {
	tracker := NewTracker(nil)
	tracker.Line("n0", "now leading")
	if leader, _ := tracker.Leader(); leader != "" {
		t.Errorf("%q leads", leader)
	}
}

func write(key int, began, took int, outcome history.Type) probe {
	return probe{
		node: "n0", f: checker.Write, outcome: outcome, value: checker.Register{Key: key, Value: "1"},
		began: time.Duration(began) * time.Millisecond, took: time.Duration(took) * time.Millisecond,
	}
}

func TestProbesBecomeAHistory(t *testing.T) {
	var r recorder
	r.add(write(1, 10, 50, history.OK)) // finished last, began first
	r.add(write(2, 20, 10, history.Info))
	read := write(1, 70, 5, history.OK)
	read.f = checker.Read
	r.add(read)
	events := r.events()
	want := []struct {
		kind  history.Type
		f     string
		value checker.Register
	}{
		{history.Invoke, checker.Write, checker.Register{Key: 1, Value: "1"}},
		{history.Invoke, checker.Write, checker.Register{Key: 2, Value: "1"}},
		{history.Info, checker.Write, checker.Register{Key: 2, Value: "1"}},
		{history.OK, checker.Write, checker.Register{Key: 1, Value: "1"}},
		{history.Invoke, checker.Read, checker.Register{Key: 1}},
		{history.OK, checker.Read, checker.Register{Key: 1, Value: "1"}},
	}
	if len(events) != len(want) {
		t.Fatalf("%d events, want %d", len(events), len(want))
	}
	for i, w := range want {
		if e := events[i]; e.Index != i || e.Type != w.kind || e.F != w.f || e.Value != w.value {
			t.Errorf("event %d is %+v, want %+v", i, e, w)
		}
	}
	if got := checker.Linearizable(history.Operations(events), checker.Config{}); got.Verdict != checker.Valid {
		t.Errorf("got %+v", got)
	}
}

// An acknowledged write that is missing when it is read back is a read of nothing.
func TestALostWriteIsInvalid(t *testing.T) {
	var r recorder
	r.add(write(1, 10, 5, history.OK))
	read := write(1, 70, 5, history.OK)
	read.f, read.value.Value = checker.Read, checker.Absent
	r.add(read)
	if got := checker.Linearizable(history.Operations(r.events()), checker.Config{}); got.Verdict != checker.Invalid {
		t.Errorf("got %+v", got)
	}
}
