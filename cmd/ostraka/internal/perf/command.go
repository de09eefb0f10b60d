package perf

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

const (
	// maxRate is what one generator could issue at most; more is a slip of the finger.
	maxRate = 10_000_000
	// maxWorkers bounds --concurrency and --max-in-flight.
	maxWorkers = 1_000_000
	maxKeys    = 1_000_000_000
	// maxValue is what a server takes.
	maxValue = 16 << 20
	// liveInterval is how often the line on a terminal is written anew.
	liveInterval = time.Second
)

// flags are the command line.
type flags struct {
	plan     Plan
	linger   time.Duration
	maxBatch int
	interval time.Duration
	populate bool
}

// Command returns the command.
func Command(version string) *cobra.Command {
	connection := data.NewConnection(false)
	var f flags
	cmd := &cobra.Command{
		Use:   "perf",
		Short: "Put load on a service and measure how it answers",
		Long: `Reads and writes records of random keys, and prints how long that took.

By default operations are issued at --rate per second, whether or not those before have
ended (an open loop). Latencies count from the moment at which an operation was due, so
that a pause of the service shows in all operations that it delayed. With --concurrency
so many workers issue their operations one after the other, as fast as they are answered
(a closed loop): that finds the highest throughput.

It runs for --duration or until it is interrupted. Progress is on standard error, the
result on standard output; -o json has all parameters beside it.`,
		Example: `  ostraka perf --rate 1000 --duration 30s
  ostraka perf --concurrency 64 --read-percent 0 --duration 10s
  ostraka perf -r 5000 -p 90 --populate --duration 1m -o json > result.json`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			return f.run(cmd, connection, version)
		},
	}
	set := cmd.Flags()
	set.SortFlags = false
	connection.Define(set)
	f.define(set)
	connection.DefineOutput(set)
	return cmd
}

func (f *flags) define(set *pflag.FlagSet) {
	p := &f.plan
	set.Float64VarP(&p.Rate, "rate", "r", 100, "operations per second, in an open loop")
	set.IntVar(&p.Concurrency, "concurrency", 0, "workers in a closed loop, in place of --rate")
	set.Float64VarP(&p.ReadPercent, "read-percent", "p", 80, "how many of the operations are reads, 0 to 100; the others are writes")
	set.IntVar(&p.Keys, "keys-cardinality", 1000, "how many different keys there are")
	set.StringVar(&p.KeyPrefix, "key-prefix", "perf/", "what the keys begin with")
	set.IntVarP(&p.ValueSize, "value-size", "s", 128, "bytes of a value")
	set.BoolVar(&p.Random, "random-payload", false, "draw each value anew; otherwise all are the same")
	set.BoolVar(&f.populate, "populate", false, "write every key once before")
	set.DurationVar(&f.linger, "batch-linger", 0, "how long a batch that is not full waits for more; 0: it leaves as soon as its shard can take one")
	set.IntVar(&f.maxBatch, "max-requests-per-batch", api.DefaultMaxBatchRequests, "operations in a batch at most")
	set.DurationVar(&p.Duration, "duration", 0, "how long to measure; 0: until interrupted")
	set.DurationVar(&p.WarmUp, "warm-up", time.Second, "how long to run before, uncounted")
	set.IntVar(&p.MaxInFlight, "max-in-flight", 100_000, "operations under way at most, in an open loop; those beyond wait, and are late")
	set.Uint64Var(&p.Seed, "seed", 0, "what decides the operations (default: drawn)")
	set.DurationVar(&f.interval, "report-interval", 10*time.Second, "how often to say how it goes; on a terminal every second")
}

