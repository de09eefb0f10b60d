package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

const shardID replication.ShardID = 1

func openForTest(t *testing.T, dir string) *Disk {
	t.Helper()
	return openWith(t, Options{FS: vfs.Default, Dir: dir})
}

func openWith(t *testing.T, o Options) *Disk {
	t.Helper()
	o.CacheBytes, o.MemTableBytes, o.DisableCompactions = 1<<20, 1<<20, true
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustClose(t *testing.T, d *Disk) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func entriesUpTo(last int64) []replication.Entry {
	var entries []replication.Entry
	for i := range last {
		entries = append(entries, replication.Entry{
			ID: replication.EntryID{Term: 1, Offset: replication.Offset(i + 1)}, Payload: kv.BarrierPayload(),
		})
	}
	return entries
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	for name, o := range map[string]Options{
		"file system": {Dir: t.TempDir()},
		"directory":   {FS: vfs.Default},
	} {
		if d, err := Open(o); err == nil {
			mustClose(t, d)
			t.Errorf("opened without a %s", name)
		}
	}
}

// A state that cannot be opened gives the log back.
func TestOpenThatFailsLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	held := openForTest(t, dir)
	if err := held.Log().Close(); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(Options{FS: vfs.Default, Dir: dir}); err == nil {
		mustClose(t, d)
		t.Fatal("opened a state that is open")
	}
	if err := held.State().Close(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, openForTest(t, dir))
}

// recoveredShard returns what was recovered of the one shard, and whether anything
// was.
func recoveredShard(t *testing.T, d *Disk) (replication.Recovered, bool) {
	t.Helper()
	all, err := d.Recovered()
	if err != nil || len(all) > 1 {
		t.Fatalf("recovered %+v, %v", all, err)
	}
	if len(all) == 0 {
		return replication.Recovered{}, false
	}
	return all[0].Found, true
}

// What recovery makes of a log and a state that a crash parted.
func TestRecoverySettlesLogAndState(t *testing.T) {
	id := func(offset replication.Offset) replication.EntryID {
		return replication.EntryID{Term: 1, Offset: offset}
	}
	record := replication.TermRecord{Replica: 3, Term: replication.TermID{Term: 1, Election: 7}}
	deleted := replication.TermRecord{Replica: 3, Deleted: true}
	hosts := replication.LogOp{Sequence: 1, Kind: replication.OpTerm, Record: record}
	appends := replication.LogOp{Sequence: 2, Kind: replication.OpAppend, Entries: entriesUpTo(4)}
	for _, c := range []struct {
		name       string
		ops        []replication.LogOp
		applied    int64
		hosted     bool
		lost       bool
		record     replication.TermRecord
		base, head replication.EntryID
	}{
		{name: "nothing"},
		{name: "a state without a replica", applied: 2},
		{
			name: "a deleted replica", applied: 2, hosted: true, record: deleted,
			ops: []replication.LogOp{hosts, appends, {Sequence: 3, Kind: replication.OpDelete, Record: deleted}},
		},
		{name: "entries that are not applied", applied: 2, ops: []replication.LogOp{hosts, appends}, hosted: true, record: record, head: id(4)},
		{name: "a state beyond the log", applied: 6, ops: []replication.LogOp{hosts, appends}, hosted: true, record: record, base: id(6), head: id(6)},
		{
			name: "a trimmed log", applied: 3, hosted: true, record: record, base: id(2), head: id(4),
			ops: []replication.LogOp{hosts, appends, {Sequence: 3, Kind: replication.OpTrim, Base: id(2)}},
		},
		{
			name: "a state that was trimmed away", applied: 1, lost: true, hosted: true, record: record, base: id(2), head: id(4),
			ops: []replication.LogOp{hosts, appends, {Sequence: 3, Kind: replication.OpTrim, Base: id(2)}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			d := openForTest(t, dir)
			for _, op := range c.ops {
				d.Log().Submit(shardID, op)
			}
			m := d.Machine()
			m.Apply(shardID, entriesUpTo(c.applied))
			if _, err := d.Log().Sync(); err != nil || m.Failed() != nil {
				t.Fatal(err, m.Failed())
			}
			for range 2 { // what it comes to is durable
				mustClose(t, d)
				d = openForTest(t, dir)
				found, hosted := recoveredShard(t, d)
				if hosted != c.hosted || (found.Damaged != 0) != c.lost {
					t.Fatalf("hosted %v, %+v", hosted, found)
				}
				if hosted && found.Record != c.record {
					t.Errorf("recovered %+v, want %+v", found.Record, c.record)
				}
				if base, head := found.History.Base(), found.History.Head(); hosted && (base != c.base || head != c.head) {
					t.Errorf("recovered %v, want %v to %v", &found.History, c.base, c.head)
				}
			}
			defer mustClose(t, d)
			applied, err := d.State().Applied(kv.ShardID(shardID))
			if want := c.applied != 0 && (c.hosted || c.lost); err != nil || (applied != kv.EntryID{}) != want {
				t.Errorf("applied %v, %v", applied, err)
			}
		})
	}
}
