package wal

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// harmBatches makes the marks of some batches, and all their records, unreadable.
func harmBatches(f files, incarnation replication.Incarnation, numbers ...uint64) {
	own, _ := owners(f, incarnation)
	for name, owners := range own {
		for at, o := range owners {
			if o != nil && slices.Contains(numbers, o.batch) {
				f[name][at] ^= 0x55
			}
		}
	}
}

// batchesOf makes a log of one segment, with the batches given and one more, and
// harms some of them.
func batchesOf(t *testing.T, harmed []uint64, batches ...func(s *story)) (*Log, *story, Options) {
	t.Helper()
	mem := vfs.NewMem()
	o := testOptions(mem)
	o.SegmentBytes = 1 << 20
	s := newStory(openWith(t, o))
	for _, b := range append(batches, func(s *story) { s.append(99, 1, 1, 1) }, func(s *story) { s.append(99, 1, 1, 1) }) {
		b(s)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s.log)
	f := filesOf(t, mem, o.Dir)
	harmBatches(f, s.log.Incarnation(), harmed...)
	o.FS = f.disk(t, o.Dir)
	return openTest(t, o), s, o
}

// What is known of a shard after a batch with some of its records was lost, though
// nothing of the shard follows.
func TestWhatALostBatchLeavesKnown(t *testing.T) {
	for name, test := range map[string]struct {
		lost func(s *story)
		want verdict
	}{
		"nothing of the shard":         {func(s *story) { s.append(2, 1, 1, 10) }, unchanged},
		"an append":                    {func(s *story) { s.append(1, 1, 3, 10) }, damaged},
		"two appends":                  {func(s *story) { s.append(1, 1, 1, 10); s.append(1, 1, 1, 10) }, damaged},
		"an append in a new term":      {func(s *story) { s.append(1, 4, 2, 10) }, damaged},
		"appends in two terms":         {func(s *story) { s.append(1, 1, 1, 10); s.append(1, 4, 1, 10) }, amnesia},
		"a term":                       {func(s *story) { s.submit(1, termOf(0, 2)) }, amnesia},
		"a term and an append":         {func(s *story) { s.submit(1, termOf(0, 2)); s.append(1, 2, 1, 10) }, amnesia},
		"a truncation":                 {func(s *story) { s.submit(1, truncateOf(0, 1)) }, amnesia},
		"a trim":                       {func(s *story) { s.submit(1, trimOf(0, 1, 1)) }, amnesia},
		"a deletion":                   {func(s *story) { s.submit(1, deleteOf(0)) }, amnesia},
		"the first records of a shard": {func(s *story) { s.submit(3, termOf(0, 2)) }, unchanged},
		"an append and a truncation":   {func(s *story) { s.append(1, 1, 1, 10); s.submit(1, truncateOf(0, 2)) }, amnesia},
	} {
		t.Run(name, func(t *testing.T) {
			l, s, _ := batchesOf(t, []uint64{2}, func(s *story) { s.submit(1, termOf(0, 1)); s.append(1, 1, 2, 10) }, test.lost)
			if v, err := judge(l, 1, s.states[1]); v != test.want || err != nil {
				t.Errorf("shard 1: %v, %v", v, err)
			}
			if v, err := judge(l, 99, s.states[99]); v != unchanged || err != nil {
				t.Errorf("another shard: %v, %v", v, err)
			}
			if r := recoveredOf(l, 3); len(s.states[3]) > 0 && !r.Amnesia {
				t.Errorf("a shard that began there: %+v", r)
			}
			if l.Doubtful() {
				t.Error("doubtful")
			}
		})
	}
}

// The newest replica of a shard is known though the records that made it, and ended
// the one before, are lost; and by every opening to come, whatever else it forgot.
func TestTheNewestReplicaIsKnownThoughItsRecordsAreLost(t *testing.T) {
	made := func(replica replication.ReplicaID, term int64) replication.LogOp {
		op := termOf(0, term)
		op.Record.Replica = replica
		return op
	}
	for name, lost := range map[string]func(s *story){
		"a newer one":              func(s *story) { s.submit(1, deleteOf(0)); s.submit(1, made(5, 0)); s.submit(1, made(5, 2)) },
		"a newer one, and its end": func(s *story) { s.submit(1, made(5, 2)); s.submit(1, deleteOf(0)) },
	} {
		t.Run(name, func(t *testing.T) {
			l, _, o := batchesOf(t, []uint64{2}, func(s *story) { s.submit(1, made(2, 1)); s.append(1, 1, 2, 10) }, lost)
			for range 3 {
				if r := recoveredOf(l, 1); !r.Amnesia || r.Replica != 5 {
					t.Fatalf("found %+v", r)
				}
				l.Submit(50, appendOf(0, entry(1, headOffset(l, 50)+1, "")))
				mustSync(t, l)
				mustClose(t, l)
				l = openTest(t, o)
			}
		})
	}
}

