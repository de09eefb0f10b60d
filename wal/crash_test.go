package wal

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// stepper is a file system in memory of which something happens just before one of
// the operations that change anything.
type stepper struct {
	mem *vfs.MemFS
	fs  vfs.FS
	// reads makes operations count that change nothing, too.
	reads bool
	steps int
	// happens is asked before each step, and may make it fail.
	happens func(step int, op errorfs.Op) error
}

func newStepper() *stepper {
	s := &stepper{mem: vfs.NewCrashableMem()}
	s.fs = errorfs.Wrap(s.mem, s)
	return s
}

// MaybeError implements errorfs.Injector.
func (s *stepper) MaybeError(op errorfs.Op) error {
	if !s.reads && op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	s.steps++
	if s.happens == nil {
		return nil
	}
	return s.happens(s.steps-1, op)
}

// String implements errorfs.Injector.
func (s *stepper) String() string { return "a step" }

// crashed is a copy of the file system as a crash may leave it.
func (s *stepper) crashed(percent int, seed uint64) *vfs.MemFS {
	return s.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(seed, uint64(percent)))})
}

// tell tells the story of the chapters.
func tell(t failer, s *story) {
	t.Helper()
	for i, chapter := range chapters() {
		chapter(s)
		if err := s.sync(); err != nil {
			t.Fatalf("chapter %d: %v", i, err)
		}
	}
}

// A crash before any single thing that the log does to the disk loses nothing that
// was reported, and invents nothing; and the log works after it.
func TestCrashAtEveryStepLosesNothingSynced(t *testing.T) {
	sweep(t, func(o Options) Options { return o }, nil)
}

// The same, where every write to the first directory fails from some step on.
func TestCrashAtEveryStepOfAFailoverLosesNothingSynced(t *testing.T) {
	for from := range 6 {
		sweep(t,
			func(o Options) Options { o.FailoverDir = "other"; return o },
			func(step int, op errorfs.Op) error {
				if step >= 14*from && strings.HasPrefix(op.Path, "log") {
					return errorfs.ErrInjected
				}
				return nil
			})
	}
}

// sweep tells the story once for each step, with a crash before that step, and looks
// at what is left.
func sweep(t *testing.T, adapt func(Options) Options, fails func(int, errorfs.Op) error) {
	t.Helper()
	type crash struct {
		fs     *vfs.MemFS
		synced map[replication.ShardID]int
		step   int
	}
	disk := newStepper()
	opened := 0
	var crashes []crash
	var s *story
	disk.happens = func(step int, op errorfs.Op) error {
		for _, percent := range []int{0, 50, 100} {
			c := crash{fs: disk.crashed(percent, uint64(step)), synced: map[replication.ShardID]int{}, step: step}
			if s != nil {
				for shard, n := range s.synced {
					c.synced[shard] = n
				}
			}
			crashes = append(crashes, c)
		}
		if fails != nil && opened > 0 {
			return fails(step-opened, op)
		}
		return nil
	}
	o := adapt(storyOptions(disk.fs))
	l := openWith(t, o)
	s, opened = newStory(l), disk.steps
	tell(t, s)
	disk.happens = nil
	mustClose(t, l)
	full := *s
	for _, c := range crashes {
		o.FS = c.fs
		s := full
		s.synced = c.synced
		checkCrash(t, &s, o, c.step)
	}
	t.Logf("%d crashes at %d steps", len(crashes), disk.steps)
}

// checkCrash opens what a crash left, twice, and writes to it in between.
func checkCrash(t failer, told *story, o Options, step int) {
	t.Helper()
	l := openWith(t, o)
	at, err := told.found(l)
	if err != nil {
		t.Fatalf("crash at step %d: %v", step, err)
	}
	s := newStory(l)
	for shard, n := range at {
		s.states[shard] = append([]modelShard(nil), told.states[shard][:n+1]...)
	}
	s.serial = told.serial
	s.reopened(l, at)
	s.append(1, 90, 2, 700)
	s.append(77, 1, 1, 700)
	if err := s.sync(); err != nil {
		t.Fatalf("crash at step %d: then %v", step, err)
	}
	mustClose(t, l)
	l = openWith(t, o)
	if _, err := s.found(l); err != nil {
		t.Fatalf("crash at step %d, and opened again: %v", step, err)
	}
	mustClose(t, l)
}

// An error of any single step ends the log, or does not matter; what was reported
// before is there.
func TestAnErrorAtEveryStepLosesNothingSynced(t *testing.T) {
	for _, failover := range []string{"", "other"} {
		failed := 0
		for at, more := 0, true; more; at++ {
			disk := newStepper()
			disk.reads = true
			disk.happens = func(step int, op errorfs.Op) error {
				if step == at {
					return errorfs.ErrInjected
				}
				return nil
			}
			o := storyOptions(disk.fs)
			o.FailoverDir = failover
			s, err := tellWithErrors(o)
			more = at < disk.steps
			if err != nil {
				failed++
				if !errors.Is(err, errorfs.ErrInjected) {
					t.Fatalf("step %d: %v", at, err)
				}
			}
			disk.happens = nil
			if s == nil {
				s = newStory(nil)
			}
			o.FS = disk.crashed(50, uint64(at))
			checkCrash(t, s, o, at)
		}
		if failed == 0 {
			t.Errorf("failover to %q: no error was reported", failover)
		}
		t.Logf("failover to %q: %d errors were final", failover, failed)
	}
}

