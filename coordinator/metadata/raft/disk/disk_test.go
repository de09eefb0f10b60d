package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const address = "a:1"

func open(t testing.TB, fs vfs.FS) (*Disk, *Content) {
	t.Helper()
	d, c, err := Open(Options{FS: fs, Dir: "raft", Address: address})
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

func closeDisk(t testing.TB, d *Disk) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, d *Disk, writes ...Write) {
	t.Helper()
	if err := d.Write(writes); err != nil {
		t.Fatal(err)
	}
}

func entry(index, term uint64) *pb.Entry {
	return &pb.Entry{Index: new(index), Term: new(term), Data: fmt.Appendf(nil, "%d in %d", index, term)}
}

func entries(from, to, term uint64) []*pb.Entry {
	var some []*pb.Entry
	for i := from; i <= to; i++ {
		some = append(some, entry(i, term))
	}
	return some
}

// begun is the first Write of a log that begins after an entry.
func begun(index uint64) Write {
	s := state.New()
	s.Restore("begun", metadata.Document{Value: []byte("0"), Version: 7})
	return Write{
		Install: s, HardState: &pb.HardState{Term: new(uint64(1)), Commit: new(index)}, Sync: true,
		Applied: &api.RaftApplied{Index: index, Term: 1, RemovedIndex: index, RemovedTerm: 1},
	}
}

func TestWhatWasWrittenComesBack(t *testing.T) {
	fs := vfs.NewMem()
	d, c := open(t, fs)
	id := d.Identity().Member
	if id == 0 || d.Identity().Run != 1 || len(c.Entries) != 0 || c.Applied.Index != 0 {
		t.Fatalf("fresh: %v, %+v", d.Identity(), c)
	}
	if err := d.Join(9, []*api.RaftMember{{Member: id, Address: address}}, begun(1)); err != nil {
		t.Fatal(err)
	}
	lease, err := LeaseRow(metadata.Lease{Holder: "h", Run: 3}, 2)
	if err != nil {
		t.Fatal(err)
	}
	lane := state.Lane{Member: id, Number: 1}
	outcome, err := OutcomeRow(lane, state.Outcome{Stamp: state.Stamp{Run: 1, Sequence: 4}, Results: []int64{state.Made, 3}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, d,
		Write{Entries: entries(2, 9, 1), HardState: &pb.HardState{Term: new(uint64(1)), Vote: new(id), Commit: new(uint64(2))}},
		Write{Entries: entries(6, 7, 2), Sync: true},
		Write{
			Rows: []Row{
				DocumentRow("x", metadata.Document{Value: []byte("1"), Version: 3}), lease, outcome,
				DocumentRow("begun", metadata.Document{}),
			},
			Applied: &api.RaftApplied{
				Index: 4, Term: 1, RemovedIndex: 3, RemovedTerm: 1, Members: []*api.RaftMember{{Member: id, Address: address}}, Since: 1,
			},
		})
	closeDisk(t, d)

	d, c = open(t, fs)
	defer closeDisk(t, d)
	if i := d.Identity(); i.Member != id || i.Run != 2 || i.Cluster != 9 || len(i.Formed) != 1 {
		t.Errorf("identity %v", i)
	}
	if c.HardState.GetVote() != id || c.Applied.Index != 4 {
		t.Errorf("hard state %v, applied %v", c.HardState, c.Applied)
	}
	var log strings.Builder
	for _, e := range c.Entries {
		fmt.Fprintf(&log, "%s;", e.GetData())
	}
	if log.String() != "4 in 1;5 in 1;6 in 2;7 in 2;" {
		t.Errorf("log %s", log.String())
	}
	if l, version := c.State.Lease(); l.Holder != "h" || version != 2 || len(c.State.List("")) != 1 || c.State.Document("x").Version != 3 {
		t.Errorf("lease %+v in version %d, documents %v", l, version, c.State.List(""))
	}
	if o := c.State.Outcome(lane); o.Stamp.Sequence != 4 || len(o.Results) != 2 {
		t.Errorf("outcome %+v", o)
	}
	if members, since := c.State.Members(); members[id] != address || since != 1 {
		t.Errorf("members %v since %d", members, since)
	}
}

// Whenever the machine dies, what comes back is what some number of writes had come
// to, all that were synced among them.
func TestCrashLeavesAPrefix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewCrashableMem()
		d, _ := open(t, fs)
		if err := d.Join(9, nil, begun(1)); err != nil {
			t.Fatal(err)
		}
		// Each write appends or replaces entries, and sets a document to its own number.
		logs := [][]*pb.Entry{nil}
		durable := 0
		for range rapid.IntRange(1, 12).Draw(rt, "writes") {
			before := logs[len(logs)-1]
			kept := rapid.IntRange(0, len(before)).Draw(rt, "kept")
			first := uint64(kept) + 2
			added := entries(first, first+rapid.Uint64Range(0, 3).Draw(rt, "added"), uint64(len(logs)))
			logs = append(logs, append(append([]*pb.Entry{}, before[:kept]...), added...))
			sync := rapid.Bool().Draw(rt, "sync")
			write(t, d, Write{
				Entries: added, Sync: sync,
				Rows: []Row{DocumentRow("n", metadata.Document{Value: []byte("1"), Version: int64(len(logs) - 1)})},
			})
			if sync {
				durable = len(logs) - 1
			}
		}
		percent := rapid.IntRange(0, 100).Draw(rt, "unsynced data that stays")
		crashed := fs.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)),
		})
		closeDisk(t, d)
		again, c := open(t, crashed)
		defer closeDisk(t, again)
		found := int(c.State.Document("n").Version)
		if found < durable || found >= len(logs) {
			rt.Fatalf("write %d is there, %d was durable", found, durable)
		}
		want := logs[found]
		if len(want) != len(c.Entries) {
			rt.Fatalf("%d entries after write %d, want %d", len(c.Entries), found, len(want))
		}
		for i := range want {
			if !proto.Equal(want[i], c.Entries[i]) {
				rt.Fatalf("entry %v after write %d, want %v", c.Entries[i], found, want[i])
			}
		}
	})
}

