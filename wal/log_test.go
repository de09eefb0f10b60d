package wal

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func mustOpen(t *testing.T, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func mustSync(t *testing.T, l *Log) []Durable {
	t.Helper()
	durable, err := l.Sync()
	if err != nil {
		t.Fatal(err)
	}
	return durable
}

func entry(term, offset int64, payload string) replication.Entry {
	return replication.Entry{
		ID:        replication.EntryID{Term: replication.Term(term), Offset: replication.Offset(offset)},
		Timestamp: 1234, Payload: []byte(payload),
	}
}

func appendOf(sequence uint64, entries ...replication.Entry) replication.LogOp {
	return replication.LogOp{Sequence: sequence, Kind: replication.OpAppend, Entries: entries}
}

func termOf(sequence uint64, term int64) replication.LogOp {
	return replication.LogOp{Sequence: sequence, Kind: replication.OpTerm, Record: replication.TermRecord{
		Replica: 3, Term: replication.TermID{Term: replication.Term(term), Election: 0xfeed},
	}}
}

func truncateOf(sequence uint64, to int64) replication.LogOp {
	return replication.LogOp{Sequence: sequence, Kind: replication.OpTruncate, Truncate: replication.Offset(to)}
}

func TestSyncReportsEachShardsNewestOperationOnce(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	l.Submit(2, termOf(1, 1))
	l.Submit(1, termOf(1, 1))
	l.Submit(2, appendOf(2, entry(1, 1, "a")))
	want := []Durable{{Shard: 1, Sequence: 1}, {Shard: 2, Sequence: 2}}
	if got := mustSync(t, l); !reflect.DeepEqual(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
	if got := mustSync(t, l); got != nil {
		t.Errorf("synced %v again", got)
	}
	l.Submit(1, appendOf(2, entry(1, 1, "b")))
	if got, want := mustSync(t, l), []Durable{{Shard: 1, Sequence: 2}}; !reflect.DeepEqual(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
}

func TestWhatWasSyncedIsFoundAgainAndWhatWasNotIsNot(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	l.Submit(1, termOf(1, 2))
	l.Submit(1, appendOf(2, entry(1, 1, "a"), entry(2, 2, "b"), entry(2, 3, "c")))
	l.Submit(1, truncateOf(3, 2))
	l.Submit(9, replication.LogOp{Sequence: 1, Kind: replication.OpReset, Base: replication.EntryID{Term: 4, Offset: 70}})
	l.Submit(9, appendOf(2, entry(5, 71, "z")))
	mustSync(t, l)
	want := l.Recovered()
	l.Submit(1, appendOf(4, entry(2, 3, "lost")))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := mustOpen(t, dir).Recovered()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
	if head := got[1].History.Head(); head != (replication.EntryID{Term: 5, Offset: 71}) {
		t.Errorf("the head after a reset is %v", head)
	}
}

func TestReadSeesWhatWasSubmittedAndKeepsIt(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	l.Submit(1, appendOf(1, entry(1, 1, "a"), entry(1, 2, "b"), entry(1, 3, "c")))
	l.Read(1, 7, 2, 1<<20)
	l.Read(1, 8, 1, 1)
	l.Read(1, 9, 4, 1<<20)
	l.Submit(1, truncateOf(2, 1))
	l.Submit(1, appendOf(3, entry(2, 2, "B")))
	want := []ReadAnswer{
		{1, replication.EntriesRead{ID: 7, Entries: []replication.Entry{entry(1, 2, "b"), entry(1, 3, "c")}}},
		{1, replication.EntriesRead{ID: 8, Entries: []replication.Entry{entry(1, 1, "a")}}},
		{1, replication.EntriesRead{ID: 9}},
	}
	if got := l.Reads(); !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if got := l.Reads(); got != nil {
		t.Errorf("read %+v again", got)
	}
}

func TestAnErrorOfTheFileIsFinal(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	l.Submit(1, termOf(1, 1))
	if err := l.file.Close(); err != nil {
		t.Fatal(err)
	}
	_, first := l.Sync()
	if first == nil || !strings.Contains(first.Error(), l.file.Name()) {
		t.Fatalf("syncing a closed file: %v", first)
	}
	l.Submit(1, termOf(2, 2))
	if durable, again := l.Sync(); again != first || durable != nil {
		t.Errorf("after %v: %v, %v", first, durable, again)
	}
}

func TestOperationsThatDoNotFitPanic(t *testing.T) {
	for name, op := range map[string]replication.LogOp{
		"a gap":                     appendOf(2, entry(1, 3, "")),
		"a term that goes back":     appendOf(2, entry(0, 2, "")),
		"a truncation of nothing":   truncateOf(2, 9),
		"a sequence that goes back": termOf(1, 1),
	} {
		t.Run(name, func(t *testing.T) {
			l := mustOpen(t, t.TempDir())
			l.Submit(1, appendOf(1, entry(1, 1, "")))
			defer func() {
				if recover() == nil {
					t.Error("was taken")
				}
			}()
			l.Submit(1, op)
		})
	}
}

func TestADirectoryHasOneUser(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	var locked *LockedError
	if _, err := Open(dir); !errors.As(err, &locked) || locked.Path != dir {
		t.Fatalf("opening it twice: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir)
}

func TestAnIncarnationLastsAsLongAsItsDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	l := mustOpen(t, dir)
	first := l.Incarnation()
	l.Submit(1, termOf(1, 1))
	mustSync(t, l)
	_ = l.Close()
	l = mustOpen(t, dir)
	if l.Incarnation() != first || first == 0 {
		t.Errorf("incarnation %x after %x", l.Incarnation(), first)
	}
	_ = l.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if second := mustOpen(t, dir).Incarnation(); second == first {
		t.Errorf("a wiped directory has incarnation %x again", second)
	}
}

func TestRunsAscend(t *testing.T) {
	dir := t.TempDir()
	var last replication.RunID
	for range 5 {
		l := mustOpen(t, dir)
		if l.Run() <= last {
			t.Errorf("run %d after %d", l.Run(), last)
		}
		last = l.Run()
		_ = l.Close()
	}
	d := &directory{path: dir}
	// A clock that went back changes nothing.
	if run, err := d.nextRun(time.Unix(1, 0)); err != nil || run != last+1 {
		t.Errorf("run %d, %v after %d with the clock at 1970", run, err, last)
	}
}

func TestFormattingThatWasCutShortStartsOver(t *testing.T) {
	for _, content := range []string{"", "ostra", logHeader} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, logName), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if l := mustOpen(t, dir); l.Incarnation() == 0 {
			t.Error("no incarnation")
		}
	}
}

func TestAnIncarnationThatIsDamagedOrGoneIsCorruption(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"gone":  os.Remove,
		"short": func(path string) error { return os.Truncate(path, 20) },
		"other": func(path string) error { return os.WriteFile(path, make([]byte, numberBytes), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := mustOpen(t, dir)
			l.Submit(1, termOf(1, 1))
			mustSync(t, l)
			_ = l.Close()
			path := filepath.Join(dir, incarnationName)
			if err := harm(path); err != nil {
				t.Fatal(err)
			}
			var corrupt *CorruptionError
			if _, err := Open(dir); !errors.As(err, &corrupt) || corrupt.File != path {
				t.Errorf("opened with %v", err)
			}
		})
	}
}
