package kv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/api"
)

// rot flips one bit of a file.
func rot(t failer, fs vfs.FS, path string, at int64) {
	t.Helper()
	content := fileContent(t, fs, path)
	content[at] ^= 1 << (at % 8)
	file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if _, err := file.Write(content); err != nil {
		t.Fatalf("write: %v", err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		t.Fatalf("sync: %v", err)
	}
}

func fileContent(t failer, fs vfs.FS, path string) []byte {
	t.Helper()
	info, err := fs.Stat(path)
	if err != nil {
		t.Fatalf("stat: %v", err)
	}
	file, err := fs.Open(path)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	content := make([]byte, info.Size())
	if _, err := file.ReadAt(content, 0); err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return content
}

// tablesOf returns the paths of a database's tables.
func tablesOf(t failer, fs vfs.FS, dir string) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	slices.Sort(names)
	var tables []string
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			tables = append(tables, fs.PathJoin(dir, name))
		}
	}
	return tables
}

// A bit that rots anywhere in a table either is in what nobody reads, or is told
// as a *CorruptionError by whoever meets it: no answer is wrong, and no other error
// stands for it.
func TestBitRotInATableIsToldAndNeverRead(t *testing.T) {
	fs := vfs.NewCrashableMem()
	db := openOn(t, fs)
	const keys = 200
	for i := range int64(keys) {
		mustApply(t, db, 1, []Entry{{
			ID: EntryID{Term: 1, Offset: i + 1}, Payload: mustPayload(putOf(fmt.Sprintf("key-%03d", i), fmt.Sprintf("value-%d", i))),
		}})
	}
	want := contentOf(t, db, 1)
	mustClose(t, db)
	tables := tablesOf(t, fs, "db")
	if len(tables) != 1 {
		t.Fatalf("%d tables, want one", len(tables))
	}
	size := int64(len(fileContent(t, fs, tables[0])))
	told, unnoticed := 0, 0
	for at := int64(0); at < size; at += 1 + size/60 {
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		rot(t, clone, tables[0], at)
		db := openOn(t, clone)
		if tellsRot(t, db, keys, at) {
			told++
		} else {
			unnoticed++
			if contentOf(t, db, 1) != want {
				t.Fatalf("byte %d: the state is another, and nobody said so", at)
			}
		}
		mustClose(t, db)
	}
	t.Logf("of %d bits that rotted, %d were told, %d are in what nobody reads", told+unnoticed, told, unnoticed)
	if told == 0 {
		t.Error("none was told")
	}
}

// tellsRot uses a damaged database in every way, and reports whether any of them
// met the damage.
func tellsRot(t *testing.T, db *DB, keys int, at int64) bool {
	t.Helper()
	told := false
	tell := func(call string, err error) bool {
		corrupt := (*CorruptionError)(nil)
		if err != nil && !errors.As(err, &corrupt) {
			t.Fatalf("byte %d: %s: %v", at, call, err)
		}
		told = told || err != nil
		return err == nil
	}
	for i := 0; i < keys; i += 7 {
		res, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{{Key: fmt.Sprintf("key-%03d", i), IncludeValue: true}}})
		if tell("Read", err) && string(res.GetGets()[0].GetValue()) != fmt.Sprintf("value-%d", i) {
			t.Fatalf("byte %d: read %v", at, res)
		}
	}
	near := &api.GetRequest{Key: "key-100/", ComparisonType: api.KeyComparisonType_FLOOR}
	_, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{near}})
	tell("Read near", err)
	_, err = db.Applied(1)
	tell("Applied", err)
	_, err = db.FlushedApplied(1)
	tell("FlushedApplied", err)
	_, err = db.Export(1, ExportAsk{MaxBytes: 1 << 20})
	tell("Export", err)
	_, err = db.Shards()
	tell("Shards", err)
	_, err = db.ReadTransaction(1, &api.TransactionRequest{Operations: []*api.TransactionOperation{doGet("key-000")}})
	tell("ReadTransaction", err)
	if told {
		_, err = db.Apply(1, []Entry{{ID: EntryID{Term: 1, Offset: int64(keys) + 1}, Payload: BarrierPayload()}})
		tell("Apply", err)
	}
	return told
}

// A bit that rots in a table that two shards share harms the shard that it is in,
// and that alone: the other is deleted, or replaced, and what the first one has is
// told to be damaged, or all there.
func TestBitRotIsNotCoveredUpByTheNeighbour(t *testing.T) {
	fs := vfs.NewCrashableMem()
	db := openOn(t, fs)
	rng := rand.New(rand.NewPCG(5, 5))
	mustApply(t, db, 1, sweepLog(rng, 6))
	mustApply(t, db, 2, sweepLog(rng, 6))
	mustApply(t, db, 3, sweepLog(rng, 12))
	parts := wholeExport(t, db, 3, func() int { return blockBytes })
	after := contentOf(t, db, 3)
	if err := db.DeleteShard(3); err != nil { // and all is in one table
		t.Fatal(err)
	}
	want := contentOf(t, db, 1)
	mustClose(t, db)
	tables := tablesOf(t, fs, "db")
	told, size := 0, int64(len(fileContent(t, fs, tables[0])))
	for at := int64(0); at < size; at += 1 + size/60 {
		for _, replacement := range [][]SnapshotPart{nil, parts} {
			clone := fs.CrashClone(vfs.CrashCloneCfg{})
			rot(t, clone, tables[0], at)
			db := openOn(t, clone)
			content := ""
			if replacement == nil {
				if err := db.DeleteShard(2); err != nil {
					t.Fatalf("byte %d: delete: %v", at, err)
				}
			} else {
				mustImport(t, db, 2, replacement)
				content = after
			}
			if contentOf(t, db, 2) != content {
				t.Fatalf("byte %d: the shard is not what took its place", at)
			}
			got, err := readAll(db, 1)
			if damage := (*CorruptionError)(nil); errors.As(damageOf(1, err), &damage) {
				told++
			} else if err != nil || got != want {
				t.Fatalf("byte %d: the neighbour lost something, and nobody says so: %v", at, err)
			}
			mustClose(t, db)
		}
	}
	if told == 0 {
		t.Error("no damage was told")
	}
}

// readAll is contentOf where reading may fail.
func readAll(db *DB, shard ShardID) (content string, err error) {
	defer func() {
		if cause, ok := recover().(readFailure); ok {
			err = cause.err
		}
	}()
	return contentOf(failingReader{}, db, shard), nil
}

// readFailure is what a failingReader panics with.
type readFailure struct{ err error }

type failingReader struct{}

func (failingReader) Helper() {}

func (failingReader) Fatalf(_ string, args ...any) {
	err, _ := args[len(args)-1].(error)
	panic(readFailure{err})
}