// Where nothing vouches for the newest replica it is not known, and is not by what
// comes later, but for a deletion.
func TestTheNewestReplicaIsUnknownWhereNothingVouches(t *testing.T) {
	l, _, o := batchesOf(t, []uint64{2, 3},
		func(s *story) { s.submit(1, termOf(0, 1)); s.submit(2, termOf(0, 1)) },
		func(s *story) { s.append(3, 1, 1, 10) },
		func(s *story) { s.append(3, 1, 1, 10) },
		func(s *story) { s.append(2, 1, 1, 10) },
	)
	for range 3 {
		if r := recoveredOf(l, 1); !r.Amnesia || r.Replica != 0 {
			t.Fatalf("found %+v", r)
		}
		if r := recoveredOf(l, 2); r.Amnesia || r.Replica != 3 {
			t.Fatalf("one that a later record tells of: %+v", r)
		}
		l.Submit(1, termOf(0, 1))
		mustSync(t, l)
		mustClose(t, l)
		l = openTest(t, o)
	}
	l.Submit(1, deleteOf(0))
	mustSync(t, l)
	mustClose(t, l)
	if r := recoveredOf(openTest(t, o), 1); r.Amnesia || r.Replica != 3 {
		t.Fatalf("deleted: %+v", r)
	}
}

// Two batches in a row are lost: whoever is not heard of after them is not trusted,
// and whoever is, is.
func TestTwoLostBatchesLeaveDoubt(t *testing.T) {
	l, s, o := batchesOf(t, []uint64{2, 3},
		func(s *story) {
			for shard := range replication.ShardID(3) {
				s.submit(shard, termOf(0, 1))
				s.append(shard, 1, 2, 10)
			}
		},
		func(s *story) { s.append(1, 1, 1, 10) },
		func(s *story) { s.append(2, 1, 1, 10) },
		func(s *story) { s.append(1, 1, 1, 10); s.append(2, 1, 1, 10) },
	)
	for range 2 {
		for shard, want := range map[replication.ShardID]verdict{0: amnesia, 1: damaged, 2: damaged, 99: unchanged} {
			if v, err := judge(l, shard, s.states[shard]); v != want || err != nil {
				t.Errorf("shard %d: %v, %v", shard, v, err)
			}
		}
		if !l.Doubtful() {
			t.Error("there is no doubt")
		}
		l.Submit(50, appendOf(0, entry(1, headOffset(l, 50)+1, "")))
		mustSync(t, l)
		mustClose(t, l)
		l = openTest(t, o)
	}
}

func headOffset(l *Log, shard replication.ShardID) int64 {
	history := recoveredOf(l, shard).History
	return int64(history.Head().Offset)
}

// A harmed batch is not taken for a torn one if anything of the next one is there.
func TestTheLastButOneIsNotTornThoughTheLastHasNoMark(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	s := newStory(openWith(t, o))
	for range 3 {
		s.append(1, 1, 1, 100)
		s.append(2, 1, 1, 100)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s.log)
	f := filesOf(t, mem, o.Dir)
	own, _ := owners(f, s.log.Incarnation())
	harmed := map[uint64]bool{}
	for at, owner := range own[segmentName(1)] {
		if owner == nil || harmed[owner.batch] {
			continue
		}
		if owner.batch == 2 && owner.body && owner.record.shard == 1 || owner.batch == 3 && owner.record == nil {
			f[segmentName(1)][at] ^= 1
			harmed[owner.batch] = true
		}
	}
	o.FS = f.disk(t, o.Dir)
	l := openTest(t, o)
	for shard, damaged := range map[replication.ShardID]replication.Offset{1: 2, 2: 0} {
		if r := recoveredOf(l, shard); r.Damaged != damaged || r.Amnesia || r.History.Head().Offset != 2 {
			t.Errorf("found %+v", r)
		}
	}
}

// A replica that forgot something does not remember it by being opened again; its
// deletion is the end of that.
func TestAmnesiaEndsWithTheReplica(t *testing.T) {
	l, _, o := batchesOf(t, []uint64{2},
		func(s *story) { s.submit(1, termOf(0, 1)) }, func(s *story) { s.submit(1, termOf(0, 2)) })
	for range 2 {
		if !recoveredOf(l, 1).Amnesia {
			t.Fatal("the loss of a term was forgotten")
		}
		l.Submit(2, termOf(1, 1))
		mustSync(t, l)
		mustClose(t, l)
		l = openTest(t, o)
	}
	l.Submit(1, deleteOf(1))
	l.Submit(1, termOf(2, 9))
	mustSync(t, l)
	for range 2 {
		if r := recoveredOf(l, 1); r.Amnesia || r.Record.Term.Term != 9 {
			t.Fatalf("the new replica is %+v", r)
		}
		mustClose(t, l)
		l = openTest(t, o)
	}
}
