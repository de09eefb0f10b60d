package wal

import (
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

func flushedAt(shard, offset int64) Flushed {
	return Flushed{replication.ShardID(shard), replication.EntryID{Term: 1, Offset: replication.Offset(offset)}}
}

func TestRetain(t *testing.T) {
	hour := time.Hour.Milliseconds()
	usage := Usage{
		Bytes:    400,
		Segments: []SegmentUsage{{1, 100, 50, 0}, {3, 100, 50, 1 * hour}, {4, 100, 50, 2 * hour}, {5, 100, 50, 3 * hour}},
		Shards: []ShardUsage{
			{Shard: 1, Base: replication.EntryID{Term: 1, Offset: 4}, Holds: []Hold{{1, 10, 5}, {3, 20, 5}, {5, 30, 5}}},
			{Shard: 2, Base: replication.EntryID{Term: 1, Offset: 2}, Holds: []Hold{{3, 7, 5}}},
			{Shard: 3, Holds: []Hold{{5, 9, 5}}},
		},
	}
	all := []Flushed{flushedAt(3, 9), flushedAt(2, 7), flushedAt(1, 30)}
	now := time.UnixMilli(4 * hour)
	for name, test := range map[string]struct {
		limits  Limits
		flushed []Flushed
		want    Retention
	}{
		"no limits":             {Limits{}, all, Retention{}},
		"within both":           {Limits{Bytes: 400, Age: 4 * time.Hour}, all, Retention{}},
		"one too large":         {Limits{Bytes: 399}, all, Retention{Trims: []Trim{{1, 10}}}},
		"two too large":         {Limits{Bytes: 200}, all, Retention{Trims: []Trim{{1, 20}, {2, 7}}}},
		"the last one stays":    {Limits{Bytes: 1}, all, Retention{Trims: []Trim{{1, 20}, {2, 7}}}},
		"two too old":           {Limits{Age: 90 * time.Minute}, all, Retention{Trims: []Trim{{1, 20}, {2, 7}}}},
		"ended just now enough": {Limits{Age: 3 * time.Hour}, all, Retention{}},
		"not flushed so far": {
			Limits{Bytes: 200}, []Flushed{flushedAt(1, 12), flushedAt(2, 2)}, Retention{Trims: []Trim{{1, 12}}, Flush: true},
		},
		"nothing known of a shard": {Limits{Bytes: 200}, []Flushed{flushedAt(2, 9)}, Retention{Trims: []Trim{{2, 7}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Retain(test.limits, now, usage, test.flushed); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

// What is trimmed as planned makes the log keep its limit.
func TestTrimmingAsPlannedFreesSegments(t *testing.T) {
	l := openTest(t, testOptions(vfs.NewMem()))
	s := newStory(l)
	for range 20 {
		s.append(1, 1, 2, 300)
		s.append(2, 1, 1, 300)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
	}
	limits := Limits{Bytes: 3 * minSegmentBytes}
	before := l.Usage()
	if before.Bytes <= limits.Bytes {
		t.Fatalf("only %d bytes", before.Bytes)
	}
	flushed := []Flushed{{1, s.last(1).head()}, {2, s.last(2).head()}}
	plan := Retain(limits, time.UnixMilli(0), before, flushed)
	if plan.Flush || len(plan.Trims) != 2 {
		t.Fatalf("planned %+v", plan)
	}
	for _, trim := range plan.Trims {
		base := s.last(trim.Shard).entries[trim.To-1].ID
		s.submit(trim.Shard, replication.LogOp{Kind: replication.OpTrim, Base: base})
	}
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	after := l.Usage()
	if after.Bytes > limits.Bytes || after.Segments[0].Number == before.Segments[0].Number {
		t.Errorf("after trimming: %+v", after)
	}
	if again := Retain(limits, time.UnixMilli(0), after, flushed); again.Trims != nil || again.Flush {
		t.Errorf("planned again: %+v", again)
	}
	mustMatch(t, s)
}

func TestUsageTellsWhatEachShardHolds(t *testing.T) {
	l := openTest(t, testOptions(vfs.NewMem()))
	s := newStory(l)
	s.append(1, 1, 1, 3000)
	s.append(2, 1, 2, 100)
	_ = s.sync()
	s.append(1, 1, 1, 3000)
	_ = s.sync()
	u := l.Usage()
	if len(u.Segments) != 2 || u.Segments[0].Number != 1 || u.Segments[1].Number != 2 || u.Segments[1].Begun != 1_000_000 {
		t.Fatalf("segments %+v", u.Segments)
	}
	if u.IndexBytes != 3*pointBytes {
		t.Errorf("%d bytes of index", u.IndexBytes)
	}
	if len(u.Shards) != 2 || u.Shards[0].Head.Offset != 2 || u.Shards[0].Bytes < 6000 {
		t.Fatalf("shards %+v", u.Shards)
	}
	holds := u.Shards[0].Holds
	if len(holds) != 2 || holds[0].Segment != 1 || holds[0].To != 1 || holds[1].To != 2 || holds[0].Bytes+holds[1].Bytes != u.Shards[0].Bytes {
		t.Errorf("holds %+v", holds)
	}
	if live := u.Segments[0].Live; live != holds[0].Bytes+u.Shards[1].Bytes {
		t.Errorf("%d bytes are live in the first segment", live)
	}
}
