package storage

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// The shards of a rotten disk: the table of one is damaged, the other's is sound.
const (
	damagedShard replication.ShardID = 1
	soundShard   replication.ShardID = 2
)

// newRottenDisk makes a data directory with two shards, and damages the table that
// the first is in.
func newRottenDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	d := openForTest(t, dir)
	for _, shard := range []replication.ShardID{damagedShard, soundShard} {
		record := replication.TermRecord{Replica: 3, Term: replication.TermID{Term: 1, Election: 7}}
		d.Log().Submit(shard, replication.LogOp{Sequence: 1, Kind: replication.OpTerm, Record: record})
		d.Log().Submit(shard, replication.LogOp{Sequence: 2, Kind: replication.OpAppend, Entries: putsUpTo(4, 1000)})
		if _, err := d.Log().Sync(); err != nil {
			t.Fatal(err)
		}
		mustApply(t, d.Machine(), shard, putsUpTo(4, 1000))
		if err := d.Flush(); err != nil { // to a table of its own
			t.Fatal(err)
		}
	}
	mustClose(t, d)
	tables, err := filepath.Glob(filepath.Join(dir, "state", "*.sst"))
	if err != nil || len(tables) != 2 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	content, err := os.ReadFile(tables[0]) // the older one
	if err != nil {
		t.Fatal(err)
	}
	content[100] ^= 1
	if err := os.WriteFile(tables[0], content, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readQuery(t *testing.T) []byte {
	t.Helper()
	body, err := proto.Marshal(&api.ReadRequest{Gets: []*api.GetRequest{{Key: "0000", IncludeValue: true}}})
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{QueryRead}, body...)
}

// A shard whose state cannot be read is recovered without it, to be made anew from
// the log; and the other as it was.
func TestRecoveryDropsTheStateThatIsDamaged(t *testing.T) {
	d := openForTest(t, newRottenDisk(t))
	defer mustClose(t, d)
	all, err := d.Recovered()
	if err != nil || len(all) != 2 {
		t.Fatalf("recovered %+v, %v", all, err)
	}
	head := replication.EntryID{Term: 1, Offset: 4}
	for i, want := range []replication.EntryID{{}, head} {
		if r := all[i].Found; r.Applied != want || r.History.Head() != head || r.Record.Replica != 3 || r.Damaged != 0 {
			t.Errorf("shard %d: %+v", all[i].Shard, r)
		}
	}
	for _, shard := range []replication.ShardID{damagedShard, soundShard} {
		from := int(all[shard-damagedShard].Found.Applied.Offset)
		if entries := putsUpTo(5, 1000)[from:]; len(entries) > 0 {
			mustApply(t, d.Machine(), shard, entries)
		}
	}
	one, first, err := d.State().Digest(kv.ShardID(damagedShard))
	two, second, secondErr := d.State().Digest(kv.ShardID(soundShard))
	if one != two || first != second || err != nil || secondErr != nil {
		t.Errorf("made anew: %v at %v, and %v at %v, %v, %v", one, first, two, second, err, secondErr)
	}
}

// A state that turns out to be damaged is said to be lost, once, and answers nothing
// more, while the other shards go on; when it was deleted, a snapshot makes it whole.
func TestDamageEndsOneShardAndASnapshotHealsIt(t *testing.T) {
	d := openForTest(t, newRottenDisk(t))
	defer mustClose(t, d)
	m := d.Machine()
	m.Query(damagedShard, 1, readQuery(t))
	m.Query(damagedShard, 2, readQuery(t))
	m.Apply(damagedShard, entriesUpTo(5)[4:])
	m.Export(damagedShard, replication.ExportAsk{ID: 1, MaxBytes: 100})
	mustBeLost(t, m)

	m.Query(soundShard, 3, readQuery(t))
	m.Export(soundShard, replication.ExportAsk{ID: 1, MaxBytes: 1 << 20})
	done, answered := m.Take()
	if len(answered) != 1 || answered[0].ID != 3 || len(answered[0].Result) < 1000 || len(done) != 1 {
		t.Fatalf("the sound one: %+v %+v", done, answered)
	}

	m.Delete(damagedShard)
	m.Import(damagedShard, done[0].Event.(replication.Exported).Part)
	m.Query(damagedShard, 4, readQuery(t))
	healed, again := m.Take()
	if len(healed) != 2 || !healed[1].Event.(replication.Imported).Installed {
		t.Fatalf("imported %+v, %v", healed, m.Failed())
	}
	if len(again) != 1 || string(again[0].Result) != string(answered[0].Result) {
		t.Errorf("healed, it answers %+v", again)
	}
}

// mustBeLost takes what was answered, which must be that the damaged shard is lost.
func mustBeLost(t *testing.T, m *Machine) {
	t.Helper()
	done, answered := m.Take()
	if !reflect.DeepEqual(done, []Completion{{damagedShard, replication.StateLost{}}}) || len(answered) != 0 || m.Failed() != nil {
		t.Fatalf("answered %+v %+v, %v", done, answered, m.Failed())
	}
}