// A directory whose formatting was cut off anywhere is formatted again, as another
// member's or the same, and one that was formatted is that member's.
func TestCrashWhileFormatting(t *testing.T) {
	for seed := range uint64(40) {
		fs := vfs.NewCrashableMem()
		d, _ := open(t, fs)
		id := d.Identity().Member
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: int(seed) * 100 / 40, RNG: rand.New(rand.NewPCG(seed, 1))}
		crashed := fs.CrashClone(cfg)
		closeDisk(t, d)
		again, _ := open(t, crashed)
		if again.Identity().Member != id || again.Identity().Run != 2 {
			t.Errorf("seed %d: member %x in run %d, was %x", seed, again.Identity().Member, again.Identity().Run, id)
		}
		closeDisk(t, again)
		// Without the marker nothing was promised.
		if err := crashed.Remove("raft/MEMBER"); err != nil {
			t.Fatal(err)
		}
		again, c := open(t, crashed)
		if again.Identity().Member == id || again.Identity().Run != 1 || len(c.Entries) != 0 {
			t.Errorf("seed %d: the member that was never whole is back", seed)
		}
		closeDisk(t, again)
	}
}

// copyOf copies the directory to a file system of its own.
func copyOf(t *testing.T, from vfs.FS) vfs.FS {
	t.Helper()
	to := vfs.NewMem()
	if ok, err := vfs.Clone(from, to, "raft", "raft"); err != nil || !ok {
		t.Fatalf("copy: %v %v", ok, err)
	}
	return to
}

