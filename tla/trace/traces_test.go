package trace_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication/replicationtest"
	"github.com/ostraka-db/ostraka/replication/replicationtest/explore"
	"github.com/ostraka-db/ostraka/tla/trace"
)

// The flags are scripts/tlc's.
var (
	jar     = flag.String("trace.jar", "", "tla2tools.jar, with which traces are validated")
	only    = flag.String("trace.only", "", "take only traces whose names contain this")
	most    = flag.Int("trace.lines", 250, "how many lines of each trace to validate")
	seeds   = flag.Int("trace.seeds", 60, "how many seeds of Chaos to take")
	paths   = flag.Int("trace.paths", 10, "how many paths through each configuration of the explorer to take")
	runs    = flag.Int("trace.runs", 4, "how many runs of real processes to take")
	workers = flag.Int("trace.workers", 2, "how many threads TLC may use")
	stops   = flag.Bool("trace.stops", false, "say of every trace that is refused where it stops, instead of showing TLC's words on the first")
)

// batchSteps is how many steps one run of TLC is given: it reads them all before
// it begins.
const batchSteps = 6000

// recording is a trace in memory.
type recording struct {
	name string
	text bytes.Buffer
	now  int64
}

func (r *recording) writer() *trace.Writer {
	return trace.NewWriter(&r.text, func() int64 { r.now++; return r.now })
}

func (r *recording) lines(t *testing.T) []trace.Line {
	t.Helper()
	lines, err := trace.Read(bytes.NewReader(r.text.Bytes()))
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	return lines
}

// named is a trace that was read.
type named struct {
	name  string
	lines []trace.Line
}

// outside are the golden scripts in which something happens that the specification
// rules out, or knows nothing of, and what.
var outside = map[string]string{
	"one_term_number_has_one_owner": "a second owner of a term",

	// The specification knows of silence alone. To know more makes a coordinator claim a
	// term sooner; a claim is safe at any time.
	"dead_process_is_replaced_whatever_its_followers_heard": "a process that is known to have ended",
	"dead_process_is_replaced_although_answers_came_first":  "a process that is known to have ended",

	// So does an order.
	"shard_without_a_majority_is_recovered_by_order":     "an order that forgets a majority",
	"transfer_does_not_wait_for_a_leader_that_is_gone":   "an order",
	"transfer_moves_the_leadership":                      "an order",
	"transfer_to_one_that_lacks_entries_chooses_another": "an order",
	"withdrawn_election_is_left_to_others":               "an order",

	// To the specification every shard lives for ever.
	"shard_ends_amid_a_change":      "the end of a shard",
	"shard_ends_and_leaves_nothing": "the end of a shard",
	"shard_that_never_began_ends":   "the end of a shard",

	// To the specification's other replicas, one that is damaged is slow; but its
	// own repair is a snapshot that leaves the log, which is no single action.
	"damaged_entry_is_repaired_by_a_snapshot":               "damage",
	"damaged_replica_is_not_chosen":                         "damage",
	"leader_that_cannot_read_an_entry_sends_a_snapshot":     "damage",
	"leader_that_cannot_read_its_state_gives_way":           "damage",
	"leader_that_cannot_read_what_it_must_apply_steps_down": "damage",
	"leader_whose_state_differs_gives_way":                  "damage",
	"nobody_leads_while_what_they_lack_is_damaged":          "damage",
	"repair_waits_for_what_the_log_is_writing":              "damage",
	"replica_that_its_disk_lost_is_replaced":                "damage",
	"state_behind_a_trimmed_log_is_repaired":                "damage",
	"state_that_differs_is_quarantined_and_rebuilt":         "damage",
	"state_that_is_lost_at_the_beginning_is_made_anew":      "damage",
	"two_that_differ_are_not_judged":                        "damage",
}

// golden are the traces of all golden scripts but those.
func golden(t *testing.T) []named {
	var all []*recording
	replicationtest.RecordScripts(t, "../../replication/testdata", func(name string) replicationtest.Recorder {
		r := &recording{name: "golden/" + name}
		if outside[name] == "" {
			all = append(all, r)
		}
		return r.writer()
	})
	return read(t, all)
}

func read(t *testing.T, all []*recording) []named {
	var traces []named
	for _, r := range all {
		if strings.Contains(r.name, *only) {
			traces = append(traces, named{r.name, r.lines(t)})
		}
	}
	return traces
}

func chaos(t *testing.T) []named {
	var all []*recording
	for seed := range *seeds {
		r := &recording{name: fmt.Sprintf("chaos/%d", seed+1)}
		c := replicationtest.Chaos{Seed: uint64(seed + 1), For: 10 * time.Second, Specified: true, Record: r.writer()}
		if _, err := c.Run(); err != nil {
			t.Error(err)
		}
		all = append(all, r)
	}
	return read(t, all)
}

// explored are random paths. A metadata store that is restored from an old copy is
// outside of the specification.
func explored(t *testing.T) []named {
	var all []*recording
	for _, config := range slices.Concat(explore.Configurations, explore.Larger) {
		config = config.WithoutRollbacks()
		for path := range *paths {
			r := &recording{name: fmt.Sprintf("explorer/%s/%d", config.Name, path+1)}
			if err := explore.Record(config, uint64(path+1), 80, r.writer()); err != nil {
				t.Error(err)
			}
			all = append(all, r)
		}
	}
	return read(t, all)
}