// check returns what is wrong with the flags, and fills in what is not given.
func (f *flags) check(set *pflag.FlagSet) error {
	p := &f.plan
	if !set.Changed("seed") {
		p.Seed = rand.Uint64()
	}
	switch {
	case set.Changed("concurrency") && set.Changed("rate"):
		return exit.Misuse("--rate and --concurrency exclude each other: an open loop has a rate, a closed one workers")
	case set.Changed("concurrency") && (p.Concurrency < 1 || p.Concurrency > maxWorkers):
		return exit.Usage("concurrency", p.Concurrency, fmt.Sprintf("give a number from 1 to %d", maxWorkers))
	case math.IsNaN(p.Rate) || p.Rate <= 0 || p.Rate > maxRate:
		return exit.Usage("rate", p.Rate, fmt.Sprintf("give a number above 0, up to %d", maxRate))
	case math.IsNaN(p.ReadPercent) || p.ReadPercent < 0 || p.ReadPercent > 100:
		return exit.Usage("read-percent", p.ReadPercent, "give a number from 0 to 100")
	case p.Keys < 1 || p.Keys > maxKeys:
		return exit.Usage("keys-cardinality", p.Keys, fmt.Sprintf("give a number from 1 to %d", maxKeys))
	case p.KeyPrefix == "":
		return exit.Usage("key-prefix", `""`, "give a prefix, so that the keys can be told from yours, and deleted")
	case p.ValueSize < 0 || p.ValueSize > maxValue:
		return exit.Usage("value-size", p.ValueSize, fmt.Sprintf("give a number from 0 to %d", maxValue))
	case f.linger < 0:
		return exit.Usage("batch-linger", f.linger, "give 0 or more")
	case f.maxBatch < 1:
		return exit.Usage("max-requests-per-batch", f.maxBatch, "give 1 or more")
	case p.Duration < 0:
		return exit.Usage("duration", p.Duration, "give more than 0, or leave it out to run until interrupted")
	case p.WarmUp < 0:
		return exit.Usage("warm-up", p.WarmUp, "give 0 or more")
	case p.MaxInFlight < 1 || p.MaxInFlight > maxWorkers:
		return exit.Usage("max-in-flight", p.MaxInFlight, fmt.Sprintf("give a number from 1 to %d", maxWorkers))
	case f.interval <= 0:
		return exit.Usage("report-interval", f.interval, "give a duration above 0, such as 10s")
	}
	if p.Concurrency > 0 {
		p.Rate, p.MaxInFlight = 0, 0
	}
	return nil
}

func (f *flags) run(cmd *cobra.Command, connection *data.Connection, version string) error {
	const maxBatchBytes = api.DefaultMaxBatchBytes
	used, err := connection.Open(cmd.Context(), client.WithBatchLinger(f.linger), client.WithMaxBatch(maxBatchBytes, f.maxBatch))
	if err != nil {
		return err
	}
	defer used.Close()
	if f.populate {
		if err := populate(cmd.Context(), used, &f.plan); err != nil {
			return err
		}
	}
	parameters := f.parameters(connection, version)
	recorder := NewRecorder()
	f.watched(cmd, recorder, func() { Run(cmd.Context(), service{used}, f.plan, recorder) })
	result := recorder.Result()
	result.Parameters = parameters
	return result.print(cmd.OutOrStdout(), connection.Format())
}

// watched runs do, and tells how it goes meanwhile.
func (f *flags) watched(cmd *cobra.Command, recorder *Recorder, do func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(cmd.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		errs := cmd.ErrOrStderr()
		every, live := f.interval, onTerminal(errs)
		if live {
			every = min(every, liveInterval)
		}
		progress(ctx, errs, live, every, recorder)
	}()
	do()
	cancel()
	<-ended
}

func onTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (f *flags) parameters(connection *data.Connection, version string) Parameters {
	p := f.plan
	parameters := Parameters{
		Address: connection.Address(), Namespace: connection.Namespace(), RequestTimeout: connection.Timeout().String(),
		Mode: "open", Rate: p.Rate, Concurrency: p.Concurrency, MaxInFlight: p.MaxInFlight,
		ReadPercent: p.ReadPercent, Keys: p.Keys, KeyPrefix: p.KeyPrefix, ValueSize: p.ValueSize, RandomPayload: p.Random,
		BatchLinger: f.linger.String(), MaxBatch: f.maxBatch, WarmUp: p.WarmUp.String(), Seed: p.Seed, Populated: f.populate,
		ClientVersion: version, ClientCPUs: runtime.GOMAXPROCS(0), StartedUnixMillis: time.Now().UnixMilli(),
	}
	if p.Concurrency > 0 {
		parameters.Mode = "closed"
	}
	if p.Duration > 0 {
		parameters.Duration = p.Duration.String()
	}
	return parameters
}

// print prints the result: for people as a page, or else as one item.
func (r Result) print(w io.Writer, format output.Format) error {
	if format == output.Table {
		return r.write(w)
	}
	return output.NewPrinter(w, format).Print(r)
}
