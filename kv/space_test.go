package kv

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/api"
)

const spaceValueBytes = 64 << 10

// overwrite puts so many keys of a shard, each with a value that does not compress.
func overwrite(t failer, db *DB, shard ShardID, rng *rand.ChaCha8, keys int) {
	t.Helper()
	applied := mustApplied(t, db, shard)
	value := make([]byte, spaceValueBytes)
	for i := range keys {
		_, _ = rng.Read(value) // never fails
		mustApply(t, db, shard, []Entry{{
			ID: EntryID{Term: 1, Offset: applied.Offset + int64(i) + 1}, Payload: mustPayload(putOf(fmt.Sprint(i), string(value))),
		}})
	}
}

// tableBytes returns how much the tables take on the file system.
func tableBytes(t failer, fs vfs.FS, dir string) int64 {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	var total int64
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatalf("stat: %v", err)
		}
		total += info.Size()
	}
	return total
}

func openForSpace(t *testing.T, fs vfs.FS, dir string) *DB {
	t.Helper()
	db, err := Open(Options{FS: fs, Dir: dir, CacheBytes: 1 << 20, MemTableBytes: 4 << 20, DisableCompactions: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, db) })
	return db
}

func mustCompact(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.pebble.Compact(context.Background(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	// What is obsolete is removed in the background.
	db.pebble.TestOnlyWaitForCleaning()
}

// However long a snapshot of a shard is open, compaction drops every version that
// was overwritten since. What it holds are the tables of its own moment, which go
// when it ends. The plain snapshot of the second case shows what is avoided.
func TestOpenExportsDoNotHoldCompactionBack(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(*DB) (end func())
		held bool
	}{
		{"export", func(db *DB) func() {
			if _, err := db.Export(1, ExportAsk{MaxBytes: 1}); err != nil {
				t.Fatal(err)
			}
			return func() {
				for range 2 { // unused since the first
					if err := db.ReleaseIdle(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}, false},
		{"scan", func(db *DB) func() {
			scan, err := db.Scan(1, &api.RangeScanRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := scan.Next(3, 1<<20); err != nil {
				t.Fatal(err)
			}
			return scan.Close
		}, false},
		{"plain", func(db *DB) func() {
			snapshot := db.pebble.NewSnapshot()
			return func() { _ = snapshot.Close() }
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.NewChaCha8([32]byte{1})
			fs := vfs.NewMem()
			db := openForSpace(t, fs, "db")
			const keys, rounds = 32, 6
			overwrite(t, db, 1, rng, keys)
			mustCompact(t, db)
			once := db.pebble.Metrics().Total().TablesSize
			end := c.open(db)
			for range rounds {
				overwrite(t, db, 1, rng, keys)
				mustCompact(t, db)
			}
			metrics := db.pebble.Metrics()
			if held := metrics.Snapshots.PinnedKeys > 0; held != c.held {
				t.Errorf("%d versions were kept for the snapshot", metrics.Snapshots.PinnedKeys)
			}
			if grown := metrics.Total().TablesSize > once*3/2; grown != c.held {
				t.Errorf("the state takes %d bytes, and took %d", metrics.Total().TablesSize, once)
			}
			open := tableBytes(t, fs, "db")
			end()
			mustCompact(t, db)
			after := tableBytes(t, fs, "db")
			t.Logf("state %d bytes, tables %d while it is open after %d rounds, %d after", once, open, rounds, after)
			if !c.held && (after > once*3/2 || open < after) {
				t.Errorf("%d bytes of tables while the snapshot is open, %d after", open, after)
			}
		})
	}
}

// A deleted shard's space is given back with DeleteShard, but for the tables that
// it shares with its neighbours, at most two in a level; those go when compaction
// comes to them.
func TestDeletingAShardFreesItsSpace(t *testing.T) {
	memory := func(*testing.T) (vfs.FS, string) { return vfs.NewMem(), "db" }
	files := func(t *testing.T) (vfs.FS, string) { return vfs.Default, t.TempDir() }
	for _, c := range []struct {
		name string
		open func(*testing.T) (vfs.FS, string)
		// keys is the size of each shard, and atOnce how much of it is free at once, in
		// percent: less than all where a table is shared.
		keys, atOnce int
	}{
		{"large shard in memory", memory, 112, 50},
		{"large shard on real files", files, 112, 50},
		{"small shard in memory", memory, 4, 0},
		{"small shard on real files", files, 4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.NewChaCha8([32]byte{2})
			fs, dir := c.open(t)
			db := openForSpace(t, fs, dir)
			for shard := range ShardID(3) {
				overwrite(t, db, shard, rng, c.keys)
			}
			mustCompact(t, db)
			before := tableBytes(t, fs, dir)
			neighbours := recordRowsOf(t, db, 0) + recordRowsOf(t, db, 2)

			if err := db.DeleteShard(1); err != nil {
				t.Fatal(err)
			}
			db.pebble.TestOnlyWaitForCleaning()
			deleted := tableBytes(t, fs, dir)
			overwrite(t, db, 0, rng, 1)
			overwrite(t, db, 2, rng, 1)
			mustCompact(t, db)
			compacted := tableBytes(t, fs, dir)
			t.Logf("%d bytes before, %d when the shard is deleted, %d when its neighbours were compacted", before, deleted, compacted)

			size := int64(c.keys) * spaceValueBytes
			if freed := before - deleted; freed < size*int64(c.atOnce)/100 {
				t.Errorf("%d of %d bytes are free at once", freed, size)
			}
			if freed := before - compacted; freed < size*95/100 {
				t.Errorf("%d of %d bytes are free in the end", freed, size)
			}
			if contentOf(t, db, 1) != "" {
				t.Error("the shard is still there")
			}
			if now := recordRowsOf(t, db, 0) + recordRowsOf(t, db, 2); len(now) != len(neighbours) {
				t.Error("the neighbours lost or gained rows")
			}
		})
	}
}
