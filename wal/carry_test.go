package wal

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// A shard that is not written to any more does not keep the segment that it is in.
func TestAColdShardNeverPinsTheLog(t *testing.T) {
	mem := vfs.NewMem()
	o := storyOptions(mem)
	l := openTest(t, o)
	s := newStory(l)
	s.submit(9, termOf(0, 4))
	s.append(9, 1, 3, 60)
	s.append(9, 2, 2, 60)
	for range 60 {
		s.append(1, 1, 1, 900)
		s.trimAll(1)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
		if u := l.Usage(); u.Bytes > o.CarryAboveBytes+2*minSegmentBytes {
			t.Fatalf("the log takes %d bytes: %+v", u.Bytes, u)
		}
	}
	if first := l.Usage().Segments[0].Number; first < 10 {
		t.Errorf("the oldest segment is still number %d", first)
	}
	mustMatch(t, s)
	mustClose(t, l)
	l = openTest(t, o)
	if _, err := s.found(l); err != nil {
		t.Error(err)
	}
}

// What cannot be read in a segment that goes stays known as damaged.
func TestDamageIsNotCarriedForward(t *testing.T) {
	mem := vfs.NewMem()
	o := storyOptions(mem)
	o.IndexEveryBytes = 1 << 10
	l := openTest(t, o)
	s := newStory(l)
	for range 3 {
		s.append(9, 1, 1, 60)
		_ = s.sync()
	}
	mustClose(t, l)
	f := filesOf(t, mem, "log")
	own, _ := owners(f, l.Incarnation())
	for at, owner := range own[segmentName(1)] {
		if owner != nil && owner.body && owner.record.first == 2 {
			f[segmentName(1)][at] ^= 1
			break
		}
	}
	o.FS = f.disk(t, "log")
	l = openTest(t, o)
	s.log = l
	s.base[9] = 3
	for range 20 {
		s.append(1, 1, 1, 900)
		s.trimAll(1)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if first := l.Usage().Segments[0].Number; first == 1 {
			t.Fatal("the segment is still there")
		}
		if r := recoveredOf(l, 9); r.Damaged != 2 || r.Amnesia || r.History.Head().Offset != 3 {
			t.Errorf("found %+v", r)
		}
		for o, want := range []replication.Offset{1: 0, 2: 2, 3: 0} {
			if answer := readOf(l, 9, replication.Offset(o), 1); o > 0 && (answer.Read.Damaged != want || (want == 0) != (len(answer.Read.Entries) == 1)) {
				t.Errorf("reading %d: %+v", o, answer)
			}
		}
		mustClose(t, l)
		l = openTest(t, o)
	}
}

// An index has fewer points than records where these lie together, and never more.
func TestTheIndexIsSparse(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.SegmentBytes, o.IndexEveryBytes = 1<<20, 4<<10
	l := openTest(t, o)
	s := newStory(l)
	for range 500 {
		s.append(1, 1, 1, 100)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	if n, most := len(recoveredShard(l, 1).index.points), int(l.segments[0].end)/(4<<10)*4/3; n < 10 || n > most {
		t.Errorf("%d points, want at most %d", n, most)
	}
	mustMatch(t, s)
}

func recoveredShard(l *Log, id replication.ShardID) *shardLog { return l.shard(id) }

// The cache keeps to its budget, whatever is dropped, and what is not in it is read
// from files.
func TestTheCacheKeepsToItsBudget(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.CacheBytes = 20_000
	l := openTest(t, o)
	s := newStory(l)
	for i := range 400 {
		shard := replication.ShardID(i % 3)
		s.append(shard, int64(i), 3, 200)
		if i%5 == 0 {
			m := s.last(shard)
			s.submit(shard, truncateOf(0, int64(m.base.Offset)+int64(len(m.entries)/2)))
		}
		if i%7 == 0 {
			s.trimAll(shard)
		}
		if i%11 == 0 {
			continue
		}
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
		kept := int64(0)
		for _, shard := range l.shards {
			for _, e := range shard.tail {
				kept += e.bytes()
			}
		}
		if l.cache.bytes != kept || kept > o.CacheBytes {
			t.Fatalf("%d bytes are kept, and counted as %d", kept, l.cache.bytes)
		}
		if n := len(l.cache.order); n > 2*int(o.CacheBytes/cachedOverhead)+64 {
			t.Fatalf("%d entries are in order", n)
		}
	}
	mustMatch(t, s)
}

// A log that is used from one goroutine calls the file system in the same way each
// time.
func TestTheSameCallsMakeTheSameFileSystemCalls(t *testing.T) {
	trace := func() string {
		all := ""
		o := storyOptions(vfs.WithLogging(vfs.NewMem(), func(format string, args ...any) { all += fmt.Sprintf(format, args...) + "\n" }))
		s := newStory(openWith(t, o))
		tell(t, s)
		mustClose(t, s.log)
		return all
	}
	first := trace()
	for range 3 {
		if again := trace(); again != first {
			t.Fatal("another trace")
		}
	}
	if len(first) < 1000 {
		t.Errorf("the trace is\n%s", first)
	}
}