// processes runs real nodes under faults, each run with a trace of each run of each
// node.
func processes(t *testing.T) []named {
	dir := t.TempDir()
	for _, command := range []string{"maelstrom-node", "maelstrom-runner"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, command), "../../cmd/"+command)
		if output, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", command, err, output)
		}
	}
	var traces []named
	for run := range *runs {
		name := fmt.Sprintf("processes/%d", run+1)
		if strings.Contains(name, *only) {
			traces = append(traces, named{name, processRun(t, dir, run+1)})
		}
	}
	return traces
}

func processRun(t *testing.T, dir string, seed int) []trace.Line {
	traces := filepath.Join(dir, fmt.Sprintf("traces-%d", seed))
	if err := os.Mkdir(traces, 0o755); err != nil {
		t.Fatal(err)
	}
	runner := exec.Command(filepath.Join(dir, "maelstrom-runner"), "-w", "lin-kv", "--bin", filepath.Join(dir, "maelstrom-node"),
		"--node-count", "3", "--concurrency", "2n", "--rate", "15", "--latency", "5", "--latency-dist", "exponential",
		"--nemesis", "partition,kill,pause,loss,duplicate,slow", "--nemesis-interval", "1", "--time-limit", "8",
		"--seed", fmt.Sprint(seed), "--store", filepath.Join(dir, fmt.Sprintf("store-%d", seed)),
		"--", "--data-dir", "data", "--trace-dir", traces)
	output, err := runner.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 2) {
		t.Fatalf("run %d: %v\n%s", seed, err, output)
	}
	paths, err := filepath.Glob(filepath.Join(traces, "*.trace"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("run %d left no traces: %v\n%s", seed, err, output)
	}
	var all [][]trace.Line
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := trace.Read(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, lines)
	}
	return trace.Merge(all...)
}

// needsTLC skips a test without it.
func needsTLC(t *testing.T) {
	if *jar == "" {
		t.Skip("takes TLC: scripts/tlc traces")
	}
}

// TestTracesAreBehaviours validates traces of every source.
func TestTracesAreBehaviours(t *testing.T) {
	needsTLC(t)
	for _, source := range []struct {
		name    string
		collect func(*testing.T) []named
	}{{"golden", golden}, {"explorer", explored}, {"chaos", chaos}, {"processes", processes}} {
		t.Run(source.name, func(t *testing.T) { validate(t, source.name, source.collect(t)) })
	}
}

func validate(t *testing.T, source string, traces []named) {
	var batch []*trace.Behaviour
	accepted, lines, steps, waiting := 0, 0, 0, 0
	flush := func() {
		accepted += check(t, batch)
		batch, waiting = nil, 0
	}
	for _, one := range traces {
		b, err := trace.Convert(one.name, one.lines, *most)
		if err != nil {
			t.Error(err)
			continue
		}
		lines, steps, waiting = lines+b.Lines, steps+len(b.Steps), waiting+len(b.Steps)
		if batch = append(batch, b); waiting > batchSteps {
			flush()
		}
	}
	flush()
	report(fmt.Sprintf("%s: %d of %d traces validated, %d steps of the core, %d of the specification", source, accepted, len(traces), lines, steps))
}

// report prints a line whether the test is verbose or not.
func report(text string) { _, _ = io.WriteString(os.Stdout, text+"\n") }

// check gives behaviours to TLC, and returns how many it accepted.
func check(t *testing.T, batch []*trace.Behaviour) int {
	if len(batch) == 0 {
		return 0
	}
	tlc := trace.TLC{Jar: *jar, Specs: "..", Dir: t.TempDir(), Workers: *workers}
	v, err := tlc.Validate(t.Context(), batch, *stops)
	if err != nil {
		t.Fatal(err)
	}
	if v.Error != "" {
		b := batch[v.Behaviour]
		t.Errorf("%s: %s at line %d, step %v\n%s", b.Name, v.Error, b.Steps[v.Step].Line, b.Steps[v.Step], v.Output)
	}
	for i, b := range batch {
		if *stops && !v.Accepted[i] {
			at := b.Steps[v.Taken[i]]
			t.Errorf("%s stops after %d of %d steps, at line %d: %v", b.Name, v.Taken[i], len(b.Steps), at.Line, at)
		}
	}
	return len(v.Accepted)
}

// TestCorruptedTracesAreRefused: each corruption, in several traces, is refused by
// what each step has to be alone, without any invariant.
func TestCorruptedTracesAreRefused(t *testing.T) {
	needsTLC(t)
	var batch []*trace.Behaviour
	count := map[string]int{}
	for i, one := range golden(t) {
		for _, c := range trace.Corruptions {
			lines, at, could := c.Apply(one.lines, 5*(i%7))
			if !could || at >= *most || count[c.Name] >= 3 {
				continue
			}
			b, err := trace.Convert(c.Name+" in "+one.name, lines, *most)
			count[c.Name]++
			if err != nil {
				continue // refused before TLC is asked
			}
			batch = append(batch, b)
		}
	}
	for _, c := range trace.Corruptions {
		if count[c.Name] == 0 {
			t.Errorf("no trace could be corrupted by %s", c.Name)
		}
	}
	tlc := trace.TLC{Jar: *jar, Specs: "..", Dir: t.TempDir(), Workers: *workers}
	v, err := tlc.Validate(t.Context(), batch, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Accepted {
		t.Errorf("%s was accepted", batch[i].Name)
	}
	report(fmt.Sprintf("corrupted: %d traces of %d kinds refused", len(batch)-len(v.Accepted), len(trace.Corruptions)))
}
