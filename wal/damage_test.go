package wal

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// files are the contents of a directory.
type files map[string][]byte

func filesOf(t failer, on vfs.FS, dir string) files {
	t.Helper()
	names, err := on.List(dir)
	if err != nil {
		t.Fatalf("%v", err)
	}
	all := files{}
	for _, name := range names {
		f, err := on.Open(on.PathJoin(dir, name))
		if err != nil {
			t.Fatalf("%v", err)
		}
		if all[name], err = io.ReadAll(f); err != nil {
			t.Fatalf("%v", err)
		}
		_ = f.Close()
	}
	return all
}

// disk makes a disk of the files, in order, with a change.
func (f files) disk(t failer, dir string) *vfs.MemFS {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	for name, content := range f {
		if name == lockName {
			continue
		}
		if err := overwrite(mem, mem.PathJoin(dir, name), content); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return mem
}

// owner says what a byte of a segment belongs to: a record, or the mark of a batch.
type owner struct {
	batch  uint64
	record *record
	body   bool
	// shards are those that the batch has records of.
	shards map[replication.ShardID]bool
}

// owners returns for each segment what its bytes belong to, nil for its header.
func owners(f files, incarnation replication.Incarnation) (map[string][]*owner, uint64) {
	all := map[string][]*owner{}
	last := uint64(0)
	for name, content := range f {
		var number uint64
		if _, err := fmt.Sscanf(name, "%d"+segmentSuffix, &number); err != nil {
			continue
		}
		s := &segment{number: number, key: newKey(incarnation, number)}
		own := make([]*owner, len(content))
		s.batches(content, func(b foundBatch) {
			shards := map[replication.ShardID]bool{}
			last = max(last, b.number)
			for i := range b.length {
				own[b.at+int64(i)] = &owner{batch: b.number, shards: shards}
			}
			s.key.frames(b.content, b.at+b.size, func(fr frame) bool {
				shards[fr.shard] = true
				r := fr.record
				for i := range fr.size {
					own[fr.at+i] = &owner{batch: b.number, record: &r, body: i >= fr.size-int64(len(fr.body)), shards: shards}
				}
				return true
			})
		})
		all[name] = own
	}
	return all, last
}

// verdict is what a damaged log says of a shard, held against the truth.
type verdict int

const (
	unchanged verdict = iota
	damaged
	amnesia
	older
)

// judge holds what a log says of a shard against what was synced. It fails on what
// is silently wrong.
func judge(l *Log, shard replication.ShardID, states []modelShard) (verdict, error) {
	want := states[len(states)-1]
	r := recoveredOf(l, shard)
	if newest := newestReplica(states); r.Replica != newest && (!r.Amnesia || r.Replica != 0) {
		return 0, fmt.Errorf("shard %d: replica %d was the newest, and is said to be %d", shard, newest, r.Replica)
	}
	if r.Amnesia {
		return amnesia, nil
	}
	got := modelShard{record: r.Record, base: r.History.Base()}
	lost := replication.Offset(0)
	for o := r.History.Base().Offset + 1; o <= r.History.Head().Offset; o++ {
		answer := readOf(l, shard, o, 1)
		term, _ := r.History.TermAt(o)
		switch {
		case answer.Read.Damaged != 0:
			if answer.Read.Damaged != o || len(answer.Read.Entries) > 0 {
				return 0, fmt.Errorf("shard %d: reading %d: %+v", shard, o, answer)
			}
			lost = o
			got.entries = append(got.entries, replication.Entry{ID: replication.EntryID{Term: term, Offset: o}})
		case len(answer.Read.Entries) != 1:
			return 0, fmt.Errorf("shard %d: reading %d: %+v", shard, o, answer)
		default:
			got.entries = append(got.entries, answer.Read.Entries[0])
		}
	}
	if lost != r.Damaged {
		return 0, fmt.Errorf("shard %d: damaged up to %d, but said to be up to %d", shard, lost, r.Damaged)
	}
	if lost == 0 && same(got, want) {
		return unchanged, nil
	}
	if lost > 0 && sameButLost(got, want) {
		return damaged, nil
	}
	for _, state := range states {
		if lost == 0 && same(got, state) {
			return older, nil
		}
	}
	return 0, fmt.Errorf("shard %d: found\n%v\nwant\n%v", shard, got, want)
}

// newestReplica returns the highest id of a replica in any of the states.
func newestReplica(states []modelShard) replication.ReplicaID {
	newest := replication.ReplicaID(0)
	for _, state := range states {
		newest = max(newest, state.record.Replica)
	}
	return newest
}

// sameButLost is same, but for entries of which only the ids are there.
func sameButLost(got, want modelShard) bool {
	if got.record != want.record || got.base != want.base || len(got.entries) != len(want.entries) {
		return false
	}
	for i, e := range got.entries {
		w := want.entries[i]
		if e.ID != w.ID || (e.Payload != nil && !bytes.Equal(e.Payload, w.Payload)) {
			return false
		}
	}
	return true
}

// smallStory is a log of a few batches in three segments.
func smallStory(t failer, on vfs.FS) (*story, Options) {
	t.Helper()
	o := testOptions(on)
	o.CacheBytes = 1
	s := newStory(openWith(t, o))
	for i, chapter := range []chapter{
		func(s *story) { s.submit(1, termOf(0, 1)); s.submit(2, termOf(0, 1)) },
		func(s *story) { s.append(1, 1, 2, 40); s.append(2, 1, 1, 40) },
		func(s *story) { s.append(1, 1, 1, 40) },
		func(s *story) { s.append(2, 1, 2, 40); s.submit(3, termOf(0, 4)) },
		func(s *story) { s.submit(2, termOf(0, 2)); s.append(1, 1, 1, 3000) },
		func(s *story) { s.append(1, 1, 1, 1500); s.append(3, 4, 1, 10) },
		func(s *story) { s.submit(1, truncateOf(0, 4)); s.append(1, 3, 1, 1800) },
		func(s *story) { s.submit(2, trimOf(0, 1, 1)); s.append(1, 3, 1, 1500) },
		func(s *story) { s.append(2, 5, 1, 30); s.append(1, 3, 1, 30) },
		func(s *story) { s.submit(3, termOf(0, 6)); s.append(1, 3, 1, 30) },
		func(s *story) { s.append(2, 5, 1, 20); s.append(3, 6, 2, 10) },
	} {
		chapter(s)
		if err := s.sync(); err != nil {
			t.Fatalf("chapter %d: %v", i, err)
		}
	}
	mustClose(t, s.log)
	return s, o
}

// One harmed byte anywhere changes nothing, or is told of the shards whose records
// it hit; but for the last batch, which may be gone as if it had been torn.
func TestOneHarmedByteIsToldOfTheRightShard(t *testing.T) {
	mem := vfs.NewMem()
	s, o := smallStory(t, mem)
	good := filesOf(t, mem, o.Dir)
	own, last := owners(good, s.log.Incarnation())
	if len(own) != 3 {
		t.Fatalf("%d segments", len(own))
	}
	told := map[verdict]int{}
	for name, owners := range own {
		for at := range good[name] {
			for _, flip := range []byte{1 << (at % 8)} {
				harmed := files{}
				for n, content := range good {
					harmed[n] = content
				}
				harmed[name] = append([]byte(nil), good[name]...)
				harmed[name][at] ^= flip
				o.FS = harmed.disk(t, o.Dir)
				l := openWith(t, o)
				for shard, states := range s.states {
					v, err := judge(l, shard, states)
					if err == nil {
						err = owners[at].allows(v, shard, last)
					}
					if err != nil {
						t.Fatalf("%s, byte %d ^ %x: %v", name, at, flip, err)
					}
					told[v]++
				}
				if l.Doubtful() {
					t.Fatalf("%s, byte %d ^ %x: doubtful", name, at, flip)
				}
				mustClose(t, l)
			}
		}
	}
	if told[unchanged] == 0 || told[damaged] == 0 || told[amnesia] == 0 || told[older] == 0 {
		t.Errorf("told %v", told)
	}
	t.Logf("%d unchanged, %d damaged, %d amnesia, %d without the last batch", told[unchanged], told[damaged], told[amnesia], told[older])
}

// allows says whether damage to a byte may make a log say something of a shard.
func (o *owner) allows(v verdict, shard replication.ShardID, last uint64) error {
	switch {
	case v == unchanged:
		return nil
	case o == nil:
		return fmt.Errorf("shard %d: %d, for a segment's header", shard, v)
	case o.batch == last && v == older:
		return nil
	case v == older:
		return fmt.Errorf("shard %d is at an older state, for batch %d of %d", shard, o.batch, last)
	case !o.shards[shard]:
		return fmt.Errorf("shard %d: %d, which is not in the batch", shard, v)
	case o.record != nil && o.record.shard != shard:
		return fmt.Errorf("shard %d: %d, for a record of shard %d", shard, v, o.record.shard)
	case o.record != nil && o.body && v != damaged:
		return fmt.Errorf("shard %d: %d, for the body of a record", shard, v)
	case o.record != nil && o.record.kind == recordState:
		return fmt.Errorf("shard %d: %d, for a state that earlier records tell too", shard, v)
	case o.record != nil && o.record.kind == recordAppend && v == amnesia:
		return fmt.Errorf("shard %d: %d, for an append in one term", shard, v)
	}
	return nil
}

// What an opening found is known to have been there. Whatever happens to segments
// after that, nothing is silently gone, changed or invented; and it is told by every
// opening to come, while the log goes on.
func TestWhateverHappensToSegmentsIsTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		mem := vfs.NewMem()
		o := storyOptions(mem)
		s := newStory(openWith(t, o))
		for range 1 + rng.IntN(40) {
			s.randomOp(rng)
			s.randomOp(rng)
			if err := s.sync(); err != nil {
				t.Fatalf("%v", err)
			}
		}
		mustClose(t, s.log)
		mustClose(t, openWith(t, o)) // from here on, this much is known
		f := filesOf(t, mem, o.Dir)
		harm(f, rng)
		o.FS = f.disk(t, o.Dir)
		l, err := Open(o)
		if err != nil {
			return // that is telling it, too
		}
		first := judgeAll(t, l, s)
		l.Submit(50, termOf(1, 1))
		mustSync(t, l)
		mustClose(t, l)
		l = openWith(t, o)
		for shard, v := range judgeAll(t, l, s) {
			if v != first[shard] {
				t.Fatalf("shard %d: %d was told, and then %d", shard, first[shard], v)
			}
		}
		mustClose(t, l)
	})
}

// harm damages, cuts or removes some segments.
func harm(f files, rng *rand.Rand) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		content := f[name]
		if !strings.HasSuffix(name, segmentSuffix) || rng.IntN(2) == 0 {
			continue
		}
		content = append([]byte(nil), content...)
		switch from := rng.IntN(len(content)); rng.IntN(5) {
		case 0:
			delete(f, name)
			continue
		case 1:
			content = content[:from]
		case 2:
			clear(content[from:min(len(content), from+1+rng.IntN(3000))])
		default:
			for range 1 + rng.IntN(4) {
				content[rng.IntN(len(content))] ^= byte(1 + rng.IntN(255))
			}
		}
		f[name] = content
	}
}

func judgeAll(t failer, l *Log, s *story) map[replication.ShardID]verdict {
	t.Helper()
	told := map[replication.ShardID]verdict{}
	for shard, states := range s.states {
		v, err := judge(l, shard, states)
		if v == older || err != nil {
			if !l.Doubtful() || recoveredOf(l, shard).Record != (replication.TermRecord{}) {
				t.Fatalf("silently wrong: %v, %v", v, err)
			}
			v = amnesia // the log says that there may have been others
		}
		told[shard] = v
	}
	return told
}
