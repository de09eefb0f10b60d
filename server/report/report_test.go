package report

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

// source is replicas that a test makes up.
type source struct {
	mu       sync.Mutex
	replicas map[replication.ShardID]*one
	looks    int
	measured map[replication.ShardID]int
}

type one struct {
	state   replication.ReplicaState
	traffic host.Traffic
	bytes   int64
}

func newSource(replicas int) *source {
	s := &source{replicas: map[replication.ShardID]*one{}, measured: map[replication.ShardID]int{}}
	for i := range replicas {
		s.replicas[replication.ShardID(i)] = &one{}
	}
	return s
}

func (s *source) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *source) Shards() []replication.ShardID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.replicas))
}

func (s *source) Replicas(shards []replication.ShardID, tell func(replication.ShardID, replication.ReplicaState, host.Traffic)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks += len(shards)
	for _, id := range shards {
		if r := s.replicas[id]; r != nil {
			tell(id, r.state, r.traffic)
		}
	}
}

func (s *source) Measure(shard replication.ShardID) (Measure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.replicas[shard]
	if r == nil || r.bytes < 0 {
		return Measure{}, errors.New("there is nothing to measure")
	}
	s.measured[shard]++
	return Measure{DiskBytes: r.bytes, CheckedOffset: 1024, CheckedDigest: 7}, nil
}

// coordinator is what a follower's coordinator knows.
type coordinator struct {
	follower *Follower
	known    map[int64]*api.ReplicaReport
	messages int
	at       int64
}

// hear takes what there is for the follower.
func (c *coordinator) hear() {
	for {
		told, more := c.follower.Next()
		if told != nil {
			c.messages++
			c.at = told.GetLookedAtMs()
			for _, r := range told.GetReplicas() {
				c.known[r.GetShard()] = r
			}
			for _, id := range told.GetGone() {
				delete(c.known, id)
			}
		}
		select {
		case <-more:
		default:
			return
		}
	}
}

func follow(r *Reporter) *coordinator {
	return &coordinator{follower: r.Follow(), known: map[int64]*api.ReplicaReport{}}
}

// Whatever happens to the replicas, and whenever followers come and listen, one that has
// listened knows what was seen last, and all followers the same.
func TestFollowersKnowWhatWasSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSource(rapid.SampledFrom([]int{0, 3, MaxReplicas, 2*MaxReplicas + 1}).Draw(t, "replicas"))
		r := New(s)
		all := []*coordinator{follow(r)}
		shard := rapid.Custom(func(t *rapid.T) replication.ShardID {
			return replication.ShardID(rapid.IntRange(0, 8).Draw(t, "shard"))
		})
		t.Repeat(map[string]func(*rapid.T){
			"replica": func(t *rapid.T) {
				s.replicas[shard.Draw(t, "which")] = &one{
					state:   replication.ReplicaState{Head: replication.EntryID{Offset: replication.Offset(rapid.IntRange(1, 3).Draw(t, "head"))}},
					traffic: host.Traffic{Writes: uint64(rapid.IntRange(1, 3).Draw(t, "writes"))},
				}
			},
			"gone":   func(t *rapid.T) { delete(s.replicas, shard.Draw(t, "which")) },
			"touch":  func(t *rapid.T) { r.Touch(shard.Draw(t, "which")); r.lookSoon() },
			"look":   func(*rapid.T) { r.lookAtAll() },
			"follow": func(*rapid.T) { all = append(all, follow(r)) },
			"listen": func(t *rapid.T) { all[rapid.IntRange(0, len(all)-1).Draw(t, "who")].hear() },
			"part": func(t *rapid.T) {
				c := all[rapid.IntRange(0, len(all)-1).Draw(t, "who")]
				if told, _ := c.follower.Next(); len(told.GetReplicas()) > MaxReplicas {
					t.Fatalf("told of %d replicas at once", len(told.GetReplicas()))
				} else if told != nil {
					for _, one := range told.GetReplicas() {
						c.known[one.GetShard()] = one
					}
					for _, id := range told.GetGone() {
						delete(c.known, id)
					}
				}
			},
		})
		r.lookAtAll()
		for _, c := range all {
			c.hear()
			if len(c.known) != len(s.replicas) {
				t.Fatalf("a follower knows of %d replicas, and there are %d", len(c.known), len(s.replicas))
			}
			for id, made := range s.replicas {
				got := c.known[int64(id)]
				if got.GetHeadOffset() != int64(made.state.Head.Offset) || got.GetWrites() != made.traffic.Writes {
					t.Fatalf("a follower knows of %v, which is %+v", got, made)
				}
			}
		}
	})
}

