package report_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/failover"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/report"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/trial"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// tape records a history at given times.
type tape struct{ h history.History }

func (r *tape) op(at, ms int, node string, thread int, f string, outcome history.Type, err string) {
	e := history.Event{Time: millis(at), Type: history.Invoke, Process: history.Process(thread), Thread: thread, Node: node, F: f}
	r.h.Add(e)
	e.Time, e.Type, e.Error = millis(at+ms), outcome, err
	r.h.Add(e)
}

func (r *tape) fault(at int, step nemesis.Step) {
	for _, done := range []bool{false, true} {
		r.h.Add(history.Event{Time: millis(at), Type: history.Info, Process: history.Nemesis, F: string(step.Do), Value: trial.Fault{Step: step, Done: done}})
	}
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestOutcomesAreCountedPerKind(t *testing.T) {
	var r tape
	for i := range 100 {
		r.op(10*i, i+1, "n0", 0, "write", history.OK, "")
	}
	r.op(2000, 5, "n0", 0, "cas", history.Fail, "precondition-failed: 1 is not 2")
	r.op(2010, 5, "n0", 0, "cas", history.Fail, "precondition-failed: 3 is not 4")
	r.op(2020, 5, "n0", 0, "cas", history.Info, "net-timeout")
	counts := network.Counts{
		Sent:  map[network.Class]int64{network.Client: 206, network.Peer: 309},
		Types: map[network.TypeKey]int64{{Class: network.Peer, Type: "append"}: 309},
	}
	var got report.Results
	got.Count(history.Operations(r.h.Events()), counts)
	if w := got.Kinds["write"]; w.OK != 100 || w.Latency != (report.Quantiles{P50: 51, P95: 96, P99: 100, Max: 100}) {
		t.Errorf("writes %+v", w)
	}
	cas := got.Kinds["cas"]
	if cas.Failed != 2 || cas.Unknown != 1 || !reflect.DeepEqual(cas.Errors, map[string]int{"precondition-failed": 2, "net-timeout": 1}) {
		t.Errorf("cas %+v", cas)
	}
	if got.Total.Invoked != 103 || got.Availability != 100.0/103 {
		t.Errorf("total %+v, availability %v", got.Total, got.Availability)
	}
	if got.Messages.Total.PerOp != 5 || got.Messages.Counted[network.Peer].PerOp != 3 || got.Messages.Types[0].Type != "append" {
		t.Errorf("messages %+v", got.Messages)
	}
}

var (
	cut  = nemesis.Step{Do: nemesis.StartPartition, Kind: "one", Grudge: network.Grudge{"n0": {"n1"}}}
	heal = nemesis.Step{Do: nemesis.StopPartition}
	none = nemesis.Step{Do: nemesis.StartPartition, Kind: "minority-third", Grudge: network.Grudge{"n0": nil}}
	kill = nemesis.Step{Do: nemesis.KillNodes, Kind: "one", Nodes: []string{"n1"}}
	back = nemesis.Step{Do: nemesis.StartNodes, Nodes: []string{"n0", "n1"}}
)

var setting = report.Setting{Nodes: []string{"n0", "n1"}, Threads: 2, Writes: []string{"write"}, End: millis(1000)}

func TestOutagesAndRecoveries(t *testing.T) {
	var r tape
	r.fault(100, cut)
	r.op(110, 10, "n0", 0, "write", history.OK, "")
	r.op(130, 10, "n0", 0, "read", history.OK, "") // no write: does not end an outage
	r.op(300, 20, "n0", 0, "write", history.OK, "")
	r.fault(400, heal)
	r.op(420, 10, "n0", 0, "read", history.OK, "")
	r.op(440, 30, "n1", 1, "write", history.OK, "")
	r.fault(500, cut)
	r.fault(700, heal)
	r.op(700, 50, "n0", 0, "write", history.OK, "")

	var got report.Results
	got.CountFaults(r.h.Events(), setting)
	// From 100: writes at 120, 320 and 470, the next fault at 500. From 500: at 750, the end at 1000.
	if len(got.Faults) != 2 || got.Faults[0].OutageMS != 200 || got.Faults[1].OutageMS != 250 {
		t.Errorf("faults %+v", got.Faults)
	}
	want := []report.Recovery{
		{AtMS: 400, Nodes: map[string]float64{"n0": 30, "n1": 70}, WorstMS: 70, ClientsMS: 70, Asked: map[string]float64{"n0": 20, "n1": 40}, WindowMS: 100},
		{AtMS: 700, Nodes: map[string]float64{"n0": 50}, WorstMS: 50, ClientsMS: 50, Asked: map[string]float64{"n0": 0}, Silent: []string{"n1"}, SilentClients: 1, WindowMS: 300},
	}
	if !reflect.DeepEqual(got.Recoveries, want) {
		t.Errorf("recoveries %+v, want %+v", got.Recoveries, want)
	}
}

func TestACureCountsOnlyWhenNothingAils(t *testing.T) {
	var r tape
	r.fault(100, none) // cuts nobody off, and so neither it nor its cure counts
	r.fault(150, heal)
	r.fault(200, cut)
	r.fault(300, kill)
	r.fault(400, heal) // one node is still dead
	r.fault(500, back)
	var got report.Results
	got.CountFaults(r.h.Events(), setting)
	if len(got.Faults) != 2 || len(got.Recoveries) != 1 || got.Recoveries[0].AtMS != 500 {
		t.Errorf("faults %+v, recoveries %+v", got.Faults, got.Recoveries)
	}
}

func TestTheMedianOfFailovers(t *testing.T) {
	for _, c := range []struct {
		took   []int
		median float64
	}{{nil, 0}, {[]int{7}, 7}, {[]int{9, 1, 4}, 4}, {[]int{10, 2, 4, 8}, 6}} {
		var trials []failover.Trial
		for _, ms := range c.took {
			trials = append(trials, failover.Trial{Leader: "n0", Took: millis(ms), Resumed: "n1"})
		}
		var got report.Results
		got.CountFailovers(trials)
		if got.Failover.MedianMS != c.median {
			t.Errorf("%v: the median is %v, want %v", c.took, got.Failover.MedianMS, c.median)
		}
	}
}

func TestTheSummaryShowsWhatWasFound(t *testing.T) {
	var r tape
	r.fault(100, cut)
	r.op(110, 10, "n0", 0, "write", history.OK, "")
	r.fault(400, heal)
	got := report.Results{
		Verdict: checker.Invalid, Reasons: []string{"n0 forgot"}, Store: "/store",
		Checks: map[string]checker.Result{"lin-kv": {Verdict: checker.Invalid}},
	}
	got.Count(history.Operations(r.h.Events()), network.Counts{Sent: map[network.Class]int64{network.Client: 2}})
	got.CountFaults(r.h.Events(), setting)
	got.CountFailovers([]failover.Trial{{Leader: "n0", Took: millis(250), Resumed: "n1"}})
	var out strings.Builder
	if err := got.Summarize(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"INVALID", "n0 forgot", "Check lin-kv: invalid", "availability 100.0 %", "Median 250.0 ms", "start-partition one", "none in the 600.0 ms", "/store"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the summary lacks %q:\n%s", part, out.String())
		}
	}
}