// So does deletion, after which there is a shard without anything.
func TestADamagedShardCanBeDeleted(t *testing.T) {
	d := openForTest(t, newRottenDisk(t))
	defer mustClose(t, d)
	m := d.Machine()
	m.Query(damagedShard, 1, readQuery(t))
	mustBeLost(t, m)
	m.Delete(damagedShard)
	m.Apply(damagedShard, entriesUpTo(2))
	if done, _ := m.Take(); len(done) != 2 || m.Failed() != nil {
		t.Errorf("deleted and applied: %+v, %v", done, m.Failed())
	}
}

// An import that meets damage ends with the state being lost, and so do the asks that
// wait; nothing more is answered until the state is deleted, and then all is.
func TestAnImportThatMeetsDamageLosesTheState(t *testing.T) {
	var damage error
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && strings.Contains(op.Path, "import") {
			return damage
		}
		return nil
	}))
	d := openWith(t, Options{FS: fs, Dir: "data", SnapshotRate: MinSnapshotRate})
	defer mustClose(t, d)
	m := d.Machine()
	m.Work(1)
	mustApply(t, m, soundShard, putsUpTo(20, 16<<10))
	mustApply(t, m, damagedShard, entriesUpTo(2))
	m.Export(soundShard, replication.ExportAsk{ID: 1, MaxBytes: 1 << 20})
	done, _ := m.Take()
	part := done[0].Event.(replication.Exported).Part
	m.Export(damagedShard, replication.ExportAsk{ID: 2, MaxBytes: 1 << 20}) // it waits for its turn

	damage = pebble.ErrCorruption
	m.Import(damagedShard, part)
	mustBeLost(t, m)
	m.Import(damagedShard, part)
	m.Apply(damagedShard, entriesUpTo(3)[2:])
	m.Query(damagedShard, 1, readQuery(t))
	m.Work(m.now.Add(time.Second))
	if done, answered := m.Take(); len(done)+len(answered) > 0 || m.Failed() != nil {
		t.Fatalf("answered %+v %+v, %v", done, answered, m.Failed())
	}

	damage = nil
	m.Delete(damagedShard)
	m.Import(damagedShard, part)
	m.Query(damagedShard, 2, readQuery(t))
	done, answered := m.Take()
	if len(done) != 2 || done[0].Event != (replication.Deleted{}) || done[1].Event != (replication.Imported{Last: part.Last, Position: part.Position + int64(len(part.Data)), Installed: true}) {
		t.Errorf("deleted and imported: %+v, %v", done, m.Failed())
	}
	if len(answered) != 1 || len(answered[0].Result) < 1000 {
		t.Errorf("answered %+v", answered)
	}
}

// A state in which a damaged table keeps a shard from being repaired is copied at the
// next start: what can be read is there, and the shard can be repaired. A crash before
// any step of that leaves it to the start after.
func TestACondemnedStateIsCopied(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var damage error
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && strings.Contains(op.Path, "import") {
			return damage
		}
		return nil
	}))
	d := openWith(t, Options{FS: fs, Dir: "data"})
	m := d.Machine()
	mustApply(t, m, soundShard, putsUpTo(20, 16<<10))
	mustApply(t, m, damagedShard, entriesUpTo(2))
	digest, _, err := d.State().Digest(kv.ShardID(soundShard))
	if err != nil {
		t.Fatal(err)
	}
	m.Export(soundShard, replication.ExportAsk{ID: 1, MaxBytes: 1 << 20})
	done, _ := m.Take()
	part := done[0].Event.(replication.Exported).Part
	damage = pebble.ErrCorruption
	m.Import(damagedShard, part)
	m.Delete(damagedShard)
	m.Import(damagedShard, part)
	if !errors.Is(m.Failed(), ErrCondemned) {
		t.Fatalf("an import met damage twice, and the machine goes on: %v", m.Failed())
	}
	damage = nil
	mustClose(t, d)

	steps, crashed := 0, false
	for at := 0; !crashed || steps > at; at++ {
		steps = 0
		var left *vfs.MemFS
		from := mem.CrashClone(vfs.CrashCloneCfg{})
		var mu sync.Mutex // the engine's goroutines take steps, too
		counted := errorfs.Wrap(from, errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && !strings.Contains(op.Path, "log") {
				if steps++; steps == at+1 {
					left = from.CrashClone(vfs.CrashCloneCfg{})
				}
			}
			return nil
		}))
		mustClose(t, openWith(t, Options{FS: counted, Dir: "data"}))
		if left == nil {
			left = from.CrashClone(vfs.CrashCloneCfg{})
		}
		crashed = true
		d := openWith(t, Options{FS: left, Dir: "data"})
		got, _, err := d.State().Digest(kv.ShardID(soundShard))
		if err != nil || got != digest {
			t.Fatalf("step %d: the sound shard has the digest %v, want %v; %v", at, got, digest, err)
		}
		if there, err := (&Options{FS: left, Dir: "data"}).exists(condemnedName); there || err != nil {
			t.Fatalf("step %d: it is condemned still, %v", at, err)
		}
		m := d.Machine()
		m.Import(damagedShard, part)
		if done, _ := m.Take(); len(done) != 1 || !done[0].Event.(replication.Imported).Installed {
			t.Fatalf("step %d: imported %+v, %v", at, done, m.Failed())
		}
		mustClose(t, d)
	}
	if steps < 20 {
		t.Errorf("only %d steps", steps)
	}
}
