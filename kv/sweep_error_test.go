package kv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Where the sweep of errors begins, in which steps it goes on, and how: "CALL STEP
// once" or "CALL STEP on". It is set in the processes of the sweep alone.
const errorSweepVariable = "KV_ERROR_SWEEP"

// An error of the disk at any call, or at every third and from then on, ends the workload with that
// error, or does it no harm, or ends the process, where the storage engine cannot
// tell what is on the disk any more. Whatever of it, what is then on the disk is what
// a crash might have left: nothing durable is lost, and nothing is invented.
//
// Because of the third outcome the sweep is done by processes of their own; each
// goes on where the one before ended.
func TestErrorSweep(t *testing.T) {
	// A disk that stays broken ends most processes, and each is long in starting.
	for mode, step := range map[string]int{"once": 1, "on": 3} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			counts := map[string]int{}
			for at, done := 0, false; !done; {
				outcomes := sweepInProcess(t, fmt.Sprint(at, " ", step, " ", mode))
				if len(outcomes) == 0 {
					t.Fatalf("from call %d on nothing was found out", at)
				}
				for _, outcome := range outcomes {
					counts[outcome]++
				}
				at += step * len(outcomes)
				done = outcomes[len(outcomes)-1] == "over"
			}
			t.Logf("%v", counts)
			if counts["error"] == 0 || counts["fatal"] == 0 {
				t.Error("not every outcome came about")
			}
		})
	}
}

// sweepInProcess runs the sweep from some call on, and returns the outcome of each
// call that it came to.
func sweepInProcess(t *testing.T, from string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestErrorSweepProcess$")
	child.Env = append(os.Environ(), errorSweepVariable+"="+from)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("from call %s: %v\n%s", from, err, out)
	}
	var outcomes []string
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		if outcome, ok := strings.CutPrefix(lines.Text(), "outcome: "); ok {
			outcomes = append(outcomes, outcome)
		}
	}
	return outcomes
}

// TestErrorSweepProcess is the process, and no test by itself.
func TestErrorSweepProcess(t *testing.T) {
	var at, step int
	var mode string
	if _, err := fmt.Sscan(os.Getenv(errorSweepVariable), &at, &step, &mode); err != nil {
		t.Skip("not a process of the sweep")
	}
	s := newSweep(t)
	for outcome := ""; outcome != "over"; at += step {
		outcome = (&failingRun{t: t, sweep: s, at: at, on: mode == "on", disk: vfs.NewCrashableMem()}).run()
		fmt.Println("outcome:", outcome)
	}
}

// failingRun is one run of the workload, on a disk that fails.
type failingRun struct {
	t     *testing.T
	sweep *sweep
	// at is the call that fails; on says that all after it do, too.
	at   int
	on   bool
	disk *vfs.MemFS
	p    progress

	mu    sync.Mutex
	calls int
}

// MaybeError implements errorfs.Injector.
func (r *failingRun) MaybeError(op errorfs.Op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Nobody is told how closing goes.
	if op.Kind == errorfs.OpFileClose {
		return nil
	}
	r.calls++
	if r.calls-1 == r.at || (r.on && r.calls > r.at) {
		return errorfs.ErrInjected
	}
	return nil
}

// String implements errorfs.Injector.
func (r *failingRun) String() string { return "a disk that fails" }

// Enabled implements slog.Handler.
func (r *failingRun) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler. The message that the storage engine cannot go on
// is the last of this process.
func (r *failingRun) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "storage engine cannot go on" {
		r.end()
	}
	return nil
}

// end ends the process, as the storage engine wants it.
func (r *failingRun) end() {
	r.check()
	fmt.Println("outcome: fatal")
	os.Exit(0)
}

// WithAttrs implements slog.Handler.
func (r *failingRun) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup implements slog.Handler.
func (r *failingRun) WithGroup(string) slog.Handler { return r }

// run runs the workload, checks what is on the disk, and returns what came of it.
func (r *failingRun) run() string {
	defer func() {
		// It panics where it cannot sync the name of a manifest.
		if cause := recover(); cause != nil {
			if err, ok := cause.(error); !ok || !errors.Is(err, errorfs.ErrInjected) {
				panic(cause)
			}
			r.end()
		}
	}()
	err := r.sweep.run(errorfs.Wrap(r.disk, r), &r.p, slog.New(r))
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil && !errors.Is(err, errorfs.ErrInjected):
		r.t.Fatalf("call %d: %v", r.at, err)
	case err != nil:
		return "error"
	case r.calls <= r.at:
		return "over"
	}
	return "harmless"
}

// check holds what the process leaves on the disk, and what is left of that if the
// machine fails too, against the record.
func (r *failingRun) check() {
	begun, ended := r.p.now()
	for _, percent := range []int{0, 50, 100} {
		clone := r.disk.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(r.at), uint64(percent))),
		})
		r.sweep.check(panicking{}, clone, begun, ended)
	}
}
