package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcome is what a run of the command left behind.
type outcome struct {
	code   int
	out    string
	store  string
	result struct {
		Verdict string
		Reasons []string
		Total   struct{ Invoked, OK, Unknown int }
		Kinds   map[string]struct{ Invoked, OK int }

		Messages   struct{ Total struct{ Sent int } }
		Faults     []struct{ What string }
		Recoveries []struct{ Silent []string }
		Expected   struct{ Lines map[string]int }
		Failover   struct {
			Trials []struct {
				Leader string
				TookMS float64 `json:"took_ms"`
			}
		}
	}
}

// benchNode runs the command with nodes of a kind.
func benchNode(t *testing.T, kind string, flags ...string) outcome {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := outcome{store: filepath.Join(t.TempDir(), "store")}
	args := append([]string{"--bin", self, "--node-count", "3", "--store", o.store}, flags...)
	var out, errs bytes.Buffer
	o.code = run(context.Background(), append(args, "--", asNode, kind), &out, &errs)
	o.out = out.String() + errs.String()
	data, err := os.ReadFile(filepath.Join(o.store, "results.json"))
	if err != nil {
		t.Fatalf("%v\n%s", err, o.out)
	}
	if err := json.Unmarshal(data, &o.result); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o outcome) expect(t *testing.T, code int, says string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.out, says) {
		t.Errorf("exit code %d, want %d and output that contains %q:\n%s", o.code, code, says, o.out)
	}
}

func registers(flags ...string) []string {
	return append([]string{"-w", "lin-kv", "--concurrency", "4n", "--rate", "1000", "--time-limit", "0.5"}, flags...)
}

func TestACorrectNodeIsValid(t *testing.T) {
	t.Parallel()
	o := benchNode(t, "proxy", registers("--nemesis", "partition", "--nemesis-interval", "0.2", "--latency", "2",
		"--latency-dist", "exponential")...)
	o.expect(t, exitValid, "VALID")
	for _, f := range []string{"read", "write", "cas"} {
		if o.result.Kinds[f].OK == 0 {
			t.Errorf("no %s succeeded", f)
		}
	}
	for _, file := range []string{"history.jsonl", "node-logs/n0.log"} {
		if _, err := os.Stat(filepath.Join(o.store, file)); err != nil {
			t.Error(err)
		}
	}
}

func TestACorrectNodeSurvivesKillsAndPauses(t *testing.T) {
	t.Parallel()
	o := benchNode(t, "proxy", registers("--nemesis", "kill,pause", "--nemesis-interval", "0.15", "--recovery-time", "1", "--seed", "3")...)
	o.expect(t, exitValid, "VALID")
	if len(o.result.Faults) == 0 || len(o.result.Recoveries) == 0 {
		t.Fatalf("no fault, or no recovery:\n%s", o.out)
	}
	if last := o.result.Recoveries[len(o.result.Recoveries)-1]; len(last.Silent) > 0 {
		t.Errorf("nodes %v did not come back:\n%s", last.Silent, o.out)
	}
}

func TestNodesThatBreakLinearizabilityAreInvalid(t *testing.T) {
	for _, kind := range []string{"stale", "local", "lossy"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := benchNode(t, kind, registers()...)
			o.expect(t, exitInvalid, "is not linearizable")
			drawings, err := filepath.Glob(filepath.Join(o.store, "linearizability-key-*.html"))
			if err != nil || len(drawings) == 0 {
				t.Errorf("no drawing of what is wrong: %v", err)
			}
		})
	}
}

func TestSimpleWorkloads(t *testing.T) {
	for _, c := range []struct {
		workload, kind string
		code           int
		says           string
	}{
		{"echo", "echo", exitValid, "VALID"},
		{"echo", "wrong-echo", exitInvalid, "and returned"},
		{"unique-ids", "unique-ids", exitValid, "VALID"},
		{"unique-ids", "same-ids", exitInvalid, "was given out by"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			benchNode(t, c.kind, "-w", c.workload, "--rate", "300", "--time-limit", "0.3").expect(t, c.code, c.says)
		})
	}
}

func TestNodesThatBreakTheProtocolAreInvalid(t *testing.T) {
	for kind, says := range map[string]string{
		"chatty":   "handling an echo",
		"lost":     "no such destination",
		"unheard":  `lacks the field "echo"`,
		"crashing": "out of luck",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			benchNode(t, kind, "-w", "echo", "--rate", "100", "--time-limit", "5").expect(t, exitInvalid, says)
		})
	}
}

func TestWhatCannotBeToldIsUnknown(t *testing.T) {
	for kind, says := range map[string]string{
		"stillborn": "cannot start",
		"refusing":  "no operation succeeded",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			benchNode(t, kind, "-w", "echo", "--rate", "100", "--time-limit", "0.2").expect(t, exitUnknown, says)
		})
	}
}

func TestTooLittleAvailabilityIsInvalid(t *testing.T) {
	t.Parallel()
	benchNode(t, "proxy", registers("--availability", "total")...).expect(t, exitInvalid, "availability is")
}

