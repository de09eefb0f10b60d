package kv

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failer is what a test, a benchmark, a fuzz target and a rapid check have in
// common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkEveryForTest is small, since tests are short.
const checkEveryForTest = 4

// disk is a file system in memory, and the database on it.
type disk struct {
	fs *vfs.MemFS
	db *DB
}

func newDisk(t failer) *disk {
	t.Helper()
	d := &disk{fs: vfs.NewCrashableMem()}
	d.open(t)
	return d
}

func (d *disk) open(t failer) {
	t.Helper()
	db, err := Open(Options{
		FS: d.fs, Dir: "db", CacheBytes: 1 << 20, MemTableBytes: 1 << 20, DisableCompactions: true,
		CheckEvery: checkEveryForTest,
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	d.db = db
}

// crash replaces the disk by what a crash leaves of it, with a part of what was
// not synced, and opens the database there. A nil rng keeps nothing unsynced.
func (d *disk) crash(t failer, rng *rand.Rand) {
	t.Helper()
	cfg := vfs.CrashCloneCfg{}
	if rng != nil {
		cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}
	}
	after := d.fs.CrashClone(cfg)
	d.close(t) // writes to the old disk only
	d.fs = after
	d.open(t)
}

func (d *disk) close(t failer) {
	t.Helper()
	if err := d.db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// openForTest opens a database that is closed when the test ends.
func openForTest(t testing.TB) *DB {
	t.Helper()
	d := newDisk(t)
	t.Cleanup(func() { d.close(t) })
	return d.db
}

// stagedFiles returns the names of the files that wait to be taken in.
func stagedFiles(t failer, d *disk) []string {
	t.Helper()
	names, err := d.fs.List(d.fs.PathJoin("db", stageDir))
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	slices.Sort(names)
	return names
}
