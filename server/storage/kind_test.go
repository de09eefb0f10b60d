package storage

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

func TestReplicasAreNotKeptInMemoryUnlessForced(t *testing.T) {
	for _, c := range []struct {
		factor  int
		force   bool
		refused bool
	}{{1, false, false}, {1, true, false}, {2, false, true}, {3, false, true}, {3, true, false}} {
		err := CheckMemory(c.factor, c.force)
		if refused := (*MemoryError)(nil); errors.As(err, &refused) != c.refused || (err != nil) != c.refused {
			t.Errorf("factor %d, forced %v: %v", c.factor, c.force, err)
		}
		if c.refused && !strings.Contains(err.Error(), "set storage to disk") {
			t.Errorf("no remedy in %q", err)
		}
	}
}

func TestKindsAreReadAsTheyAreWritten(t *testing.T) {
	for _, k := range []Kind{OnDisk, InMemory} {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v is read as %v, %v", k, got, err)
		}
	}
	for _, name := range []string{"", "Disk", Kind(7).String()} {
		if k, err := ParseKind(name); err == nil {
			t.Errorf("%q is read as %v", name, k)
		}
	}
}

// Memory is a file system of the disk's own, and nobody's who named another.
func TestMemoryIsAFileSystemOfItsOwn(t *testing.T) {
	for name, o := range map[string]Options{
		"file system": {Storage: InMemory, FS: vfs.NewMem()},
		"directory":   {Storage: InMemory, Dir: "data"},
		"kind":        {Storage: 7, FS: vfs.NewMem(), Dir: "data"},
	} {
		if _, err := o.withDefaults(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	one, err := Options{Storage: InMemory}.withDefaults()
	if err != nil || one.FS == nil || one.Dir == "" {
		t.Fatalf("%+v, %v", one, err)
	}
	two, err := Options{Storage: InMemory}.withDefaults()
	if err != nil || one.FS == two.FS {
		t.Errorf("two disks share their memory, %v", err)
	}
}

// What is in memory is there as long as the disk is open, for log and state.
func TestMemoryServesAsADiskDoes(t *testing.T) {
	d := openWith(t, Options{Storage: InMemory})
	defer mustClose(t, d)
	record := replication.TermRecord{Replica: 3, Term: replication.TermID{Term: 1, Election: 7}}
	d.Log().Submit(shardID, replication.LogOp{Sequence: 1, Kind: replication.OpTerm, Record: record})
	d.Log().Submit(shardID, replication.LogOp{Sequence: 2, Kind: replication.OpAppend, Entries: entriesUpTo(3)})
	if _, err := d.Log().Sync(); err != nil {
		t.Fatal(err)
	}
	mustApply(t, d.Machine(), shardID, entriesUpTo(2))
	found, hosted := recoveredShard(t, d)
	if !hosted || found.Record != record || found.Applied.Offset != 2 || found.History.Head().Offset != 3 {
		t.Errorf("it holds %+v", found)
	}
}
