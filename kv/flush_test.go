package kv

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Where the disk is full, every call that needs it says so, and none waits for the
// space to come back; what is read is still right, and what was durable is there.
func TestFullDiskFailsWhatWritesAndHangsNothing(t *testing.T) {
	for name, call := range map[string]func(*DB) error{
		"Flush":       func(db *DB) error { return db.Flush() },
		"DeleteShard": func(db *DB) error { return db.DeleteShard(1) },
		"Import of what replaces it": func(db *DB) error {
			part, err := db.Export(2, ExportAsk{MaxBytes: 1 << 20})
			if err == nil {
				_, err = db.Import(1, part)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var full atomic.Bool
			mem := vfs.NewCrashableMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpFileWrite) {
					return syscall.ENOSPC
				}
				return nil
			}))
			db := openOn(t, fs)
			entries := shortLog(6)
			mustApply(t, db, 2, entries[:2])
			mustApply(t, db, 1, entries[:2])
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
			durable := contentOf(t, db, 1)
			mustApply(t, db, 1, entries[2:4])
			now := contentOf(t, db, 1)

			full.Store(true)
			if err := call(db); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("a full disk: %v", err)
			}
			if contentOf(t, db, 1) != now {
				t.Error("the state changed")
			}
			if db.flushing.failure() != nil {
				if _, err := db.Apply(1, entries[4:]); !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("applied after that: %v", err)
				}
			}
			crashed := mem.CrashClone(vfs.CrashCloneCfg{})
			full.Store(false)
			_ = db.Close() // it failed, and says so again

			after := openOn(t, crashed)
			defer mustClose(t, after)
			if contentOf(t, after, 1) != durable {
				t.Error("what was durable is not there")
			}
		})
	}
}

// shortLog is a log of so many puts.
func shortLog(last int64) []Entry {
	var entries []Entry
	for i := range last {
		entries = append(entries, Entry{ID: EntryID{Term: 1, Offset: i + 1}, Payload: mustPayload(putOf("a", string(rune('a'+i))))})
	}
	return entries
}
