package kv

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// What a shard takes on the disk is counted once it is flushed, for each by itself, and not
// any more when it is gone.
func TestDiskBytesAreThoseOfTheShard(t *testing.T) {
	db, err := Open(Options{FS: vfs.NewMem(), Dir: "db"})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, db)
	rng := rand.NewChaCha8([32]byte{1})
	for i := range int64(2000) {
		mustApply(t, db, 1, []Entry{benchEntry(rng, i+1)})
	}
	mustApply(t, db, 2, []Entry{benchEntry(rng, 1)})
	bytesOf := func(shard ShardID) int64 {
		t.Helper()
		bytes, err := db.DiskBytes(shard)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if large, small, none := bytesOf(1), bytesOf(2), bytesOf(3); large < 2000*128 || large > 4*2000*128 || small > large/20 || none > large/20 {
		t.Errorf("%d, %d and %d bytes", large, small, none)
	}
	if err := db.DeleteShard(1); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if left := bytesOf(1); left > 10_000 {
		t.Errorf("%d bytes of what was deleted", left)
	}
}
