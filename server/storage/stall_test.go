package storage

import (
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// stalls drives a machine second by second, with members that are sent snapshots of
// a shard each.
type stalls struct {
	*testing.T
	m    *Machine
	asks map[replication.ShardID]replication.ExportAsk
	// sent are the ends of the newest parts, and done the snapshots that were sent.
	sent map[replication.ShardID]int64
	done map[replication.ShardID]bool
}

func newStalls(t *testing.T, shards int) *stalls {
	t.Helper()
	d := openForTest(t, t.TempDir())
	t.Cleanup(func() { mustClose(t, d) })
	s := &stalls{
		T: t, m: d.Machine(), asks: map[replication.ShardID]replication.ExportAsk{},
		sent: map[replication.ShardID]int64{}, done: map[replication.ShardID]bool{},
	}
	s.m.Work(1)
	for shard := range replication.ShardID(shards) {
		mustApply(t, s.m, shard, putsUpTo(4, 16<<10))
	}
	return s
}

// ask asks for the part of a shard that was asked for last, or the next one.
func (s *stalls) ask(shard replication.ShardID, next bool) {
	ask := s.asks[shard]
	ask.ID, ask.MaxBytes = ask.ID+1, 1000
	if next {
		ask.Position = s.sent[shard]
	}
	s.asks[shard] = ask
	s.m.Export(shard, ask)
}

// work lets a second pass, and returns the shards of which a part was sent.
func (s *stalls) work() map[replication.ShardID]bool {
	s.Helper()
	s.m.Work(s.m.now.Add(time.Second))
	done, _ := s.m.Take()
	answered := map[replication.ShardID]bool{}
	for _, c := range done {
		part := c.Event.(replication.Exported).Part
		ask := s.asks[c.Shard]
		ask.Last = part.Last
		s.asks[c.Shard] = ask
		s.sent[c.Shard] = part.Position + int64(len(part.Data))
		s.done[c.Shard] = part.Final
		answered[c.Shard] = true
	}
	if s.m.Failed() != nil {
		s.Fatal(s.m.Failed())
	}
	return answered
}

// Members that never answer, for which the same part is asked again every second,
// do not keep another one out; and it is sent all of its snapshot.
func TestMembersThatNeverAnswerMakeRoom(t *testing.T) {
	const waits replication.ShardID = maxSending
	s := newStalls(t, maxSending+1)
	for shard := range waits {
		s.ask(shard, false)
	}
	answered := s.work()
	if len(answered) != maxSending {
		t.Fatalf("%d snapshots were begun", len(answered))
	}
	s.ask(waits, false)
	began := 0
	for second := 1; !s.done[waits]; second++ {
		for shard := range waits {
			if answered[shard] {
				s.ask(shard, false)
			}
		}
		answered = s.work()
		if answered[waits] && !s.done[waits] {
			if began == 0 {
				began = second
			}
			s.ask(waits, true)
		}
		if limit := time.Duration(second) * time.Second; began == 0 && limit > maxStall+idleSnapshots+time.Second {
			t.Fatalf("it still waits after %v", limit)
		}
		if second > 1000 {
			t.Fatalf("it began after %d seconds, and comes to no end", began)
		}
	}
	t.Logf("it began after %d seconds", began)
}

// Members that are slow, but come forward, are sent their snapshots to the end,
// whoever else waits.
func TestSlowMembersKeepTheirPlace(t *testing.T) {
	s := newStalls(t, maxSending+1)
	for shard := range replication.ShardID(maxSending + 1) {
		s.ask(shard, false)
	}
	s.work()
	pause := int((maxStall - time.Second) / time.Second)
	for range 10 {
		for range pause {
			if answered := s.work(); len(answered) > 0 {
				t.Fatalf("%v were answered, and one of them waits for room", answered)
			}
		}
		for shard := range replication.ShardID(maxSending) {
			s.ask(shard, true)
		}
		if answered := s.work(); len(answered) != maxSending || answered[maxSending] {
			t.Fatalf("answered %v", answered)
		}
	}
}
