package kv

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A crash takes a shard back to an earlier applied entry, with exactly the state
// of that entry and no earlier than what was flushed; applying again what
// followed leads to where it would have been without the crash.
func TestCrashLeavesAnEarlierStateAndReplayHeals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &crashWorld{disk: newDisk(t), reference: newDisk(t)}
		defer func() { w.disk.close(t); w.reference.close(t) }()
		w.shards = []*crashShard{
			{id: 1, log: entriesGenerator(10).Draw(t, "log 1")},
			{id: 2, log: entriesGenerator(10).Draw(t, "log 2")},
		}
		for _, s := range w.shards {
			w.record(t, s)
		}
		t.Repeat(map[string]func(*rapid.T){
			"apply": w.apply, "flush": w.flush, "crash": w.crash, "": w.check,
		})
	})
}

type crashShard struct {
	id  ShardID
	log []Entry
	// contents are the states after 0, 1, 2... entries.
	contents []string
	// flushed is how many entries must survive.
	flushed int64
}

type crashWorld struct {
	disk, reference *disk
	shards          []*crashShard
}

// record applies a shard's log, without accidents, elsewhere.
func (w *crashWorld) record(t *rapid.T, s *crashShard) {
	s.contents = append(s.contents, "")
	for i := range s.log {
		mustApply(t, w.reference.db, s.id, s.log[i:i+1])
		s.contents = append(s.contents, contentOf(t, w.reference.db, s.id))
	}
}

func (w *crashWorld) apply(t *rapid.T) {
	s := rapid.SampledFrom(w.shards).Draw(t, "shard")
	rest := s.log[mustApplied(t, w.disk.db, s.id).Offset:]
	if len(rest) == 0 {
		t.Skip("the log is applied")
	}
	mustApply(t, w.disk.db, s.id, rest[:rapid.IntRange(1, len(rest)).Draw(t, "entries")])
}

func (w *crashWorld) flush(t *rapid.T) {
	if err := w.disk.db.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.shards {
		s.flushed = mustApplied(t, w.disk.db, s.id).Offset
	}
}

func (w *crashWorld) crash(t *rapid.T) {
	seed := rapid.Uint64().Draw(t, "what is torn")
	w.disk.crash(t, rand.New(rand.NewPCG(seed, seed)))
}

func (w *crashWorld) check(t *rapid.T) {
	for _, s := range w.shards {
		applied := mustApplied(t, w.disk.db, s.id).Offset
		flushed, err := w.disk.db.FlushedApplied(s.id)
		if err != nil {
			t.Fatal(err)
		}
		if applied < s.flushed || flushed.Offset < s.flushed {
			t.Fatalf("shard %d: %d entries were flushed; now %d are applied, %d flushed", s.id, s.flushed, applied, flushed.Offset)
		}
		if flushed.Offset > applied {
			t.Fatalf("shard %d: %d entries are flushed, and %d applied", s.id, flushed.Offset, applied)
		}
		if got := contentOf(t, w.disk.db, s.id); got != s.contents[applied] {
			t.Fatalf("shard %d after %d entries:\n%s\nwant:\n%s", s.id, applied, got, s.contents[applied])
		}
	}
}