// tellWithErrors tells the story until an error, after which nothing is durable any
// more.
func tellWithErrors(o Options) (*story, error) {
	l, err := Open(o)
	if err != nil {
		return nil, err
	}
	s := newStory(l)
	for _, chapter := range chapters() {
		chapter(s)
		if err := s.sync(); err != nil {
			s.append(5, 1, 1, 10)
			if durable, again := l.Sync(); again != err || durable != nil {
				return s, errors.New("an error was not final")
			}
			_ = l.Close()
			return s, err
		}
	}
	return s, l.Close()
}

// Random operations, batches, crashes and reads leave what was submitted, in order.
func TestRandomCrashesLoseNothingSynced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		disk := newStepper()
		o := storyOptions(disk.fs)
		if rng.IntN(3) == 0 {
			o.FailoverDir = "other"
		}
		s := newStory(openWith(t, o))
		for range rapid.IntRange(1, 60).Draw(t, "batches") {
			for range 1 + rng.IntN(3) {
				s.randomOp(rng)
			}
			if rng.IntN(8) == 0 {
				mustMatch(t, s)
			}
			if rng.IntN(12) == 0 && o.FailoverDir != "" {
				at := disk.steps + rng.IntN(3)
				disk.happens = func(step int, op errorfs.Op) error {
					if step >= at && strings.HasPrefix(op.Path, "log") {
						return errorfs.ErrInjected
					}
					return nil
				}
			}
			if err := s.sync(); err != nil {
				t.Fatalf("sync: %v", err)
			}
			if rng.IntN(10) > 0 {
				continue
			}
			disk.mem = disk.crashed(rng.IntN(3)*50, rng.Uint64())
			disk.fs, disk.happens = errorfs.Wrap(disk.mem, disk), nil
			o.FS = disk.fs
			if rng.IntN(2) == 0 {
				disk.crashInOpen(t, o, rng)
				o.FS = disk.fs
			}
			l := openWith(t, o)
			at, err := s.found(l)
			if err != nil {
				t.Fatalf("%v", err)
			}
			s.reopened(l, at)
		}
		mustMatch(t, s)
	})
}

// crashInOpen leaves what a crash in the middle of opening a log leaves.
func (s *stepper) crashInOpen(t failer, o Options, rng *rand.Rand) {
	t.Helper()
	var crashed *vfs.MemFS
	at, percent, seed := s.steps+rng.IntN(40), rng.IntN(3)*50, rng.Uint64()
	s.happens = func(step int, op errorfs.Op) error {
		if step == at {
			crashed = s.crashed(percent, seed)
		}
		return nil
	}
	mustClose(t, openWith(t, o))
	if crashed == nil {
		crashed = s.crashed(percent, seed)
	}
	s.mem = crashed
	s.fs, s.happens = errorfs.Wrap(s.mem, s), nil
}

// After a sync failed, the machine may hold pages that look as if they were on disk.
// What an opening finds there is durable all the same when it returns.
func TestWhatIsFoundAfterAFailedSyncIsWrittenAgain(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var broken error
	o := testOptions(failing(mem, "log", &broken, errorfs.OpFileSyncData))
	s := newStory(openWith(t, o))
	s.append(1, 1, 2, 50)
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	broken = errorfs.ErrInjected
	s.append(1, 1, 2, 50)
	if err := s.sync(); err == nil {
		t.Fatal("synced")
	}
	mustClose(t, s.log)
	// The file is as the process left it, and syncing it does nothing.
	o.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, segmentName(1)) && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
			t.Errorf("%v on the file that failed", op.Kind)
		}
		return nil
	}))
	l := openWith(t, o)
	if found := entriesOf(l, 1); len(found) != 4 {
		t.Fatalf("found %d entries", len(found))
	}
	o.FS = mem.CrashClone(vfs.CrashCloneCfg{})
	mustClose(t, l)
	l = openWith(t, o)
	if found := entriesOf(l, 1); len(found) != 4 {
		t.Errorf("after a crash, %d entries are left", len(found))
	}
	mustClose(t, l)
}

// mustMatch holds the log against everything that was submitted.
func mustMatch(t failer, s *story) {
	t.Helper()
	for shard := range s.states {
		r := recoveredOf(s.log, shard)
		got := modelShard{record: r.Record, base: r.History.Base(), entries: entriesOf(s.log, shard)}
		if want := s.last(shard); !same(got, want) {
			t.Fatalf("shard %d is\n%v, want\n%v", shard, got, want)
		}
	}
}
