package kv

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Without its manifest, a database that never had a table is formatted anew; one
// that has a table is not touched.
func TestOnlyWhatHasNoTableIsFormattedAnew(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		fs := vfs.NewCrashableMem()
		db := openOn(t, fs)
		if flushed {
			mustApply(t, db, 1, shortLog(2))
		}
		mustClose(t, db)
		names, err := fs.List("db")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasPrefix(name, "MANIFEST") {
				if err := fs.Remove(fs.PathJoin("db", name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		db, err = Open(Options{FS: fs, Dir: "db"})
		if (err != nil) != flushed {
			t.Errorf("with a table %v: %v", flushed, err)
		}
		if err == nil {
			mustClose(t, db)
		}
		if left := tablesOf(t, fs, "db"); flushed != (len(left) > 0) {
			t.Errorf("tables %v", left)
		}
	}
}
