package kv

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/internal/engine"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

func TestOpenWantsAFileSystemAndADirectory(t *testing.T) {
	for _, options := range []Options{{}, {FS: vfs.NewMem()}, {Dir: "db"}} {
		if _, err := Open(options); err == nil {
			t.Errorf("opened %+v", options)
		}
	}
}

// A cache that would not hold what is beside a shard while that is cut out is refused,
// by its name; the smallest one is not.
func TestOpenRefusesACacheThatIsTooSmall(t *testing.T) {
	for _, bytes := range []int64{-1, 1, MinCacheBytes - 1} {
		if _, err := Open(Options{FS: vfs.NewMem(), Dir: "db", CacheBytes: bytes}); err == nil || !strings.Contains(err.Error(), "Options.CacheBytes") {
			t.Errorf("a cache of %d bytes: %v", bytes, err)
		}
	}
	db, err := Open(Options{FS: vfs.NewMem(), Dir: "db", CacheBytes: MinCacheBytes})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
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
		req := putOf("a", "b")
		req.Puts[0].SecondaryIndexes = []*api.SecondaryIndex{{IndexName: "i", SecondaryKey: "k"}}
		return []Entry{{ID: EntryID{Term: 1, Offset: offset}, Payload: mustPayload(req)}}
	}
	row := appendRecordKey(nil, shard, keyspace.Hierarchical, "a")
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
	export := func(db *DB) error { _, err := db.Export(shard, ExportAsk{}); return err }

	byIndex := func(db *DB) error {
		get := &api.GetRequest{Key: "z", SecondaryIndexName: proto.String("i"), ComparisonType: api.KeyComparisonType_FLOOR}
		_, err := db.Read(shard, &api.ReadRequest{Gets: []*api.GetRequest{get}})
		return err
	}
	scan := func(db *DB) error {
		_, err := scanAll(db, shard, &api.RangeScanRequest{SecondaryIndexName: proto.String("i")})
		return err
	}

	put := func(db *DB, payload []byte) error {
		applied := mustApplied(t, db, shard)
		_, err := db.Apply(shard, []Entry{{ID: EntryID{1, applied.Offset + 1}, Payload: payload}})
		return err
	}
	sessions := func(db *DB) error { _, err := db.Sessions(shard); return err }
	ephemeral := func(db *DB) error {
		req := putOf("e", "f")
		req.Puts[0].SessionId = proto.Int64(1)
		return put(db, mustPayload(req))
	}
	endSession := func(db *DB) error {
		if err := put(db, CreateSessionPayload(0, "")); err != nil {
			return err
		}
		return put(db, ExpireSessionsPayload(2))
	}
	notifications := func(db *DB) error { _, err := db.Notifications(shard, 0, NotificationLimits{10, 1000}); return err }
	before := func(db *DB) error { _, err := db.NotificationsBefore(shard, 1); return err }
	trim := func(db *DB) error {
		if err := put(db, BarrierPayload()); err != nil {
			return err
		}
		return put(db, TrimNotificationsPayload(2))
	}

	named := &client{name: [onceClientBytes]byte(clientName('a'))}
	onceAt := func(db *DB, sequence uint64) error {
		name := &api.RequestName{Client: clientName('a'), Sequence: sequence, Low: 1}
		applied := mustApplied(t, db, shard)
		payload := namedWrite(name, putOf("o", "p"))
		_, err := db.Apply(shard, []Entry{{ID: EntryID{1, applied.Offset + 1}, Timestamp: 2 * onceIdleMs, Payload: payload}})
		return err
	}
	once := func(db *DB) error { return onceAt(db, 1) }
	twice := func(db *DB) error { return errors.Join(onceAt(db, 2), onceAt(db, 1)) }

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
		{"record without the indexes that it says it has", row, append([]byte{1, 4}, make([]byte, recordFixedBytes-2+4)...), []func(*DB) error{read, apply, transact, byIndex, scan}},
		{"record whose session is cut", row, append([]byte{1, 2}, make([]byte, recordFixedBytes-2+7)...), []func(*DB) error{read, apply}},
		{"entry of an index, and no record", appendIndexKey(nil, shard, keyspace.Hierarchical, indexEntry{"i", "k"}, "c"), nil, []func(*DB) error{byIndex, scan}},
		{"entry of an index, and no key", appendIndexBound(nil, shard, keyspace.Hierarchical, indexEntry{"i", "kk"}), nil, []func(*DB) error{byIndex, scan}},
		{"session of a later version", appendSessionKey(nil, shard, 1), []byte{2}, []func(*DB) error{sessions, ephemeral}},
		{"record of a session that it is not of", appendOwnedKey(nil, shard, keyspace.Hierarchical, 2, "a"), nil, []func(*DB) error{endSession}},
		{"notifications of nothing", appendNotificationKey(nil, shard, 1), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0}, []func(*DB) error{notifications, before}},
		{"notifications of no offset", append(appendNotificationKey(nil, shard, 1), 0), nil, []func(*DB) error{notifications, before, trim}},
		{"client of a later version", appendClientKey(nil, shard, named), []byte{2}, []func(*DB) error{once}},
		{"place of no client", append(appendAgeKey(nil, shard, named), 0), nil, []func(*DB) error{twice}},
		{"answer of no kind", appendAnswerKey(nil, shard, named, 1), []byte{9}, []func(*DB) error{twice}},
		{"state cut short", stateKey(shard), []byte{1, 2, 3}, []func(*DB) error{apply, transact, applied, digest, export}},
		{
			"state whose check is of a later entry", stateKey(shard),
			appendState(nil, shardState{applied: EntryID{1, 1}, check: check{offset: 2}}), []func(*DB) error{apply, applied, export},
		},
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
		for shard, through := ShardID(0), int64(0); ; shard = (shard + 1) % shards {
			select {
			case <-stop:
				return
			default:
			}
			records, err := scanAll(db, shard, &api.RangeScanRequest{})
			if err != nil {
				panic(err)
			}
			if len(records) > 0 && records[0].GetVersion().GetModifiedTimestamp() != records[1].GetVersion().GetModifiedTimestamp() {
				t.Errorf("scanned %v", records)
			}
			page, err := db.Notifications(0, through, NotificationLimits{Batches: 10, Bytes: 1 << 20})
			if err != nil {
				panic(err)
			}
			for i, batch := range page.Batches {
				if batch.GetOffset() != through+int64(i)+1 {
					t.Errorf("offset %d follows %d", batch.GetOffset(), through+int64(i))
				}
			}
			through = page.Through
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
	logger := engine.Logger{Owner: "kv", To: slog.New(slog.NewTextHandler(&out, nil))}
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
	for field, get := range map[string]*api.GetRequest{
		"gets[0].comparison_type": {ComparisonType: 9},
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
		"HighestSequence":     func() error { _, _, err := db.HighestSequence(-1, ""); return err },
		"Notifications":       func() error { _, err := db.Notifications(-1, 0, NotificationLimits{}); return err },
		"NotificationsBefore": func() error { _, err := db.NotificationsBefore(-1, 1); return err },
		"Session":             func() error { _, _, err := db.Session(-1, 1); return err },
		"Sessions":            func() error { _, err := db.Sessions(-1); return err },
		"Settings":            func() error { _, err := db.Settings(-1); return err },
		"Scan":                func() error { _, err := db.Scan(-1, &api.RangeScanRequest{}); return err },
		"List":                func() error { _, err := db.List(-1, &api.ListRequest{}); return err },
		"Applied":             func() error { _, err := db.Applied(-1); return err },
		"FlushedApplied":      func() error { _, err := db.FlushedApplied(-1); return err },
		"Digest":              func() error { _, _, err := db.Digest(-1); return err },
		"Checked":             func() error { _, _, err := db.Checked(-1); return err },
		"DeleteShard":         func() error { return db.DeleteShard(-1) },
		"Export":              func() error { _, err := db.Export(-1, ExportAsk{}); return err },
		"Import":              func() error { _, err := db.Import(-1, SnapshotPart{}); return err },
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
