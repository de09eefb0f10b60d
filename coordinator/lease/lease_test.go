package lease

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty is a store that can be cut off, and may store what it reports as failed.
type faulty struct {
	metadata.Provider
	cut atomic.Bool
	// late makes the next write take effect, and be reported as failed.
	late atomic.Bool
}

var errCut = errors.New("cut off")

func (f *faulty) ReadLease(ctx context.Context) (metadata.Lease, int64, error) {
	if f.cut.Load() {
		return metadata.Lease{}, 0, errCut
	}
	return f.Provider.ReadLease(ctx)
}

func (f *faulty) WriteLease(ctx context.Context, lease metadata.Lease, version int64) error {
	if f.cut.Load() {
		return errCut
	}
	err := f.Provider.WriteLease(ctx, lease, version)
	if err == nil && f.late.CompareAndSwap(true, false) {
		f.cut.Store(true)
		return errCut
	}
	return err
}

// contender is a candidate that runs in a test.
type contender struct {
	*Candidate
	store *faulty
	stop  func()
	mu    sync.Mutex
	runs  []uint64
	// leads counts the reigns that have begun and not ended.
	leads atomic.Int32
}

func contend(t *testing.T, store *memory.Store, o Options) *contender {
	t.Helper()
	f := &faulty{Provider: store.Open()}
	c := &contender{Candidate: NewCandidate(f, o), store: f}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx, func(ctx context.Context, g Grant) {
			c.mu.Lock()
			c.runs = append(c.runs, g.Run)
			c.mu.Unlock()
			c.leads.Add(1)
			<-ctx.Done()
			c.leads.Add(-1)
		})
	}()
	c.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(c.stop)
	return c
}

// reigns returns the runs of the reigns so far.
func (c *contender) reigns() []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]uint64{}, c.runs...)
}

// settled lets all goroutines do what they can do now.
func settled(t *testing.T, d time.Duration) {
	t.Helper()
	time.Sleep(d) // the bubble's time
	synctest.Wait()
}

func wantLeader(t *testing.T, leader *contender, others ...*contender) {
	t.Helper()
	if leader.leads.Load() != 1 || !leader.State().Leads {
		t.Fatalf("%s does not lead: %+v", leader.options.Name, leader.State())
	}
	for _, other := range others {
		if s := other.State(); other.leads.Load() != 0 || s.Leads || s.Holder != leader.options.Name || s.Address != leader.options.Address {
			t.Fatalf("%s leads, or does not know who does: %+v", other.options.Name, s)
		}
	}
}

func TestOneLeadsAndHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		a := contend(t, store, Options{Name: "a", Address: "a:1"})
		settled(t, time.Millisecond)
		b := contend(t, store, Options{Name: "b", Address: "b:1"})
		settled(t, time.Minute)
		wantLeader(t, a, b)
		if n := len(a.reigns()); n != 1 {
			t.Fatalf("%d reigns within a quiet minute", n)
		}
		a.stop()
		settled(t, time.Millisecond)
		wantLeader(t, b)
		if b.reigns()[0] <= a.reigns()[0] {
			t.Errorf("runs %v after %v", b.reigns(), a.reigns())
		}
	})
}

// A holder that stands still cannot be told from one that was killed.
func TestHolderThatIsCutOffIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		a := contend(t, store, Options{Name: "a"})
		settled(t, time.Second)
		b := contend(t, store, Options{Name: "b"})
		settled(t, time.Second)
		wantLeader(t, a, b)
		a.store.cut.Store(true)
		cut := time.Now()
		for b.leads.Load() == 0 {
			settled(t, 10*time.Millisecond)
			if time.Since(cut) > 2*time.Second {
				t.Fatal("nobody took the lease within two seconds")
			}
		}
		settled(t, DefaultOptions().Hold)
		if a.leads.Load() != 0 || a.State().Leads {
			t.Error("a leads on, without the store")
		}
		a.store.cut.Store(false)
		settled(t, time.Second)
		wantLeader(t, b, a)
	})
}

func TestShortOutageIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		a := contend(t, store, Options{Name: "a"})
		settled(t, time.Second)
		b := contend(t, store, Options{Name: "b"})
		a.store.cut.Store(true)
		settled(t, DefaultOptions().Beat+time.Millisecond)
		if a.State().Err == nil {
			t.Error("the outage is not told")
		}
		a.store.cut.Store(false)
		settled(t, 10*time.Second)
		wantLeader(t, a, b)
		if len(a.reigns()) != 1 || a.State().Err != nil {
			t.Errorf("%d reigns, %+v", len(a.reigns()), a.State())
		}
	})
}