func TestFailoverIsMeasured(t *testing.T) {
	for name, flags := range map[string][]string{
		"told by the logs": {"--leader-pattern", "^now leading"},
		"found by trying":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := benchNode(t, "lease", append(flags, "--failover", "1")...)
			o.expect(t, exitValid, "Median")
			if len(o.result.Failover.Trials) != 1 || o.result.Failover.Trials[0].TookMS <= 0 {
				t.Errorf("not one measured failover: %+v", o.result.Failover)
			}
		})
	}
}

// A run that is to show something shows nothing if that did not happen.
func TestWhatIsExpectedOfTheLogsIsCounted(t *testing.T) {
	t.Parallel()
	echoes := []string{"-w", "echo", "--rate", "300", "--time-limit", "0.3", "--expect-log"}
	o := benchNode(t, "logging", append(echoes, "^an echo is ")...)
	o.expect(t, exitValid, `Lines that match "^an echo is ": n`)
	total := 0
	for _, n := range o.result.Expected.Lines {
		total += n
	}
	if total != o.result.Total.OK {
		t.Errorf("%d lines are counted for %d echoes", total, o.result.Total.OK)
	}
	o = benchNode(t, "logging", append(echoes, "^nobody prints this")...)
	o.expect(t, exitUnknown, `no node printed a line that matches "^nobody prints this"`)
}

func TestBadFlagsNameTheFlagAndTheRemedy(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flags, says string }{
		{"--workload txn", "--workload txn: use one of echo, lin-kv"},
		{"--bin /nowhere", "--bin /nowhere: there is no such file"},
		{"--node-count 0", "--node-count 0: use a number from 1"},
		{"--concurrency 3x", "--concurrency 3x: use a number of clients"},
		{"--concurrency 3n --node-count 3", "use a multiple, such as 2n or 4n"},
		{"--rate -1", "--rate -1: use a number from 0"},
		{"--time-limit NaN", "--time-limit NaN: use a number"},
		{"--latency -5", "--latency -5: use a number from 0"},
		{"--latency-dist normal", "--latency-dist normal: use constant, uniform or exponential"},
		{"--p-loss 2", "--p-loss 2: use a number from 0 to 1"},
		{"--nemesis partition,flood", "--nemesis partition,flood: use partition, loss, duplicate, slow, pause, kill"},
		{"--partition-kinds thirds", "--partition-kinds thirds: use some of one"},
		{"--availability most", "--availability most: use a number from 0 to 1, or total"},
		{"--consistency-models read-committed", "--consistency-models read-committed: only"},
		{"--leader-pattern (", "--leader-pattern (: it is not a regular expression"},
		{"--expect-log (", "--expect-log (: it is not a regular expression"},
		{"--failover 3 -w echo", "--failover 3: failovers are measured with writes of lin-kv"},
		{"--failover 3 --node-count 1", "--failover 3: somebody must take over"},
		{"--failover 3 --nemesis kill", "--failover 3: other faults would spoil"},
		{"--first-faults -2", "--first-faults -2: use a number from -1"},
		{"--recovery-goal 0", "--recovery-goal 0: use a number from 0.001"},
		{"--key-count 0", "--key-count 0: use a number from 1"},
		{"--max-txn-length 0", "--max-txn-length 0: use a number from 1"},
		{"--max-writes-per-key 0", "--max-writes-per-key 0: use a number from 1"},
		{"--consistency-models serializable", "--consistency-models serializable: only strict-serializable and linearizable"},
		{"-w txn-list-append --consistency-models linearizable", "use one of them"},
		{"--seeds 1-5", "--seeds 1-5: use two numbers, such as 1..50"},
		{"--seeds 5..1", "--seeds 5..1: use two numbers, the smaller first"},
		{"--seeds 1..5 --seed 3", "--seeds 1..5: leave out --seed"},
		{"--seeds 1..5 --failover 3", "--seeds 1..5: leave out --failover"},
		{"--shrink", "--shrink: there are no faults to leave out"},
		{"--shrink-tries 0", "--shrink-tries 0: use a number from 1"},
		{"--nonsense", "unknown flag: --nonsense"},
		{"argument", "put the arguments of the node after --"},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"--bin", self}, strings.Fields(c.flags)...)
		if code := run(context.Background(), args, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: exit code %d, want %d and an error that contains %q, not %q", c.flags, code, exitUsage, c.says, errs.String())
		}
	}
}

func TestAStoreInUseIsRefused(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"--bin", self, "--store", dir}, &out, &errs)
	if code != exitFailed || !strings.Contains(errs.String(), "give a new directory") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

func TestAnInterruptedRunEnds(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	out := &trigger{on: "have started", call: stop}
	args := []string{"--bin", self, "-w", "echo", "--time-limit", "600", "--store", filepath.Join(t.TempDir(), "store"), "--", asNode, "echo"}
	if code := run(ctx, args, out, out); code != exitUnknown || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// trigger calls a function once a text has been written to it.
type trigger struct {
	bytes.Buffer
	on   string
	call func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.on)) {
		w.call()
	}
	return w.Buffer.Write(p)
}
