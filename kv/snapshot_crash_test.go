package kv

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// stepper is a file system in memory that is copied as a crash would leave it, or
// fails, just before one of its operations that change anything.
type stepper struct {
	mem *vfs.MemFS
	fs  vfs.FS

	// below is a directory, if only what happens in it counts.
	below string

	// Pebble's own goroutines use the file system too.
	mu    sync.Mutex
	steps int
	// at is the step before which something happens; negative means never.
	at      int
	happens func() error
}

func newStepper(mem *vfs.MemFS) *stepper {
	s := &stepper{mem: mem, at: -1}
	s.fs = errorfs.Wrap(mem, s)
	return s
}

// MaybeError implements errorfs.Injector.
func (s *stepper) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || !strings.Contains(op.Path, s.below) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps++
	if s.steps-1 != s.at {
		return nil
	}
	return s.happens()
}

// String implements errorfs.Injector.
func (s *stepper) String() string { return "a step" }

// begin counts steps from zero again, and sets what happens before one of them.
func (s *stepper) begin(at int, happens func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps, s.at, s.happens = 0, at, happens
}

// end returns how many steps were taken. From now on nothing happens before any:
// Pebble's goroutines may go on for a while.
func (s *stepper) end() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.happens = -1, nil
	return s.steps
}

func openOn(t failer, fs vfs.FS) *DB {
	t.Helper()
	db, err := Open(Options{FS: fs, Dir: "db", CacheBytes: 1 << 20, MemTableBytes: 1 << 20, DisableCompactions: true,
		CheckEvery: checkEveryForTest})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	db.stagedTableBytes = 3 * blockContents
	return db
}

func mustClose(t failer, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// importStory is a shard with a state, some of it flushed, that a snapshot is to
// replace, and its neighbours. Two of them share a table with it.
type importStory struct {
	entries, flushed []Entry
	parts            []SnapshotPart
	// The content when the flushed entries are applied, when all are, and after the
	// snapshot.
	before, between, after string
}

func newImportStory(t *testing.T) *importStory {
	rng := rand.New(rand.NewPCG(7, 7))
	s := &importStory{entries: largeEntries(rng, 6)}
	s.flushed = s.entries[:4]
	from := openForTest(t)
	mustApply(t, from, 2, largeEntries(rng, 12))
	s.parts = wholeExport(t, from, 2, func() int { return blockBytes * 2 / 3 })
	s.after = contentOf(t, from, 2)
	mustApply(t, from, 1, s.flushed)
	s.before = contentOf(t, from, 1)
	mustApply(t, from, 1, s.entries[len(s.flushed):])
	s.between = contentOf(t, from, 1)
	return s
}

// tell makes the state before the snapshot comes.
func (s *importStory) tell(t *testing.T, db *DB) {
	for shard := range ShardID(4) {
		mustApply(t, db, shard, s.flushed)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	mustApply(t, db, 2, s.entries[len(s.flushed):])
}

func (s *importStory) importAll(db *DB) error {
	for _, part := range s.parts {
		if _, err := db.Import(2, part); err != nil {
			return err
		}
	}
	return nil
}

// A disk that fails anywhere in the writing of staged tables leaves the shard as it
// was; the same import succeeds when the disk is well again. (Where Pebble cannot
// write its manifest, the process has to stop.)
func TestFailureOfStagingLeavesTheOldState(t *testing.T) {
	story := newImportStory(t)
	failures := 0
	for at, done := 0, false; !done; at++ {
		disk := newStepper(vfs.NewCrashableMem())
		disk.below = stageDir
		db := openOn(t, disk.fs)
		story.tell(t, db)
		before := contentOf(t, db, 2)
		disk.begin(at, func() error { return errorfs.ErrInjected })
		err := story.importAll(db)
		done = at >= disk.end()
		if err != nil {
			failures++
			if !errors.Is(err, errorfs.ErrInjected) {
				t.Fatalf("step %d: %v", at, err)
			}
			if contentOf(t, db, 2) != before {
				t.Fatalf("step %d: changed by an import that failed", at)
			}
			if err := story.importAll(db); err != nil {
				t.Fatalf("step %d: again: %v", at, err)
			}
		}
		if contentOf(t, db, 2) != story.after {
			t.Fatalf("step %d: imported another state", at)
		}
		mustClose(t, db)
	}
	if failures == 0 {
		t.Error("no import failed")
	}
}