func read(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if _, err := content.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func replace(t *testing.T, fs vfs.FS, path string, content []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A directory in which any byte was changed, or any file lost, or cut off but for the
// log's, is refused with the remedy, or nothing is missing.
func TestDamageIsNeverTakenForWhatWasWritten(t *testing.T) {
	fs := vfs.NewMem()
	d, _ := open(t, fs)
	if err := d.Join(9, nil, begun(1)); err != nil {
		t.Fatal(err)
	}
	write(t, d, Write{Entries: entries(2, 9, 1), Sync: true})
	if err := d.db.Flush(); err != nil { // to have a table, and a log
		t.Fatal(err)
	}
	write(t, d, Write{Entries: entries(10, 19, 1), Sync: true, Rows: []Row{DocumentRow("x", metadata.Document{Value: []byte("1"), Version: 1})}})
	write(t, d, Write{Entries: entries(20, 20, 1), Sync: true}) // whose damage looks like a torn write
	id := d.Identity().Member
	if err := d.db.Close(); err != nil { // as a crash would leave it
		t.Fatal(err)
	}
	names, err := fs.List("raft/db")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"raft/MEMBER"}
	for _, name := range names {
		paths = append(paths, "raft/db/"+name)
	}
	refusals := 0
	attempt := func(what string, harmed vfs.FS) {
		d, c, err := Open(Options{FS: harmed, Dir: "raft", Address: address})
		if err != nil {
			refusals++
			if !strings.Contains(err.Error(), "move the directory away") {
				t.Errorf("%s: refused without the remedy: %v", what, err)
			}
			return
		}
		defer closeDisk(t, d)
		if d.Identity().Member == id && (len(c.Entries) < 18 || c.State.Document("x").Version != 1) {
			t.Errorf("%s: opened with %d entries, and document %v", what, len(c.Entries), c.State.Document("x"))
		}
	}
	for _, path := range paths {
		whole := read(t, fs, path)
		for at := 0; at < len(whole); at += 1 + len(whole)/40 {
			harmed := copyOf(t, fs)
			changed := bytes.Clone(whole)
			changed[at] ^= 0x41
			replace(t, harmed, path, changed)
			attempt(fmt.Sprintf("byte %d of %s", at, path), harmed)
		}
		harmed := copyOf(t, fs)
		if !strings.HasSuffix(path, ".log") {
			replace(t, harmed, path, whole[:len(whole)/2])
			attempt("half of "+path, harmed)
		}
		// Without its marker, the directory is a new member's.
		if path != "raft/MEMBER" && !strings.HasSuffix(path, ".log") {
			harmed = copyOf(t, fs)
			if err := harmed.Remove(path); err != nil {
				t.Fatal(err)
			}
			attempt("without "+path, harmed)
		}
	}
	if refusals < 50 {
		t.Errorf("only %d refusals", refusals)
	}
}

func TestWhatIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	d, _ := open(t, fs)
	if _, _, err := Open(Options{FS: fs, Dir: "raft", Address: address}); err == nil || !strings.Contains(err.Error(), "another process has it") {
		t.Errorf("opened twice: %v", err)
	}
	closeDisk(t, d)
	if _, _, err := Open(Options{FS: fs, Dir: "raft", Address: "b:1"}); err == nil || !strings.Contains(err.Error(), "is of the member a:1, and this is b:1") {
		t.Errorf("opened as another: %v", err)
	}
}

// Without its log, a directory has lost what was written since it was opened.
func TestLostLogIsNoticed(t *testing.T) {
	fs := vfs.NewMem()
	d, _ := open(t, fs)
	write(t, d, begun(1))
	if err := d.db.Close(); err != nil { // as a crash would leave it
		t.Fatal(err)
	}
	names, err := fs.List("raft/db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			if err := fs.Remove("raft/db/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := Open(Options{FS: fs, Dir: "raft", Address: address}); err == nil || !strings.Contains(err.Error(), "move the directory away") {
		t.Errorf("opened without its log: %v", err)
	}
}

func TestGapInTheLogIsNoticed(t *testing.T) {
	fs := vfs.NewMem()
	d, _ := open(t, fs)
	write(t, d, begun(1), Write{Entries: entries(2, 9, 1)})
	if err := d.db.Delete(entryKey(5), nil); err != nil {
		t.Fatal(err)
	}
	closeDisk(t, d)
	if _, _, err := Open(Options{FS: fs, Dir: "raft", Address: address}); err == nil || !strings.Contains(err.Error(), "its log has entry 6 where 5 should be") {
		t.Errorf("opened with a gap: %v", err)
	}
}

// A log that is read back whole is never held to be damaged, and one of any bytes is
// read.
func FuzzLog(f *testing.F) {
	fs := vfs.NewMem()
	d, _ := open(f, fs)
	write(f, d, begun(1), Write{Entries: entries(2, 9, 1), Sync: true})
	write(f, d, Write{Entries: entries(10, 12, 1), Sync: true})
	names, err := fs.List("raft/db")
	if err != nil {
		f.Fatal(err)
	}
	const number = 4
	for _, name := range names {
		if name != "000004.log" {
			continue
		}
		log := read(f, fs, "raft/db/"+name)
		if end := logEnd(log, number); end < headerBytes || syncedBehind(log, number, 0) == 0 {
			f.Fatalf("the log of %d bytes ends at %d, and promises nothing", len(log), end)
		}
		f.Add(log)
	}
	closeDisk(f, d)
	f.Fuzz(func(t *testing.T, log []byte) {
		if end := logEnd(log, number); end < 0 || end > len(log) {
			t.Errorf("a log of %d bytes ends at %d", len(log), end)
		}
		syncedBehind(log, number, 0)
	})
}

func FuzzParseMarker(f *testing.F) {
	text, err := renderMarker(&api.RaftIdentity{Member: 7, Address: address})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		identity, err := parseMarker(text)
		if err != nil {
			return
		}
		if again, err := renderMarker(identity); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q is read as %v", text, identity)
		}
	})
}
