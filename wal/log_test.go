package wal

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// failer is a test, or a case of a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// testOptions are those of a log in memory, with small segments and a clock that
// stands still.
func testOptions(fs vfs.FS) Options {
	return Options{
		FS: fs, Dir: "log", SegmentBytes: minSegmentBytes, IndexEveryBytes: 256, CarryAboveBytes: 1 << 40,
		Now: func() time.Time { return time.UnixMilli(1_000_000) }, Draw: func() uint64 { return 0x123456789abc },
	}
}

func openWith(t failer, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return l
}

// openTest opens a log that the test closes.
func openTest(t *testing.T, o Options) *Log {
	t.Helper()
	l := openWith(t, o)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func mustSync(t failer, l *Log) []Durable {
	t.Helper()
	durable, err := l.Sync()
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	return durable
}

func mustClose(t failer, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// recoveredOf is what a log holds of a shard.
func recoveredOf(l *Log, shard replication.ShardID) Recovered {
	for _, found := range l.Recovered() {
		if found.Shard == shard {
			return found
		}
	}
	return Recovered{Shard: shard}
}

// readOf asks for entries, and takes the answer.
func readOf(l *Log, shard replication.ShardID, first replication.Offset, maxBytes int) ReadAnswer {
	l.Read(shard, 1, first, maxBytes)
	return l.Reads()[0]
}

// entriesOf reads all entries of a shard, as far as there are any.
func entriesOf(l *Log, shard replication.ShardID) []replication.Entry {
	history := recoveredOf(l, shard).History
	var entries []replication.Entry
	for next := history.Base().Offset + 1; next <= history.Head().Offset; {
		found := readOf(l, shard, next, 1<<20).Read.Entries
		if len(found) == 0 {
			return entries
		}
		entries = append(entries, found...)
		next = entries[len(entries)-1].ID.Offset + 1
	}
	return entries
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

func resetOf(sequence uint64, term, offset int64) replication.LogOp {
	base := replication.EntryID{Term: replication.Term(term), Offset: replication.Offset(offset)}
	return replication.LogOp{Sequence: sequence, Kind: replication.OpReset, Base: base}
}

func trimOf(sequence uint64, term, offset int64) replication.LogOp {
	op := resetOf(sequence, term, offset)
	op.Kind = replication.OpTrim
	return op
}

func deleteOf(sequence uint64) replication.LogOp {
	return replication.LogOp{
		Sequence: sequence, Kind: replication.OpDelete, Record: replication.TermRecord{Replica: 3, Deleted: true},
	}
}

func TestSyncReportsEachShardsNewestOperationOnce(t *testing.T) {
	l := openTest(t, testOptions(vfs.NewMem()))
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
	o := testOptions(vfs.NewMem())
	l := openTest(t, o)
	l.Submit(1, termOf(1, 2))
	l.Submit(1, appendOf(2, entry(1, 1, "a"), entry(2, 2, "b"), entry(2, 3, "c")))
	l.Submit(1, truncateOf(3, 2))
	l.Submit(9, resetOf(1, 4, 70))
	l.Submit(9, appendOf(2, entry(5, 71, "z")))
	mustSync(t, l)
	want := l.Recovered()
	l.Submit(1, appendOf(4, entry(2, 3, "lost")))
	mustClose(t, l)
	l = openTest(t, o)
	got := l.Recovered()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
	if head := got[1].History.Head(); head != (replication.EntryID{Term: 5, Offset: 71}) {
		t.Errorf("the head after a reset is %v", head)
	}
	for shard, want := range map[replication.ShardID][]replication.Entry{
		1: {entry(1, 1, "a"), entry(2, 2, "b")}, 9: {entry(5, 71, "z")},
	} {
		if got := entriesOf(l, shard); !reflect.DeepEqual(got, want) {
			t.Errorf("shard %d has %+v, want %+v", shard, got, want)
		}
	}
}

func TestWhatIsTrimmedIsGoneAndTheRestIsFound(t *testing.T) {
	o := testOptions(vfs.NewMem())
	l := openTest(t, o)
	l.Submit(1, termOf(1, 2))
	l.Submit(1, appendOf(2, entry(1, 1, "a"), entry(1, 2, "b"), entry(2, 3, "c")))
	l.Submit(1, trimOf(3, 1, 2))
	l.Submit(1, appendOf(4, entry(2, 4, "d")))
	mustSync(t, l)
	for range 2 {
		found := recoveredOf(l, 1)
		if base, head := found.History.Base(), found.History.Head(); base != (replication.EntryID{Term: 1, Offset: 2}) || head.Offset != 4 {
			t.Errorf("the log holds %v", &found.History)
		}
		if got, want := entriesOf(l, 1), []replication.Entry{entry(2, 3, "c"), entry(2, 4, "d")}; !reflect.DeepEqual(got, want) {
			t.Errorf("found %+v, want %+v", got, want)
		}
		l.Read(1, 1, 2, 1<<20)
		l.Read(1, 2, 3, 1)
		want := []ReadAnswer{
			{Shard: 1, Read: replication.EntriesRead{ID: 1}},
			{Shard: 1, Read: replication.EntriesRead{ID: 2, Entries: []replication.Entry{entry(2, 3, "c")}}},
		}
		if got := l.Reads(); !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, want %+v", got, want)
		}
		mustClose(t, l)
		l = openTest(t, o)
	}
	// All of it may go; what is appended next follows it.
	l.Submit(1, trimOf(1, 2, 4))
	l.Submit(1, trimOf(2, 2, 4))
	l.Submit(1, appendOf(3, entry(3, 5, "e")))
	if found := entriesOf(l, 1); !reflect.DeepEqual(found, []replication.Entry{entry(3, 5, "e")}) {
		t.Errorf("found %+v", found)
	}
}

func TestADeletedReplicaLeavesItsIDAndMayBeFollowedByAnother(t *testing.T) {
	o := testOptions(vfs.NewMem())
	l := openTest(t, o)
	l.Submit(1, termOf(1, 2))
	l.Submit(1, appendOf(2, entry(1, 1, "a")))
	l.Submit(2, termOf(1, 9))
	mustSync(t, l)
	l.Submit(1, deleteOf(3))
	if got, want := mustSync(t, l), []Durable{{Shard: 1, Sequence: 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
	mustClose(t, l)
	l = openTest(t, o)
	want := replication.TermRecord{Replica: 3, Deleted: true}
	if found := recoveredOf(l, 1); len(l.Recovered()) != 2 || found.Record != want || len(entriesOf(l, 1)) > 0 ||
		found.History.Head() != (replication.EntryID{}) {
		t.Fatalf("found %+v", found)
	}
	l.Submit(1, deleteOf(1)) // it is gone already
	l.Submit(1, termOf(2, 5))
	l.Submit(1, appendOf(3, entry(5, 1, "new")))
	if got, want := mustSync(t, l), []Durable{{Shard: 1, Sequence: 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
	mustClose(t, l)
	l = openTest(t, o)
	if term := recoveredOf(l, 1).Record.Term.Term; term != 5 || !reflect.DeepEqual(entriesOf(l, 1), []replication.Entry{entry(5, 1, "new")}) {
		t.Errorf("found term %d, %+v", term, entriesOf(l, 1))
	}
}

func TestOperationsBeforeTheFirstNumberedOneHaveNone(t *testing.T) {
	o := testOptions(vfs.NewMem())
	l := openTest(t, o)
	l.Submit(1, resetOf(0, 4, 70))
	if !l.Queued() {
		t.Fatal("nothing waits")
	}
	if got := mustSync(t, l); got != nil {
		t.Errorf("synced %v", got)
	}
	l.Submit(1, termOf(1, 4))
	mustClose(t, l)
	found := recoveredOf(openTest(t, o), 1)
	if found.History.Head() != (replication.EntryID{Term: 4, Offset: 70}) || found.Record.Replica != 0 {
		t.Errorf("found %+v", found)
	}
}

func TestReadSeesWhatWasSubmittedAndKeepsIt(t *testing.T) {
	l := openTest(t, testOptions(vfs.NewMem()))
	l.Submit(1, appendOf(1, entry(1, 1, "a"), entry(1, 2, "b"), entry(1, 3, "c")))
	l.Read(1, 7, 2, 1<<20)
	l.Read(1, 8, 1, 1)
	l.Read(1, 9, 4, 1<<20)
	l.Submit(1, truncateOf(2, 1))
	l.Submit(1, appendOf(3, entry(2, 2, "B")))
	want := []ReadAnswer{
		{Shard: 1, Read: replication.EntriesRead{ID: 7, Entries: []replication.Entry{entry(1, 2, "b"), entry(1, 3, "c")}}},
		{Shard: 1, Read: replication.EntriesRead{ID: 8, Entries: []replication.Entry{entry(1, 1, "a")}}},
		{Shard: 1, Read: replication.EntriesRead{ID: 9}},
	}
	if got := l.Reads(); !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if got := l.Reads(); got != nil {
		t.Errorf("read %+v again", got)
	}
}

func TestOperationsThatDoNotFitPanic(t *testing.T) {
	for name, op := range map[string]replication.LogOp{
		"a gap":                     appendOf(2, entry(1, 3, "")),
		"a term that goes back":     appendOf(2, entry(0, 2, "")),
		"a truncation of nothing":   truncateOf(2, 9),
		"a sequence that goes back": termOf(1, 1),
		"no sequence after others":  termOf(0, 1),
		"trimming another entry":    trimOf(2, 2, 1),
		"trimming beyond the head":  trimOf(2, 1, 2),
		"no kind":                   {Sequence: 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := openTest(t, testOptions(vfs.NewMem()))
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

func TestALogIsFullAtItsLimitUntilASync(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.MaxQueuedBytes = 1000
	l := openTest(t, o)
	l.Submit(1, appendOf(1, entry(1, 1, strings.Repeat("x", 500))))
	if l.Full() {
		t.Error("full too early")
	}
	l.Submit(1, appendOf(2, entry(1, 2, strings.Repeat("x", 500))))
	if !l.Full() {
		t.Error("never full")
	}
	if mustSync(t, l); l.Full() {
		t.Error("full for ever")
	}
}

func TestWhatDoesNotFitABatchIsSyncedByTheSameCall(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.MaxBatchBytes = 700
	l := openTest(t, o)
	for i := range int64(20) {
		l.Submit(1, appendOf(uint64(i+1), entry(1, i+1, strings.Repeat("x", 150))))
	}
	if got, want := mustSync(t, l), []Durable{{Shard: 1, Sequence: 20}}; !reflect.DeepEqual(got, want) || l.Queued() {
		t.Errorf("synced %v, want %v", got, want)
	}
	if l.writer.batch != 10 {
		t.Errorf("%d batches", l.writer.batch)
	}
	mustClose(t, l)
	if got := entriesOf(openTest(t, o), 1); len(got) != 20 {
		t.Errorf("found %d entries", len(got))
	}
}

func TestOptionsThatCannotBeNameTheField(t *testing.T) {
	mem := vfs.NewMem()
	for field, o := range map[string]Options{
		"FS":              {Dir: "log"},
		"Dir":             {FS: mem},
		"FailoverDir":     {FS: mem, Dir: "log", FailoverDir: "log"},
		"SegmentBytes":    {FS: mem, Dir: "log", SegmentBytes: 1},
		"CacheBytes":      {FS: mem, Dir: "log", CacheBytes: -1},
		"IndexEveryBytes": {FS: mem, Dir: "log", IndexEveryBytes: -1},
		"MaxQueuedBytes":  {FS: mem, Dir: "log", MaxQueuedBytes: -1},
		"MaxBatchBytes":   {FS: mem, Dir: "log", MaxBatchBytes: -1},
		"CarryAboveBytes": {FS: mem, Dir: "log", CarryAboveBytes: -1},
	} {
		var wrong *OptionError
		if _, err := Open(o); !errors.As(err, &wrong) || wrong.Field != field || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
