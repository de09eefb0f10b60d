package admin

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/replication"
)

// verified is how a call of VerifyDigests ended, by shard.
func verified(t *testing.T, ctx context.Context, o *operated, request *api.VerifyDigestsRequest) map[int64]*api.ShardDigests {
	t.Helper()
	told := &recorder[api.VerifyDigestsResponse]{ctx: ctx}
	if err := NewOperations(o).VerifyDigests(request, told); err != nil {
		t.Fatal(err)
	}
	shards := map[int64]*api.ShardDigests{}
	for _, part := range told.sent {
		for _, s := range part.GetShards() {
			if shards[s.GetShard()] != nil {
				t.Errorf("shard %d is told twice", s.GetShard())
			}
			shards[s.GetShard()] = s
		}
	}
	return shards
}

// report changes what the replicas of shard 0 tell.
func (o *operated) report(change func(*api.ReplicaReport, int)) {
	o.set(func(s *coordinator.Snapshot) {
		for i, r := range s.Shards[0].Replicas {
			change(r.Report, i)
		}
	})
}

// Replicas are held against each other at checked offsets, and at the applied ones.
func TestDigestsOfReportsAreCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		o.report(func(r *api.ReplicaReport, i int) {
			r.CheckedOffset, r.CheckedDigest, r.DigestOffset, r.Digest = 1024, 5, 1030, 6
			if i == 2 {
				r.DigestOffset, r.Digest = 1031, 8
			}
		})
		request := &api.VerifyDigestsRequest{Shards: []*api.ShardName{shard("", 0)}}
		began := time.Now()
		got := verified(t, t.Context(), o, request)[0]
		if got.GetVerdict() != agrees || got.GetReplicas()[0].GetOffset() != 1030 || got.GetReplicas()[2].GetOffset() != 1024 || time.Since(began) > 0 {
			t.Errorf("%v after %v", got, time.Since(began))
		}
		o.report(func(r *api.ReplicaReport, i int) { r.CheckedDigest = uint64(5 + i/2) })
		if got := verified(t, t.Context(), o, request)[0]; got.GetVerdict() != differs || got.GetReplicas()[2].GetVerdict() != differs {
			t.Errorf("%v", got)
		}
	})
}

// Replicas that are never seen at one offset at a time are by and by; those that cannot be
// compared are told when the time is up, with the reason.
func TestDigestsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		at := func(offsets ...int64) {
			o.report(func(r *api.ReplicaReport, i int) { r.CheckedOffset, r.CheckedDigest = offsets[i], uint64(offsets[i]) })
		}
		at(1024, 2048, 3072)
		done := make(chan map[int64]*api.ShardDigests)
		go func() { done <- verified(t, t.Context(), o, &api.VerifyDigestsRequest{WithinMs: 5000}) }()
		synctest.Wait()
		at(2048, 3072, 4096)
		time.Sleep(time.Second)
		began := time.Now()
		shards := <-done
		if shards[0].GetVerdict() != agrees || shards[0].GetReplicas()[0].GetOffset() != 2048 {
			t.Errorf("shard 0: %v", shards[0])
		}
		lost := shards[1]
		if lost.GetVerdict() != notCompared || time.Since(began) != 4*time.Second || len(shards) != 2 {
			t.Errorf("shard 1 after %v, of %d: %v", time.Since(began), len(shards), lost)
		}
		for i, want := range []string{"it has told no digest yet", "it is damaged, and waits for a snapshot", "its server is not reached"} {
			if got := lost.GetReplicas()[i].GetProblem(); got != want {
				t.Errorf("replica %d: %q, want %q", i, got, want)
			}
		}
	})
}

// What the leader found counts for replicas that are never seen beside each other, and a
// replica that is on its way out for nothing.
func TestTheLeaderTellsWhatItCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		o.report(func(r *api.ReplicaReport, i int) { r.CheckedOffset, r.CheckedDigest = int64(1024*(i+1)), 1 })
		o.set(func(s *coordinator.Snapshot) {
			one := s.Shards[0]
			one.Replicas[0].Report.Members = []*api.MemberReport{
				{Server: "s2", Replica: 1, ComparedOffset: 4096}, {Server: "s3", Replica: 1, ComparedOffset: 5120, Disputed: true},
			}
			removed := replicaAt("s5", coordinator.StandingRemoved, follows, 1)
			removed.Member = replication.Member{Server: "s5", Replica: 9}
			one.Replicas = append(one.Replicas, removed)
			s.Shards[0] = one
		})
		got := verified(t, t.Context(), o, &api.VerifyDigestsRequest{Shards: []*api.ShardName{shard("", 0)}})[0]
		want := []api.DigestVerdict{agrees, agrees, disputed}
		if len(got.GetReplicas()) != len(want) {
			t.Fatalf("%v", got)
		}
		for i, r := range got.GetReplicas() {
			if r.GetVerdict() != want[i] {
				t.Errorf("replica %d: %v, want %v", i, r, want[i])
			}
		}
	})
}

// Deposed in the middle, it says so.
func TestVerifyingEndsWithTheReign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		told := &recorder[api.VerifyDigestsResponse]{ctx: t.Context()}
		ended := make(chan error, 1)
		go func() { ended <- NewOperations(o).VerifyDigests(&api.VerifyDigestsRequest{}, told) }()
		synctest.Wait()
		o.set(func(s *coordinator.Snapshot) { s.Known, s.Lease.Leads, s.Lease.Holder = false, false, "c2" })
		if err := <-ended; reasonOf(err) != api.ReasonNodeIsNotLeader {
			t.Errorf("ended with %v", err)
		}
	})
}
