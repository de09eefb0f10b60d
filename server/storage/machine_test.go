package storage

import (
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// What the machine answers where a snapshot is gone, or its bytes are not what
// they were.
func TestSnapshotsOfTheMachine(t *testing.T) {
	from, to := openForTest(t, t.TempDir()), openForTest(t, t.TempDir())
	defer mustClose(t, from)
	defer mustClose(t, to)
	source := from.Machine()
	target := to.Machine()
	source.Apply(shardID, entriesUpTo(3))
	last := replication.EntryID{Term: 1, Offset: 3}
	other := replication.EntryID{Term: 1, Offset: 2}
	source.Take()

	exported := func(ask replication.ExportAsk) replication.Exported {
		t.Helper()
		source.Export(shardID, ask)
		done, _ := source.Take()
		if len(done) != 1 || source.Failed() != nil {
			t.Fatalf("exported %+v, %v", done, source.Failed())
		}
		return done[0].Event.(replication.Exported)
	}
	begun := exported(replication.ExportAsk{ID: 1, MaxBytes: 20})
	if begun.ID != 1 || begun.Gone || begun.Part.Last != last || len(begun.Part.Data) != 20 || begun.Part.Final {
		t.Fatalf("exported %+v", begun)
	}
	rest := exported(replication.ExportAsk{ID: 2, Last: last, Position: 20, MaxBytes: 1 << 20})
	if !rest.Part.Final {
		t.Fatalf("exported %+v", rest)
	}
	for _, ask := range []replication.ExportAsk{
		{ID: 3, Last: other, Position: 20, MaxBytes: 20}, {ID: 3, Last: last, Position: 1 << 20, MaxBytes: 20},
	} {
		if gone := exported(ask); !reflect.DeepEqual(gone, replication.Exported{ID: 3, Gone: true}) {
			t.Errorf("%+v: %+v", ask, gone)
		}
	}

	imported := func(part replication.SnapshotPart) replication.Imported {
		t.Helper()
		target.Import(shardID, part)
		done, _ := target.Take()
		if len(done) != 1 || target.Failed() != nil {
			t.Fatalf("imported %+v, %v", done, target.Failed())
		}
		return done[0].Event.(replication.Imported)
	}
	damaged := rest.Part
	damaged.Data = append([]byte{}, damaged.Data...)
	damaged.Data[5]++
	for i, c := range []struct {
		part replication.SnapshotPart
		want replication.Imported
	}{
		{rest.Part, replication.Imported{Last: last}},
		{begun.Part, replication.Imported{Last: last, Position: 20}},
		{damaged, replication.Imported{Last: last}},
		{begun.Part, replication.Imported{Last: last, Position: 20}},
		{rest.Part, replication.Imported{Last: last, Position: 20 + int64(len(rest.Part.Data)), Installed: true}},
	} {
		if got := imported(c.part); got != c.want {
			t.Errorf("part %d: %+v, want %+v", i, got, c.want)
		}
	}
	if applied, err := to.State().Applied(kv.ShardID(shardID)); err != nil || coreID(applied) != last {
		t.Errorf("applied %v, %v", applied, err)
	}
}

func TestQueriesThatNoStateCanAnswerHaveNoResult(t *testing.T) {
	d := openForTest(t, t.TempDir())
	defer mustClose(t, d)
	m := d.Machine()
	bodies := [][]byte{nil, {0}, {QueryRead, 0xff}, {QueryTransaction, 0xff}, {QueryTransaction}, {3}}
	for i, body := range bodies {
		m.Query(shardID, replication.QueryID(i), body)
	}
	_, answered := m.Take()
	if m.Failed() != nil || len(answered) != len(bodies) {
		t.Errorf("failed with %v after %d of %d answers", m.Failed(), len(answered), len(bodies))
	}
	for _, a := range answered {
		if len(a.Result) != 0 {
			t.Errorf("query %x: %x", bodies[a.ID], a.Result)
		}
	}
}

// Two machines that applied the same in other portions agree at the agreed offset.
func TestMachinesAgreeAtTheAgreedOffset(t *testing.T) {
	var checks [2]replication.Check
	for i, portions := range [][]int{{3, 6, 9}, {9}} {
		d := openWith(t, Options{FS: vfs.Default, Dir: t.TempDir(), CheckEvery: 4})
		entries, from := entriesUpTo(9), 0
		for _, to := range portions {
			d.Machine().Apply(shardID, entries[from:to])
			from = to
		}
		done, _ := d.Machine().Take()
		checks[i] = done[len(done)-1].Event.(replication.Applied).Check
		if checks[i].Offset != 8 || checks[i].Sum == 0 {
			t.Errorf("checked %+v", checks[i])
		}
		mustClose(t, d)
	}
	if checks[0] != checks[1] {
		t.Errorf("differ: %+v and %+v", checks[0], checks[1])
	}
}
