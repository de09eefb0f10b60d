package storage

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// otherShard is one that nothing of is lost.
const otherShard replication.ShardID = 7

func madeOp(replica replication.ReplicaID) replication.LogOp {
	return replication.LogOp{Kind: replication.OpTerm, Record: replication.TermRecord{Replica: replica}}
}

func deletionOp(replica replication.ReplicaID) replication.LogOp {
	return replication.LogOp{Kind: replication.OpDelete, Record: replication.TermRecord{Replica: replica, Deleted: true}}
}

// lostBatches makes a data directory whose log was written in the batches given, and
// two more of another shard, and wipes some of them (the first is 1).
func lostBatches(t *testing.T, lost []int, batches ...[]replication.LogOp) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewCrashableMem()
	d := openWith(t, Options{FS: mem, Dir: "data"})
	const segment = "data/log/0000000001.segment"
	ends := []int{0}
	write := func(shard replication.ShardID, ops []replication.LogOp) {
		for _, op := range ops {
			d.Log().Submit(shard, op)
		}
		if _, err := d.Log().Sync(); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(contentOfFile(t, mem, segment)))
	}
	for _, ops := range batches {
		write(shardID, ops)
	}
	write(otherShard, []replication.LogOp{madeOp(1)})
	write(otherShard, []replication.LogOp{madeOp(1)})
	mustClose(t, d)
	content := contentOfFile(t, mem, segment)
	for _, n := range lost {
		clear(content[ends[n-1]:ends[n]])
	}
	file, err := mem.Create(segment, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(content)
	dir, dirErr := mem.OpenDir("data/log")
	if err := errors.Join(err, file.Sync(), file.Close(), dirErr, dir.Sync(), dir.Close()); err != nil {
		t.Fatal(err)
	}
	return mem
}

func contentOfFile(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	file, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

// mustBeDeleted recovers a data directory, in which the shard must have nothing but
// the mark of a deletion.
func mustBeDeleted(t *testing.T, fs vfs.FS, replica replication.ReplicaID) {
	t.Helper()
	d := openWith(t, Options{FS: fs, Dir: "data"})
	defer mustClose(t, d)
	all, err := d.Recovered()
	if err != nil || len(all) != 2 {
		t.Fatalf("recovered %+v, %v", all, err)
	}
	want := replication.TermRecord{Replica: replica, Deleted: true}
	if r := all[0]; r.Shard != shardID || r.Found.Record != want || r.Found.History.Head() != (replication.EntryID{}) {
		t.Errorf("recovered %+v, want %+v", r, want)
	}
	if r := all[1]; r.Shard != otherShard || r.Found.Record != madeOp(1).Record {
		t.Errorf("and the other %+v", r)
	}
}

// A shard whose log lost the end of a replica and the making of the next one is
// deleted as the next one: nobody makes that again. It is, whenever the server
// crashes meanwhile, and durably before anybody hears of it.
func TestAShardWithAmnesiaIsDeletedAsItsNewestReplica(t *testing.T) {
	mem := lostBatches(t, []int{2},
		[]replication.LogOp{madeOp(2)}, []replication.LogOp{deletionOp(2), madeOp(5)})
	var crashes []*vfs.MemFS
	watched := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "log") {
			crashes = append(crashes, mem.CrashClone(vfs.CrashCloneCfg{}))
		}
		return nil
	}))
	d := openWith(t, Options{FS: watched, Dir: "data"})
	if _, err := d.Recovered(); err != nil {
		t.Fatal(err)
	}
	after := mem.CrashClone(vfs.CrashCloneCfg{})
	mustClose(t, d)
	for _, crashed := range append(crashes, after, mem) {
		mustBeDeleted(t, crashed.CrashClone(vfs.CrashCloneCfg{}), 5)
	}
	if len(crashes) < 3 {
		t.Errorf("%d crashes", len(crashes))
	}
	found, err := wal.Open(wal.Options{FS: after, Dir: "data/log"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found.Recovered() {
		if r.Amnesia {
			t.Errorf("when it was told, a crash still left %+v", r)
		}
	}
	if err := found.Close(); err != nil {
		t.Fatal(err)
	}
}

// Where there may have been shards of which nothing is left, the directory is not
// opened, this time or later.
func TestADirectoryThatMayHaveLostShardsIsNotOpened(t *testing.T) {
	mem := lostBatches(t, []int{2, 3},
		[]replication.LogOp{madeOp(2)}, []replication.LogOp{madeOp(3)}, []replication.LogOp{madeOp(4)})
	for range 3 {
		d, err := Open(Options{FS: mem, Dir: "data"})
		if !errors.Is(err, ErrShardsLost) || !strings.Contains(err.Error(), "data") {
			t.Fatalf("opened %v, %v", d, err)
		}
		mem = mem.CrashClone(vfs.CrashCloneCfg{})
	}
	if err := mem.RemoveAll("data"); err != nil {
		t.Fatal(err)
	}
	mustClose(t, openWith(t, Options{FS: mem, Dir: "data"}))
}

// A shard of which nobody knows the newest replica cannot be told to be deleted.
func TestAnUnknownReplicaIsNotRecovered(t *testing.T) {
	mem := lostBatches(t, []int{2},
		[]replication.LogOp{{Kind: replication.OpAppend, Entries: entriesUpTo(2)}},
		[]replication.LogOp{{Kind: replication.OpTruncate, Truncate: 1}})
	d := openWith(t, Options{FS: mem, Dir: "data"})
	defer mustClose(t, d)
	if all, err := d.Recovered(); !errors.Is(err, ErrRecordLost) {
		t.Errorf("recovered %+v, %v", all, err)
	}
}
