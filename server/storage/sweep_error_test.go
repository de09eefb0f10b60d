package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// errorSweepVariable has the call at which the sweep of errors begins, and how far
// apart the calls are that fail. It is set in the processes of the sweep alone.
const errorSweepVariable = "STORAGE_ERROR_SWEEP"

// An error of the disk at any call, reading or writing, ends the workload with that
// error, or does it no harm, or ends the process, where the storage engine cannot tell
// what is on the disk any more. Whatever of it, what is then on the disk is what a
// crash might have left.
//
// Because of the third outcome the sweep is done by processes of their own; each goes
// on where the one before ended.
func TestErrorSweepOfLogAndState(t *testing.T) {
	counts := map[string]int{}
	for at, done := 0, false; !done; {
		outcomes := errorsInProcess(t, at)
		if len(outcomes) == 0 {
			t.Fatalf("from call %d on nothing was found out", at)
		}
		for _, outcome := range outcomes {
			counts[outcome]++
		}
		at += *sweepErrors * len(outcomes)
		done = outcomes[len(outcomes)-1] == "over"
	}
	t.Logf("%v", counts)
	if counts["error"] == 0 || counts["fatal"] == 0 || counts["harmless"] == 0 {
		t.Error("not every outcome came about")
	}
}

// errorsInProcess runs the sweep from some call on, and returns the outcome of each
// call that it came to.
func errorsInProcess(t *testing.T, from int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestErrorSweepOfLogAndStateProcess$")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", errorSweepVariable, from, *sweepErrors))
	out, err := child.CombinedOutput()
	text := string(out)
	_, after, checked := strings.Cut(text[strings.LastIndex(text, "outcome: ")+1:], "checked\n")
	died := err != nil && checked && strings.HasPrefix(after, "panic: injected error")
	if err != nil && !died {
		t.Fatalf("from call %d: %v\n%s", from, err, out)
	}
	var outcomes []string
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if outcome, ok := strings.CutPrefix(lines.Text(), "outcome: "); ok {
			outcomes = append(outcomes, outcome)
		}
	}
	if died {
		outcomes = append(outcomes, "fatal")
	}
	return outcomes
}

// TestErrorSweepOfLogAndStateProcess is the process, and no test by itself.
func TestErrorSweepOfLogAndStateProcess(t *testing.T) {
	var at, every int
	if _, err := fmt.Sscan(os.Getenv(errorSweepVariable), &at, &every); err != nil {
		t.Skip("not a process of the sweep")
	}
	s := newSweep(t)
	for outcome := ""; outcome != "over"; at += every {
		outcome = (&failingRun{t: t, sweep: s, at: at}).run()
		fmt.Println("outcome:", outcome)
	}
}

// failingRun is one run of the workload, on a disk of which one call fails.
type failingRun struct {
	t     *testing.T
	sweep *sweep
	at    int
	disk  *stepper
	under *sweepRun
}

// run runs the workload, checks what is on the disk, and returns what came of it.
func (r *failingRun) run() string {
	defer func() {
		// The engine panics where it cannot sync the name of a marker.
		if cause := recover(); cause != nil {
			if err, ok := cause.(error); !ok || !errors.Is(err, errorfs.ErrInjected) {
				panic(cause)
			}
			r.end()
		}
	}()
	// Nobody is told how closing a file goes.
	r.disk = &stepper{mem: vfs.NewCrashableMem(), only: func(op errorfs.Op) bool { return op.Kind != errorfs.OpFileClose }}
	r.disk.happens = r.fail
	r.under = r.sweep.newRun(errorfs.Wrap(r.disk.mem, r.disk), slog.New(r))
	err := r.under.all()
	calls := r.disk.end()
	r.check()
	switch {
	case err != nil && !errors.Is(err, errorfs.ErrInjected) && !errors.Is(err, errUnread):
		r.t.Fatalf("call %d: %v", r.at, err)
	case err != nil:
		return "error"
	case calls <= r.at:
		return "over"
	}
	return "harmless"
}

// fail makes one call fail. Where the engine cannot sync the name of a marker it may
// panic in a goroutine of its own, so that what is on the disk then is looked at first.
func (r *failingRun) fail(step int, op errorfs.Op) error {
	if step != r.at {
		return nil
	}
	if op.Kind == errorfs.OpFileSync && op.Path == "data/state" {
		if err := r.sweep.accident(r.disk, r.under.p, r.at); err != nil {
			fmt.Println("an error at", err)
			os.Exit(1)
		}
		fmt.Println("checked")
	}
	return errorfs.ErrInjected
}

// check holds what the process leaves on the disk, and what is left of that if the
// machine fails too, against what was acknowledged.
func (r *failingRun) check() {
	if err := r.sweep.accident(r.disk, r.under.p, r.at); err != nil {
		r.t.Fatalf("an error at %v", err)
	}
}

// end ends the process, as the storage engine wants it.
func (r *failingRun) end() {
	if err := r.sweep.accident(r.disk, r.under.p, r.at); err != nil {
		fmt.Println("an error at", err)
		os.Exit(1)
	}
	fmt.Println("outcome: fatal")
	os.Exit(0)
}

// Enabled implements slog.Handler.
func (r *failingRun) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler. The message that the storage engine cannot go on is
// the last of this process.
func (r *failingRun) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "storage engine cannot go on" {
		r.end()
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (r *failingRun) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup implements slog.Handler.
func (r *failingRun) WithGroup(string) slog.Handler { return r }
