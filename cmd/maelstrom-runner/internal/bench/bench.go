package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/cluster"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/failover"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/options"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/report"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/trial"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// Run does what the options say and writes a summary to out. An error means that the
// bench itself failed; what it found out about the nodes is in the results.
func Run(ctx context.Context, opts options.Options, out io.Writer) (*report.Results, error) {
	store, err := openStore(opts)
	if err != nil {
		return nil, err
	}
	log := &lineLog{out: out}
	log.printf("seed %d, files in %s", opts.Seed, store)
	results := &report.Results{
		Verdict: checker.Valid, Workload: opts.Workload, Seed: opts.Seed, Command: os.Args, Store: store,
		Checks: make(map[string]checker.Result),
	}
	if err := run(ctx, opts, results, log); err != nil {
		return nil, err
	}
	conclude(results)
	if err := results.WriteFile(); err != nil {
		return nil, err
	}
	return results, results.Summarize(out)
}

func run(ctx context.Context, opts options.Options, results *report.Results, log *lineLog) error {
	w, err := workload.New(opts.Workload, workload.Options{MeanLatency: opts.Latency.Mean, Transactions: opts.Transactions})
	if err != nil {
		return err
	}
	tracker, expected := failover.NewTracker(opts.LeaderPattern), newExpectedLog(opts.ExpectLog)
	c, err := cluster.Start(ctx, cluster.Config{
		Nodes: opts.Nodes, Bin: opts.Bin, Args: opts.Args, Store: results.Store,
		Network:  network.Config{Latency: opts.Latency, Loss: opts.Loss, Seed: opts.Seed, Trace: tracer(opts, log)},
		OnStderr: stderr(opts, tracker, expected, log),
	})
	if err != nil {
		results.Checks["start"] = checker.Result{Verdict: checker.Unknown, Reasons: []string{err.Error()}}
		return nil
	}
	defer c.Close()
	log.printf("%d nodes have started", opts.Nodes)
	var events []history.Event
	if opts.Failovers > 0 {
		events = measureFailovers(ctx, opts, results, w, tracker, c)
	} else if events, err = runTrial(ctx, opts, results, w, c); err != nil {
		return err
	}
	c.Close()
	log.printf("%d events recorded, checking", len(events))
	if err := history.WriteFile(filepath.Join(results.Store, "history.jsonl"), events); err != nil {
		return err
	}
	judge(ctx, opts, results, w, c, events)
	expected.judge(results)
	return nil
}

func runTrial(ctx context.Context, opts options.Options, results *report.Results, w workload.Workload, c *cluster.Cluster) ([]history.Event, error) {
	events, err := trial.Run(ctx, trial.Config{
		Workload: w, Threads: opts.Threads, Rate: opts.Rate, Limit: opts.TimeLimit + opts.RecoveryTime,
		Seed: opts.Seed, Plan: plan(opts, c.Nodes()), Recovers: recovers(opts),
	}, c)
	if err != nil {
		return nil, err
	}
	var end time.Duration
	if len(events) > 0 {
		end = events[len(events)-1].Time
	}
	results.CountFaults(events, report.Setting{Nodes: c.Nodes(), Threads: opts.Threads, Writes: w.Writes(), End: end})
	return events, nil
}

// measureFailovers is unknown, rather than an error of the bench, when writes do not
// go on: that is for the reader to judge.
func measureFailovers(ctx context.Context, opts options.Options, results *report.Results, w workload.Workload, tracker *failover.Tracker, c *cluster.Cluster) []history.Event {
	trials, events, err := failover.Run(ctx, failover.Config{
		Trials: opts.Failovers, Workload: w, Tracker: tracker, Pattern: opts.LeaderPattern != nil,
	}, c)
	results.CountFailovers(trials)
	if err != nil {
		results.Checks["failover"] = checker.Result{Verdict: checker.Unknown, Reasons: []string{
			fmt.Sprintf("%d of %d failovers were measured: %v", len(trials), opts.Failovers, err),
		}}
	}
	return events
}

