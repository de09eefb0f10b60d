package perf

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errBusy = errors.New("busy")

// fakeTarget answers after as long as takes says, which is told since when it runs.
type fakeTarget struct {
	begin time.Time
	takes func(since time.Duration) time.Duration
	err   error
	found bool

	mu   sync.Mutex
	keys map[string]int
	most int // operations under way at once
	now  int
}

func newFakeTarget(takes func(time.Duration) time.Duration) *fakeTarget {
	return &fakeTarget{begin: time.Now(), takes: takes, found: true, keys: map[string]int{}}
}

func constant(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

func (f *fakeTarget) do(key string) error {
	f.mu.Lock()
	f.keys[key]++
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	time.Sleep(f.takes(time.Since(f.begin)))
	f.mu.Lock()
	f.now--
	f.mu.Unlock()
	return f.err
}

func (f *fakeTarget) Read(_ context.Context, key string) (bool, error) { return f.found, f.do(key) }
func (f *fakeTarget) Write(_ context.Context, key string, _ []byte) error {
	return f.do(key)
}
func (f *fakeTarget) Reason(err error) string { return err.Error() }

func openPlan(rate float64, warmUp, duration time.Duration) Plan {
	return Plan{Rate: rate, MaxInFlight: 1000, ReadPercent: 50, Keys: 10, KeyPrefix: "k", ValueSize: 8, WarmUp: warmUp, Duration: duration, Seed: 1}
}

// measure runs a plan on a clock that only the fake target moves.
func measure(ctx context.Context, target Target, plan Plan) Result {
	recorder := NewRecorder()
	run(ctx, target, plan, recorder, pace{time.Sleep})
	return recorder.Result()
}

func near(got, want float64) bool { return got > want*0.99 && got < want*1.01 }

func TestOpenLoopIssuesAtItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Each answer takes longer than the time between two operations.
		result := measure(t.Context(), newFakeTarget(constant(50*time.Millisecond)), openPlan(100, time.Second, 10*time.Second))
		if result.Operations != 1000 {
			t.Errorf("%d operations, want 1000", result.Operations)
		}
		if !near(result.Reads.P50, 50) || !near(result.Writes.Max, 50) || !near(result.Seconds, 10.04) {
			t.Errorf("%+v", result)
		}
	})
}

// A pause of the service is in the latencies of all operations that were due in it, and
// not of one alone.
func TestAPauseIsNotOmitted(t *testing.T) {
	pause := func(since time.Duration) time.Duration {
		if since >= 4*time.Second && since < 5*time.Second {
			return 5*time.Second - since
		}
		return time.Millisecond
	}
	synctest.Test(t, func(t *testing.T) {
		plan := openPlan(100, 0, 10*time.Second)
		plan.ReadPercent = 100
		result := measure(t.Context(), newFakeTarget(pause), plan)
		// A tenth of the operations were due in the pause, and on average waited for
		// half of it.
		if !near(result.Reads.P95, 500) || !near(result.Reads.P99, 900) || !near(result.Reads.Max, 1000) || result.Reads.P50 > 2 {
			t.Errorf("%+v", result.Reads)
		}
	})
}

// Where operations cannot even be issued, they are late from the moment at which they
// were due.
func TestAnOperationThatIsHeldBackIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := openPlan(100, 0, time.Second)
		plan.MaxInFlight = 1
		target := newFakeTarget(constant(20 * time.Millisecond))
		result := measure(t.Context(), target, plan)
		if target.most != 1 {
			t.Errorf("%d operations at once", target.most)
		}
		// 100 operations of 20 ms take two seconds; the last was due after 990 ms.
		if got := max(result.Reads.Max, result.Writes.Max); !near(got, 1010) {
			t.Errorf("the last one took %v ms", got)
		}
		if result.HeldBack != 99 || !near(result.Lag.Max, 990) {
			t.Errorf("%d held back, lag %v", result.HeldBack, result.Lag.Max)
		}
	})
}

func TestWarmUpIsNotCounted(t *testing.T) {
	cold := func(since time.Duration) time.Duration {
		if since < time.Second {
			return 500 * time.Millisecond
		}
		return time.Millisecond
	}
	synctest.Test(t, func(t *testing.T) {
		result := measure(t.Context(), newFakeTarget(cold), openPlan(10, time.Second, 5*time.Second))
		if result.Operations != 50 || result.Reads.Max > 2 || result.Writes.Max > 2 {
			t.Errorf("%+v", result)
		}
	})
}

func TestClosedLoopIssuesAsItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := Plan{Concurrency: 4, ReadPercent: 0, Keys: 10, ValueSize: 1, Duration: time.Second, Seed: 1}
		target := newFakeTarget(constant(10 * time.Millisecond))
		result := measure(t.Context(), target, plan)
		if result.Operations != 400 || target.most != 4 || !near(result.Throughput, 400) {
			t.Errorf("%d operations, %d at once, %v per second", result.Operations, target.most, result.Throughput)
		}
		if result.Reads.Count != 0 || result.Lag.Count != 0 {
			t.Errorf("%+v", result)
		}
	})
}

// An interrupt ends the issue of operations, and not those under way.
func TestAnInterruptWaitsForWhatWasIssued(t *testing.T) {
	for _, concurrency := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 950*time.Millisecond)
			defer cancel()
			plan := openPlan(10, 0, 0)
			if concurrency > 0 {
				plan.Rate, plan.Concurrency = 0, concurrency
			}
			target := newFakeTarget(constant(5 * time.Second))
			result := measure(ctx, target, plan)
			want := int64(10)
			if concurrency > 0 {
				want = 3
			}
			if result.Operations != want || target.now != 0 || result.Failed.Count != 0 {
				t.Errorf("%d operations, %d under way", result.Operations, target.now)
			}
		})
	}
}

func TestErrorsAreCountedByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := newFakeTarget(constant(3 * time.Millisecond))
		target.err = errBusy
		result := measure(t.Context(), target, openPlan(100, 0, time.Second))
		if result.Errors["busy"] != 100 || result.Operations != 0 || result.Failed.Count != 100 || !near(result.Failed.P50, 3) {
			t.Errorf("%+v", result)
		}
	})
}

func TestReadsOfNothingAreMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := newFakeTarget(constant(0))
		target.found = false
		result := measure(t.Context(), target, openPlan(100, 0, time.Second))
		if result.Reads.Missed != result.Reads.Count || result.Reads.Count == 0 || result.Failed.Count != 0 {
			t.Errorf("%+v", result)
		}
	})
}

// Errors of ever new wording do not grow without bound.
func TestReasonsAreBounded(t *testing.T) {
	recorder, now := NewRecorder(), time.Now()
	recorder.start(now)
	for i := range 10 * maxReasons {
		recorder.ended(true, true, fmt.Sprint("reason ", i), now, now.Add(time.Hour*2))
	}
	recorder.stop(now.Add(time.Second))
	result := recorder.Result()
	if len(result.Errors) != maxReasons+1 || result.Errors[otherReason] != 9*maxReasons {
		t.Errorf("%d reasons, %d others", len(result.Errors), result.Errors[otherReason])
	}
	if !near(result.Failed.Max, millis(slowest.Microseconds())) {
		t.Errorf("what took longer than an hour took %v ms", result.Failed.Max)
	}
}

func TestASeedDecidesTheOperations(t *testing.T) {
	plan := openPlan(1, 0, 0)
	plan.Random, plan.Keys = true, 1000
	draw := func(seed, stream uint64) []op {
		plan := plan
		plan.Seed = seed
		s := newSource(&plan, stream)
		ops := make([]op, 100)
		for i := range ops {
			ops[i] = s.next()
		}
		return ops
	}
	same := func(a, b []op) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
	if !same(draw(1, 0), draw(1, 0)) {
		t.Error("one seed, two sequences")
	}
	if same(draw(1, 0), draw(2, 0)) || same(draw(1, 0), draw(1, 1)) {
		t.Error("two seeds, or two workers, and one sequence")
	}
	reads := 0
	for _, o := range draw(1, 0) {
		if o.read {
			reads++
		} else if len(o.value) != plan.ValueSize {
			t.Fatalf("a value of %d bytes", len(o.value))
		}
	}
	if reads < 30 || reads > 70 {
		t.Errorf("%d of 100 are reads, of 50 percent", reads)
	}
}

// An operation that is due in real time is not issued before, and within a few
// milliseconds unless the machine stands still.
func TestPaceWaitsForTheMoment(t *testing.T) {
	p := pace{nap}
	for _, wait := range []time.Duration{-time.Second, 0, 100 * time.Microsecond, 5 * time.Millisecond} {
		moment := time.Now().Add(wait)
		if !p.until(context.Background(), moment) || time.Now().Before(moment) {
			t.Errorf("%s: too early", wait)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if p.until(ctx, time.Now().Add(time.Hour)) || p.until(ctx, time.Now()) {
		t.Error("the end of the context was not told")
	}
}