// A beat that was stored, and reported as failed, is the holder's own.
func TestOwnBeatIsNotTakenForARivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := contend(t, memory.NewStore(), Options{Name: "a"})
		settled(t, time.Second)
		a.store.late.Store(true)
		settled(t, 500*time.Millisecond)
		if !a.store.cut.Load() {
			t.Fatal("there was no such beat")
		}
		a.store.cut.Store(false)
		settled(t, 10*time.Second)
		if len(a.reigns()) != 1 {
			t.Errorf("%d reigns", len(a.reigns()))
		}
	})
}

func TestRunsAscendWhateverTheClockSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		future := uint64(time.Now().Add(time.Hour).UnixMilli())
		p := store.Open()
		if err := p.WriteLease(t.Context(), metadata.Lease{Holder: "z", Run: future, Released: true}, 0); err != nil {
			t.Fatal(err)
		}
		a := contend(t, store, Options{Name: "a"})
		settled(t, time.Millisecond)
		if runs := a.reigns(); len(runs) != 1 || runs[0] != future+1 {
			t.Errorf("runs %v after %d", runs, future)
		}
		a.stop()
		settled(t, 2*time.Hour)
		b := contend(t, store, Options{Name: "b"})
		settled(t, time.Millisecond)
		if runs := b.reigns(); len(runs) != 1 || runs[0] <= future+1000 {
			t.Errorf("run %v, and the clock is an hour further", runs)
		}
	})
}

// Without the option, what a run before left is waited for, also under the same
// name: it may live.
func TestSoleCandidateWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sole := range []bool{false, true} {
			store := memory.NewStore()
			if err := store.Open().WriteLease(t.Context(), metadata.Lease{Holder: "a", Run: 1}, 0); err != nil {
				t.Fatal(err)
			}
			a := contend(t, store, Options{Name: "a", Sole: sole})
			settled(t, time.Millisecond)
			if led := a.leads.Load() == 1; led != sole {
				t.Errorf("sole %v: leads at once %v", sole, led)
			}
			settled(t, 2*time.Second)
			wantLeader(t, a)
			a.stop()
		}
	})
}

// Who is alone writes the lease when it begins, and when it ends: a beat costs syncs, and
// nobody is there to see it.
func TestSoleCandidateDoesNotBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		a := contend(t, store, Options{Name: "a", Sole: true})
		settled(t, 100*DefaultOptions().Hold)
		wantLeader(t, a)
		version := func() int64 {
			lease, version, err := store.Open().ReadLease(t.Context())
			if err != nil || lease.Holder != "a" {
				t.Fatalf("the lease is %+v, %v", lease, err)
			}
			return version
		}
		if v := version(); v != 1 {
			t.Errorf("the lease was written %d times in a reign, want once", v)
		}
		a.stop()
		if v := version(); v != 2 {
			t.Errorf("the lease was written %d times by its release, want twice", v)
		}
	})
}

func TestReigningFunctionMayEndItsReign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCandidate(memory.NewStore().Open(), Options{Name: "a"})
		ctx, cancel := context.WithCancel(t.Context())
		reigns := 0
		c.Run(ctx, func(context.Context, Grant) {
			if reigns++; reigns == 3 {
				cancel()
			}
		})
		if reigns != 3 {
			t.Errorf("%d reigns", reigns)
		}
	})
}

// Every reign of everybody has a number of its own, also where the lease goes from
// hand to hand.
func TestReignsAreNumberedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		all := []*contender{}
		for _, name := range []string{"a", "b", "c"} {
			all = append(all, contend(t, store, Options{Name: name}))
		}
		for range 10 {
			settled(t, 3*time.Second)
			leaders := 0
			for _, c := range all {
				if c.leads.Load() == 1 {
					leaders++
					c.store.cut.Store(true)
				} else {
					c.store.cut.Store(false)
				}
			}
			if leaders != 1 {
				t.Fatalf("%d lead", leaders)
			}
		}
		seen := map[uint64]bool{}
		for _, c := range all {
			for _, run := range c.reigns() {
				if seen[run] {
					t.Errorf("run %d was given out twice", run)
				}
				seen[run] = true
			}
		}
		if len(seen) < 10 {
			t.Errorf("%d reigns", len(seen))
		}
	})
}