func plan(opts options.Options, nodes []string) []nemesis.Step {
	steps := nemesis.Plan(nemesis.Config{
		Nodes: nodes, Faults: opts.Faults, Partitions: opts.Partitions, Interval: opts.Interval,
		Until: opts.TimeLimit, Seed: opts.Seed, HealAtEnd: recovers(opts),
	})
	if opts.FirstFaults >= 0 {
		return nemesis.Prefix(steps, opts.FirstFaults)
	}
	return steps
}

func recovers(opts options.Options) bool { return opts.RecoveryTime > 0 }

// judge fills in numbers and checks.
func judge(ctx context.Context, opts options.Options, results *report.Results, w workload.Workload, c *cluster.Cluster, events []history.Event) {
	ops := history.Operations(events)
	results.Count(ops, c.Counts())
	results.Checks[w.Name()] = w.Check(ops, checker.Config{Timeout: opts.CheckTimeout, Dir: results.Store})
	results.Checks["nodes"] = judgeNodes(c.Problems())
	results.Checks["successes"] = judgeSuccesses(results)
	if check, asked := judgeRecovery(results, opts.RecoveryTime, opts.RecoveryGoal); asked {
		results.Checks["recovery"] = check
	}
	results.Checks["availability"] = judgeAvailability(results.Availability, opts.Availability)
	if ctx.Err() != nil {
		results.Checks["complete"] = checker.Result{Verdict: checker.Unknown, Reasons: []string{"the run was interrupted"}}
	}
}

func judgeNodes(problems []error) checker.Result {
	result := checker.Result{Verdict: checker.Valid}
	for _, err := range problems {
		result.Verdict = checker.Invalid
		result.Reasons = append(result.Reasons, err.Error())
	}
	return result
}

// judgeSuccesses asks for one success of each kind, as Maelstrom does: where nothing
// succeeded, nothing was tested.
func judgeSuccesses(results *report.Results) checker.Result {
	result := checker.Result{Verdict: checker.Valid}
	if results.Total.OK == 0 {
		return checker.Result{Verdict: checker.Unknown, Reasons: []string{"no operation succeeded"}}
	}
	for _, f := range slices.Sorted(maps.Keys(results.Kinds)) {
		if results.Kinds[f].OK == 0 {
			result.Verdict = checker.Unknown
			result.Reasons = append(result.Reasons, fmt.Sprintf("no %s succeeded (Maelstrom calls that invalid)", f))
		}
	}
	return result
}

func judgeAvailability(got, wanted float64) checker.Result {
	if got >= wanted {
		return checker.Result{Verdict: checker.Valid}
	}
	return checker.Result{Verdict: checker.Invalid, Reasons: []string{
		fmt.Sprintf("availability is %.4f, less than the %.4f asked for", got, wanted),
	}}
}

// conclude combines the checks.
func conclude(results *report.Results) {
	for _, name := range slices.Sorted(maps.Keys(results.Checks)) {
		check := results.Checks[name]
		results.Verdict = results.Verdict.And(check.Verdict)
		results.Reasons = append(results.Reasons, check.Reasons...)
	}
}

func tracer(opts options.Options, log *lineLog) network.Tracer {
	if !opts.LogSend && !opts.LogRecv {
		return nil
	}
	return func(event string, m message.Message) {
		if event == "send" && opts.LogSend || event == "recv" && opts.LogRecv {
			log.printf("%s %s", event, strings.TrimSuffix(string(m.AppendLine(nil)), "\n"))
		}
	}
}

func stderr(opts options.Options, tracker *failover.Tracker, expected *expectedLog, log *lineLog) func(node, line string) {
	return func(node, line string) {
		tracker.Line(node, line)
		expected.line(node, line)
		if opts.LogStderr {
			log.printf("%s: %s", node, line)
		}
	}
}

// lineLog keeps lines whole that come from many goroutines.
type lineLog struct {
	mu  sync.Mutex // guards out
	out io.Writer
}

func (l *lineLog) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.out, format+"\n", args...) // a closed terminal must not end a run
}