// What is at rest is not told again; what was touched is told soon, with the counters of
// the last look at all.
func TestOnlyWhatChangedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource(1000)
		s.replicas[7].traffic.Writes = 10
		r := New(s)
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() { defer close(done); r.Run(stop) }()
		defer func() { close(stop); <-done }()
		time.Sleep(2 * Every)
		if s.looks != 0 {
			t.Errorf("%d looks while nobody follows", s.looks)
		}
		c := follow(r)
		defer c.follower.Stop()
		time.Sleep(Soon)
		synctest.Wait()
		c.hear()
		if len(c.known) != 1000 || c.messages != 4 {
			t.Fatalf("%d replicas told of in %d messages", len(c.known), c.messages)
		}
		before := maps.Clone(c.known)
		s.change(func() {
			s.replicas[7].state.Serving = true
			s.replicas[7].traffic.Writes = 30
		})
		r.Touch(7)
		time.Sleep(Soon)
		synctest.Wait()
		at := c.at
		c.hear()
		if got := c.known[7]; !got.GetServing() || got.GetWrites() != 10 || c.at != at {
			t.Errorf("told of %v at %d", got, c.at)
		}
		time.Sleep(Every)
		synctest.Wait()
		c.hear()
		if got := c.known[7]; got.GetWrites() != 30 || c.at <= at {
			t.Errorf("told of %v at %d", got, c.at)
		}
		for id, was := range before {
			if id >= 2*measuresPerLook && c.known[id] != was {
				t.Fatalf("told again of %v", was)
			}
		}
	})
}

// Measuring goes round, a few at a time, and what cannot be measured stops nobody.
func TestAllAreMeasuredInTurn(t *testing.T) {
	s := newSource(3*measuresPerLook + 5)
	s.replicas[1].bytes = -1
	s.replicas[2].bytes = 42
	r := New(s)
	c := follow(r)
	for range 4 {
		before := len(s.measured)
		r.lookAtAll()
		if more := len(s.measured) - before; more > measuresPerLook {
			t.Errorf("%d measured at once", more)
		}
	}
	c.hear()
	for id, report := range c.known {
		if (report.DiskBytes == nil) != (id == 1) {
			t.Errorf("told %v", report)
		}
	}
	if got := c.known[2]; got.GetDiskBytes() != 42 || got.GetCheckedOffset() != 1024 || got.GetCheckedDigest() != 7 {
		t.Errorf("told %v", got)
	}
}

func TestReportSaysWhatAReplicaIsAt(t *testing.T) {
	m := func(server replication.ServerID, id replication.ReplicaID) replication.Member {
		return replication.Member{Server: server, Replica: id}
	}
	got := see(5, &replication.ReplicaState{
		Member: m("a", 1), Term: replication.TermID{Term: 3}, Role: replication.RoleLeader, Serving: true,
		Head: replication.EntryID{Offset: 20}, Commit: 18, Applied: 17, Needs: 4,
		Incoming: replication.IncomingState{Last: replication.EntryID{Offset: 9}, Kept: 100},
		Leading: &replication.LeadingState{
			Ensemble:  []replication.Member{m("a", 1), m("b", 2)},
			Followers: []replication.FollowerState{{Member: m("b", 2), Match: 15, Silent: true}, {Member: m("c", 3), Match: 20, Needs: 2, Compared: 12}},
			Disputed:  []replication.Member{m("c", 3)},
		},
	}, host.Traffic{Writes: 8, Reads: 9}).message()
	want := &api.ReplicaReport{
		Shard: 5, Replica: 1, Term: 3, Role: api.ReplicaReport_ROLE_LEADER, Serving: true,
		HeadOffset: 20, CommitOffset: 18, AppliedOffset: 17, NeedsOffset: 4, Installing: true, InstalledBytes: 100,
		Writes: 8, Reads: 9,
		Members: []*api.MemberReport{
			{Server: "b", Replica: 2, Lag: 5, Silent: true}, {Server: "c", Replica: 3, NeedsOffset: 2, Disputed: true, ComparedOffset: 12, Learner: true},
		},
	}
	if !proto.Equal(got, want) {
		t.Errorf("described as %v", got)
	}
}

// What ten thousand replicas at rest cost.
func BenchmarkLookAtTenThousand(b *testing.B) {
	r := New(newSource(10_000))
	c := follow(r)
	for b.Loop() {
		r.lookAtAll()
		c.hear()
	}
}
