package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/maelstrom"
)

// longestRequest is under Maelstrom's own timeout of a second: a later answer is
// of no use to anybody.
const longestRequest = time.Second

// longestPart of a snapshot still fits into a line, four bytes for three.
const longestPart = 32 << 10

// flags are the command line.
type flags struct {
	dataDir        string
	logLevel       string
	traceDir       string
	requestTimeout time.Duration
	trimEvery      int
	options        replication.Options
}

func newFlags() *flags { return &flags{options: maelstrom.DefaultOptions()} }

func (f *flags) register(set *pflag.FlagSet) {
	set.StringVar(&f.dataDir, "data-dir", "", "directory that keeps the node's state; by default a temporary one, removed at the end")
	set.StringVar(&f.traceDir, "trace-dir", "", "existing directory to write traces of the core's steps to, for scripts/tlc traces")
	set.StringVar(&f.logLevel, "log-level", "info", "least level of log lines: debug, info, warn or error")
	set.DurationVar(&f.requestTimeout, "request-timeout", 900*time.Millisecond, "when a client's request is answered at the latest")
	set.IntVar(&f.trimEvery, "trim-every", 0, "trim the log every so many applied entries, down to the last as many; who lags by more is sent a snapshot; 0 is never")
	set.IntVar(&f.options.MaxSnapshotBytes, "snapshot-bytes", f.options.MaxSnapshotBytes, "how many bytes of a snapshot go into one message")
	for _, t := range f.timers() {
		set.DurationVar(t.value, t.flag, *t.value, t.usage)
	}
}

// timer is a flag for one of the core's timers.
type timer struct {
	flag  string
	value *time.Duration
	usage string
}

func (f *flags) timers() []timer {
	o := &f.options
	return []timer{
		{"resend-after", &o.ResendAfter, "after how long without an answer a message is sent again"},
		{"commit-after", &o.CommitAfter, "after how long a quiet leader tells the last commit offset"},
		{"beat-every", &o.BeatEvery, "how often each node lets each other one hear it"},
		{"silent-after", &o.SilentAfter, "after how long a node that is not heard counts as silent; at least three times --beat-every"},
		{"question-for", &o.QuestionFor, "how long a coordinator waits for answers before it elects"},
		{"grace-for", &o.GraceFor, "how long a coordinator waits for the rest once a quorum is fenced"},
		{"lead-within", &o.LeadWithin, "how long a chosen leader may take to accept"},
		{"elect-within", &o.ElectWithin, "how long a shard may be without a leader before a coordinator starts over"},
		{"backoff-most", &o.BackoffMost, "the most that a coordinator waits at random before it competes"},
		{"store-within", &o.StoreWithin, "how long the metadata store may take to answer"},
	}
}

// config returns what the node is told, or which flag is wrong and what to do.
func (f *flags) config(stdin io.Reader, stdout, stderr io.Writer) (maelstrom.Config, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return maelstrom.Config{}, fmt.Errorf("--log-level is %q: use debug, info, warn or error", f.logLevel)
	}
	if f.requestTimeout <= 0 || f.requestTimeout >= longestRequest {
		return maelstrom.Config{}, fmt.Errorf("--request-timeout is %v: use a time above zero and below %v, when Maelstrom's clients give up",
			f.requestTimeout, longestRequest)
	}
	if f.trimEvery < 0 {
		return maelstrom.Config{}, fmt.Errorf("--trim-every is %d: use a number of entries, or 0 to keep them all", f.trimEvery)
	}
	if part := f.options.MaxSnapshotBytes; part < 1 || part > longestPart {
		return maelstrom.Config{}, fmt.Errorf("--snapshot-bytes is %d: use a number from 1 to %d", part, longestPart)
	}
	for _, t := range f.timers() {
		if *t.value <= 0 {
			return maelstrom.Config{}, fmt.Errorf("--%s is %v: use a time above zero", t.flag, *t.value)
		}
	}
	if f.options.SilentAfter < 3*f.options.BeatEvery {
		return maelstrom.Config{}, fmt.Errorf("--silent-after is %v and --beat-every is %v: use a --silent-after of at least %v, or a shorter --beat-every",
			f.options.SilentAfter, f.options.BeatEvery, 3*f.options.BeatEvery)
	}
	return maelstrom.Config{
		DataDir: f.dataDir, TraceDir: f.traceDir, RequestTimeout: f.requestTimeout, TrimEvery: f.trimEvery, Options: f.options,
		Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
		Stdin:  stdin, Stdout: stdout,
	}, nil
}
