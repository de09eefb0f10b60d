package kv

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

func TestOpenWantsAFileSystemAndADirectory(t *testing.T) {
	for _, options := range []Options{{}, {FS: vfs.NewMem()}, {Dir: "db"}} {
		if _, err := Open(options); err == nil {
			t.Errorf("opened %+v", options)
		}
	}
}

// The database on the real file system, with every option at its default.
func TestDatabaseOnRealFiles(t *testing.T) {
	options := Options{FS: vfs.Default, Dir: t.TempDir()}
	db, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, db, 1, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(putOf("a", "b"))}})
	before := contentOf(t, db, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if after := contentOf(t, db, 1); after != before {
		t.Errorf("content after opening again:\n%s\nwant:\n%s", after, before)
	}
}

// A damaged row is reported as what it is by whoever meets it.
func TestDamagedRowsAreReported(t *testing.T) {
	const shard = 1
	entry := func(offset int64) []Entry {
		return []Entry{{ID: EntryID{Term: 1, Offset: offset}, Payload: mustPayload(putOf("a", "b"))}}
	}
	row := appendRecordKey(nil, shard, keyspace.Natural, "a")
	read := func(db *DB) error {
		_, err := db.Read(shard, &api.ReadRequest{Gets: []*api.GetRequest{{Key: "a"}}})
		return err
	}
	near := func(db *DB) error {
		get := &api.GetRequest{Key: "b", ComparisonType: api.KeyComparisonType_FLOOR}
		_, err := db.Read(shard, &api.ReadRequest{Gets: []*api.GetRequest{get}})
		return err
	}
	apply := func(db *DB) error { _, err := db.Apply(shard, entry(2)); return err }
	transact := func(db *DB) error {
		ops := []*api.TransactionOperation{doAppend("a", "c")}
		payload := mustTransaction(&api.TransactionRequest{Operations: ops})
		_, err := db.Apply(shard, []Entry{{ID: EntryID{Term: 1, Offset: 2}, Payload: payload}})
		return err
	}
	look := func(db *DB) error {
		conditions := []*api.TransactionCondition{ifExists("a", false)}
		_, err := db.ReadTransaction(shard, &api.TransactionRequest{Conditions: conditions})
		return err
	}
	applied := func(db *DB) error { _, err := db.Applied(shard); return err }
	digest := func(db *DB) error { _, _, err := db.Digest(shard); return err }

	cases := []struct {
		name   string
		row    []byte
		damage []byte
		calls  []func(*DB) error
	}{
		{"empty record", row, nil, []func(*DB) error{read, near, apply, transact, look}},
		{"record of a later version", row, append([]byte{2}, make([]byte, recordFixedBytes)...), []func(*DB) error{read, near, apply}},
		{"record with a later flag", row, append([]byte{1, 0x80}, make([]byte, recordFixedBytes)...), []func(*DB) error{read, apply}},
		{"record whose identity is cut", row, append([]byte{1, 1}, make([]byte, recordFixedBytes-2)...), []func(*DB) error{read, apply}},
		{"record whose identity is longer than it", row, append(append([]byte{1, 1}, make([]byte, recordFixedBytes-2)...), 0xff, 0xff, 0xff, 0xff), []func(*DB) error{read, apply}},
		{"record whose identity is not UTF-8", row, append(append([]byte{1, 1}, make([]byte, recordFixedBytes-2)...), 0, 0, 0, 1, 0xff), []func(*DB) error{read, apply, transact, look}},
		{"state cut short", stateKey(shard), []byte{1, 2, 3}, []func(*DB) error{apply, transact, applied, digest}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			db := openForTest(t)
			mustApply(t, db, shard, entry(1))
			if err := db.pebble.Set(c.row, c.damage, pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			for i, call := range c.calls {
				corrupt := (*CorruptionError)(nil)
				if err := call(db); !errors.As(err, &corrupt) {
					t.Errorf("call %d: got %v, want corruption", i, err)
				}
			}
		})
	}
}

// Entries that are too much for one batch go into several, and nobody notices.
func TestManyLargeEntries(t *testing.T) {
	db := openForTest(t)
	value := string(make([]byte, MaxValueBytes))
	var entries []Entry
	for i := range maxBatchBytes/MaxValueBytes + 2 {
		entries = append(entries, Entry{
			ID: EntryID{Term: 1, Offset: int64(i) + 1}, Payload: mustPayload(putOf(fmt.Sprint(i), value)),
		})
	}
	mustApply(t, db, 1, entries)
	if applied := mustApplied(t, db, 1); applied != entries[len(entries)-1].ID {
		t.Errorf("applied %s", applied)
	}
}

