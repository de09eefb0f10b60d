package conformance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// Crashing is a stored state whose providers' processes may die.
type Crashing struct {
	// Open opens a provider.
	Open func() metadata.Provider
	// Doomed opens a provider whose process dies once it has taken a number of the
	// steps by which it stores: whatever it does then has no effect, and fails, or is
	// never answered.
	Doomed func(steps int) metadata.Provider
}

// The limits of a test of crashes.
const (
	// maxSteps is more than any provider has.
	maxSteps = 200
	// answerWithin is for calls that a dead process does not answer.
	answerWithin = time.Second
)

// RunCrashes tests what a provider leaves behind that dies after each of its steps.
// Begin returns a fresh state, empty; RunCrashes closes all providers.
func RunCrashes(t *testing.T, begin func(t *testing.T) Crashing) {
	for name, test := range map[string]func(*testing.T, metadata.Provider, metadata.Provider) bool{
		"documents": crashedUpdate,
		"lease":     crashedLease,
	} {
		t.Run(name, func(t *testing.T) {
			survived := false
			for steps := 0; !survived; steps++ {
				if steps == maxSteps {
					t.Fatalf("not done after %d steps", steps)
				}
				state := begin(t)
				before := state.Open()
				mustUpdate(t, before, "changed", value(1), 0)
				mustUpdate(t, before, "deleted", value(1), 0)
				mustUpdate(t, before, "stale", value(1), 0)
				if err := before.WriteLease(t.Context(), metadata.Lease{Holder: "a", Run: 1}, 0); err != nil {
					t.Fatal(err)
				}
				doomed, after := state.Doomed(steps), state.Open()
				survived = test(t, doomed, after)
				if steps == 0 && survived {
					t.Error("it stores without a step")
				}
				if t.Failed() {
					t.Fatalf("after %d steps", steps)
				}
				for _, p := range []metadata.Provider{before, doomed, after} {
					if err := p.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// crashedUpdate reports whether the doomed provider lived to tell what it stored.
func crashedUpdate(t *testing.T, doomed, after metadata.Provider) bool {
	changes := []metadata.Change{
		{Key: "changed", Value: value(2), Version: 1},
		{Key: "deleted", Version: 1},
		{Key: "made", Value: value(2)},
		{Key: "stale", Value: value(2), Version: 7},
	}
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	errs := doomed.Update(ctx, changes)
	survived := true
	for i, c := range changes {
		d := stored(t, after, c.Key)
		var done bool
		switch {
		case c.Deletes():
			done = d.Version == 0
		case d.Version == c.Version+1:
			done = string(d.Value) == string(c.Value)
			if !done {
				t.Errorf("%s is neither the old nor the new one: %s", c.Key, d.Value)
			}
		}
		switch {
		case errs[i] == nil && !done:
			t.Errorf("%s was stored, and is not", c.Key)
		case errors.Is(errs[i], metadata.ErrConflict) && (done || c.Key != "stale"):
			t.Errorf("%s did not conflict: %v", c.Key, errs[i])
		case errs[i] != nil && !errors.Is(errs[i], metadata.ErrConflict):
			survived = false
		}
		goOn(t, c.Key, func() error {
			next := metadata.Change{Key: c.Key, Value: value(3), Version: stored(t, after, c.Key).Version}
			return after.Update(t.Context(), []metadata.Change{next})[0]
		})
	}
	return survived
}

// goOn has whoever comes next go on from what there is. A request of the dead may still be
// on its way, and come to conflict with it.
func goOn(t *testing.T, what string, write func() error) {
	t.Helper()
	err := write()
	for begun := time.Now(); errors.Is(err, metadata.ErrConflict) && time.Since(begun) < patience; {
		err = write()
	}
	if err != nil {
		t.Errorf("going on with %s: %v", what, err)
	}
}

func crashedLease(t *testing.T, doomed, after metadata.Provider) bool {
	mine := metadata.Lease{Holder: "doomed", Run: 2}
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	err := doomed.WriteLease(ctx, mine, 1)
	now, version, readErr := after.ReadLease(t.Context())
	if readErr != nil {
		t.Fatal(readErr)
	}
	done := version == 2 && now == mine
	switch {
	case !done && (version != 1 || now.Holder != "a"):
		t.Errorf("the lease is neither the old nor the new one: %+v in version %d", now, version)
	case err == nil && !done:
		t.Errorf("the lease was stored, and is not")
	case errors.Is(err, metadata.ErrConflict):
		t.Errorf("nothing conflicts: %v", err)
	}
	goOn(t, "the lease", func() error {
		_, version, err := after.ReadLease(t.Context())
		if err != nil {
			return err
		}
		return after.WriteLease(t.Context(), metadata.Lease{Holder: "next", Run: 3}, version)
	})
	return err == nil
}
