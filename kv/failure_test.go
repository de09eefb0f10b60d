package kv

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ostraka-db/ostraka/api"
)

// A disk that cannot be read fails the calls that must read it, with the disk's
// own error, and changes nothing: once it can be read again, the same entries are
// applied as if nothing had happened.
func TestUnreadableDiskFailsCallsAndChangesNothing(t *testing.T) {
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpFileReadAt {
			return errorfs.ErrInjected
		}
		return nil
	}))
	open := func() *DB {
		db, err := Open(Options{FS: fs, Dir: "db", DisableCompactions: true})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	entries := []Entry{
		{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(putOf("a", "one"))},
		{ID: EntryID{Term: 1, Offset: 2}, Payload: mustPayload(putOf("a", "two"))},
	}
	db := open()
	mustApply(t, db, 1, entries[:1])
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db = open() // with nothing in its cache
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	broken.Store(true)
	for name, call := range map[string]func() error{
		"Apply":          func() error { _, err := db.Apply(1, entries[1:]); return err },
		"Applied":        func() error { _, err := db.Applied(1); return err },
		"FlushedApplied": func() error { _, err := db.FlushedApplied(1); return err },
		"Read": func() error {
			_, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{{Key: "a"}}})
			return err
		},
		"Export": func() error { _, err := db.Export(1, ExportAsk{MaxBytes: 1}); return err },
		"ReadTransaction": func() error {
			ops := []*api.TransactionOperation{doGet("a")}
			_, err := db.ReadTransaction(1, &api.TransactionRequest{Operations: ops})
			return err
		},
		"Apply of a transaction": func() error {
			payload := mustTransaction(&api.TransactionRequest{Operations: []*api.TransactionOperation{doDelete("a")}})
			_, err := db.Apply(1, []Entry{{ID: EntryID{Term: 1, Offset: 2}, Payload: payload}})
			return err
		},
		"Read near": func() error {
			get := &api.GetRequest{Key: "a", ComparisonType: api.KeyComparisonType_CEILING}
			_, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{get}})
			return err
		},
	} {
		if err := call(); !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("%s: got %v, want the disk's error", name, err)
		}
	}
	broken.Store(false)
	if applied := mustApplied(t, db, 1); applied != entries[0].ID {
		t.Errorf("applied %s, want %s", applied, entries[0].ID)
	}
	put := mustApply(t, db, 1, entries[1:])[0].Response.GetPuts()[0]
	if put.GetVersion().GetVersionId() != 1 || put.GetVersion().GetModificationsCount() != 1 {
		t.Errorf("after the failure: %v", put)
	}
}
