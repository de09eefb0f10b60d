package wal

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// written is a log file and what a crash may leave of it.
type written struct {
	log     *Log
	content []byte
	// states are what the log held after each number of operations.
	states [][]Recovered
	synced []syncPoint
}

// syncPoint says how many operations were synced when the file had some length.
type syncPoint struct {
	length     int
	operations int
}

// writeRandomly writes a log of random operations in random batches.
func writeRandomly(t *rapid.T, dir string) *written {
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &written{log: l, states: [][]Recovered{nil}, synced: []syncPoint{{length: headerBytes}}}
	for range rapid.IntRange(1, 8).Draw(t, "batches") {
		for range rapid.IntRange(1, 4).Draw(t, "operations") {
			shard := replication.ShardID(rapid.IntRange(1, 2).Draw(t, "shard"))
			l.Submit(shard, w.randomOp(t, shard))
			w.states = append(w.states, l.Recovered())
		}
		if _, err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		w.synced = append(w.synced, syncPoint{length: int(l.synced), operations: len(w.states) - 1})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w.content, err = os.ReadFile(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *written) randomOp(t *rapid.T, shard replication.ShardID) replication.LogOp {
	s := w.log.shard(shard)
	sequence, head, base := s.submitted+1, s.history.Head(), s.history.Base()
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return termOf(sequence, int64(head.Term)+1)
	case 1:
		return truncateOf(sequence, rapid.Int64Range(int64(base.Offset), int64(head.Offset)).Draw(t, "to"))
	case 2:
		base := replication.EntryID{Term: head.Term + 1, Offset: head.Offset + 5}
		return replication.LogOp{Sequence: sequence, Kind: replication.OpReset, Base: base}
	}
	var entries []replication.Entry
	term := int64(head.Term) + rapid.Int64Range(0, 1).Draw(t, "term")
	for i := range rapid.Int64Range(1, 3).Draw(t, "entries") {
		payload := rapid.StringN(0, 10, -1).Draw(t, "payload")
		entries = append(entries, entry(max(term, 1), int64(head.Offset)+1+i, payload))
	}
	return appendOf(sequence, entries...)
}

// recover reads a file as Open does.
func (w *written) recover(content []byte) ([]Recovered, error) {
	l := &Log{framer: w.log.framer, file: w.log.file}
	if _, err := l.replay(content); err != nil {
		return nil, err
	}
	return l.Recovered(), nil
}

// operationsFound is how many operations make up what was found, of at least as
// many as were synced; negative if no number does.
func (w *written) operationsFound(found []Recovered, least int) int {
	for n := least; n < len(w.states); n++ {
		if sameRecovered(found, w.states[n]) {
			return n
		}
	}
	return -1
}

// sameRecovered compares what was found by what it means: an empty list of
// entries may be nil or not.
func sameRecovered(a, b []Recovered) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x.Shard != y.Shard || x.Record != y.Record || x.History.String() != y.History.String() || len(x.Entries) != len(y.Entries) {
			return false
		}
		for j := range x.Entries {
			if !reflect.DeepEqual(x.Entries[j], y.Entries[j]) {
				return false
			}
		}
	}
	return true
}

func (w *written) syncedAt(length int) int {
	operations := 0
	for _, p := range w.synced {
		if p.length <= length {
			operations = p.operations
		}
	}
	return operations
}

func TestACutAnywhereLosesNothingSyncedAndInventsNothing(t *testing.T) {
	dirs := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(dirs, "")
		if err != nil {
			t.Fatal(err)
		}
		w := writeRandomly(t, dir)
		for cut := headerBytes; cut <= len(w.content); cut++ {
			found, err := w.recover(w.content[:cut])
			if err != nil {
				t.Fatalf("cut at %d of %d: %v", cut, len(w.content), err)
			}
			if w.operationsFound(found, w.syncedAt(cut)) < 0 {
				t.Fatalf("cut at %d of %d: found %+v", cut, len(w.content), found)
			}
		}
	})
}

func TestDamageUnderALaterBatchIsCorruptionAndNoOtherInvents(t *testing.T) {
	dirs := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(dirs, "")
		if err != nil {
			t.Fatal(err)
		}
		w := writeRandomly(t, dir)
		vouched := w.synced[len(w.synced)-2].length
		for at := headerBytes; at < len(w.content); at++ {
			harmed := append([]byte(nil), w.content...)
			harmed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "harm"))
			found, err := w.recover(harmed)
			var corrupt *CorruptionError
			switch {
			case errors.As(err, &corrupt):
				if corrupt.File != w.log.file.Name() || corrupt.Offset > int64(at) {
					t.Fatalf("harmed at %d: %v", at, err)
				}
			case at < vouched:
				t.Fatalf("harmed at %d, synced up to %d: found %+v, %v", at, vouched, found, err)
			case w.operationsFound(found, w.syncedAt(vouched)) < 0:
				t.Fatalf("harmed at %d: found %+v", at, found)
			}
		}
	})
}

func TestATornEndIsDroppedForGood(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	l.Submit(1, appendOf(1, entry(1, 1, "kept")))
	mustSync(t, l)
	l.Submit(1, appendOf(2, entry(1, 2, "torn")))
	mustSync(t, l)
	_ = l.Close()
	path := filepath.Join(dir, logName)
	if err := os.Truncate(path, l.synced-3); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l = mustOpen(t, dir)
		if head := l.Recovered()[0].History.Head().Offset; head != 1 {
			t.Fatalf("the head is %d", head)
		}
		_ = l.Close()
	}
	l = mustOpen(t, dir)
	l.Submit(1, appendOf(1, entry(2, 2, "anew")))
	mustSync(t, l)
	_ = l.Close()
	found := mustOpen(t, dir).Recovered()[0].Entries
	if want := []replication.Entry{entry(1, 1, "kept"), entry(2, 2, "anew")}; !reflect.DeepEqual(found, want) {
		t.Errorf("found %+v, want %+v", found, want)
	}
}