// Shards are applied to at the same time, and read and flushed meanwhile. A reader
// of two records that are always written together never sees them apart.
func TestShardsAreIndependent(t *testing.T) {
	db := openForTest(t)
	const shards, entries = 4, 200
	var writers, others sync.WaitGroup
	for shard := range ShardID(shards) {
		writers.Go(func() {
			for i := range int64(entries) {
				req := &api.WriteRequest{Puts: []*api.PutRequest{{Key: "a"}, {Key: "b"}}}
				mustApply(panicking{}, db, shard, []Entry{{
					ID: EntryID{Term: 1, Offset: i + 1}, Timestamp: uint64(i), Payload: mustPayload(req),
				}})
			}
		})
	}
	stop := make(chan struct{})
	others.Go(func() {
		both := &api.ReadRequest{Gets: []*api.GetRequest{{Key: "a"}, {Key: "b"}}}
		for shard := ShardID(0); ; shard = (shard + 1) % shards {
			select {
			case <-stop:
				return
			default:
			}
			res, err := db.Read(shard, both)
			if err != nil {
				panic(err)
			}
			a, b := res.GetGets()[0], res.GetGets()[1]
			if a.GetVersion().GetModifiedTimestamp() != b.GetVersion().GetModifiedTimestamp() {
				t.Errorf("saw %v and %v", a, b)
			}
		}
	})
	others.Go(func() {
		for range 10 {
			if err := db.Flush(); err != nil {
				panic(err)
			}
		}
	})
	writers.Wait()
	close(stop)
	others.Wait()

	first := contentOf(t, db, 0)
	for shard := range ShardID(shards) {
		if contentOf(t, db, shard) != first {
			t.Errorf("shard %d differs from shard 0", shard)
		}
	}
}

func TestEngineMessagesReachTheLogger(t *testing.T) {
	var out bytes.Buffer
	logger := engineLogger{slog.New(slog.NewTextHandler(&out, nil))}
	logger.Infof("unseen %d", 1)
	logger.Errorf("seen %d", 2)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("went on after a fatal error")
			}
		}()
		logger.Fatalf("fatal %d", 3)
	}()
	text := out.String()
	for message, want := range map[string]bool{"unseen 1": false, "seen 2": true, "fatal 3": true} {
		if bytes.Contains([]byte(text), []byte(message)) != want {
			t.Errorf("message %q logged: %v, want %v", message, !want, want)
		}
	}
}

func TestReadRefusesWhatNoStateCanAnswer(t *testing.T) {
	db := openForTest(t)
	index := "colour"
	for field, get := range map[string]*api.GetRequest{
		"gets[0].secondary_index_name": {SecondaryIndexName: &index},
		"gets[0].comparison_type":      {ComparisonType: 9},
	} {
		_, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{get}})
		refused := (*RefusedError)(nil)
		if !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("got %v, want a refusal of %s", err, field)
		}
	}
}

func TestNegativeShardsAreTheCallersBug(t *testing.T) {
	db := openForTest(t)
	for name, call := range map[string]func() error{
		"Apply": func() error { _, err := db.Apply(-1, nil); return err },
		"Read":  func() error { _, err := db.Read(-1, &api.ReadRequest{}); return err },
		"ReadTransaction": func() error {
			_, err := db.ReadTransaction(-1, &api.TransactionRequest{})
			return err
		},
		"Applied":        func() error { _, err := db.Applied(-1); return err },
		"FlushedApplied": func() error { _, err := db.FlushedApplied(-1); return err },
		"Digest":         func() error { _, _, err := db.Digest(-1); return err },
		"DeleteShard":    func() error { return db.DeleteShard(-1) },
	} {
		bad := (*ShardIDError)(nil)
		if err := call(); !errors.As(err, &bad) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("entries=%d", batch), func(b *testing.B) {
			db := openForTest(b)
			payload := mustPayload(putOf("some/key/of/usual/length", string(make([]byte, 128))))
			entries := make([]Entry, batch)
			offset := int64(0)
			for b.Loop() {
				for i := range entries {
					offset++
					entries[i] = Entry{ID: EntryID{Term: 1, Offset: offset}, Payload: payload}
				}
				mustApply(b, db, 1, entries)
			}
			b.ReportMetric(float64(offset)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
