package admin

import (
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/replication"
)

const (
	// verifyWithin is how long digests are waited for if the caller does not say, and
	// longestVerify the most that a caller may ask for.
	verifyWithin  = 20 * time.Second
	longestVerify = 10 * time.Minute
	// verifyEvery is how often it is looked whether servers told new digests.
	verifyEvery = 500 * time.Millisecond
)

// VerifyDigests implements api.OstrakaAdminServer.
func (o *Operations) VerifyDigests(r *api.VerifyDigestsRequest, stream grpc.ServerStreamingServer[api.VerifyDigestsResponse]) error {
	now, err := leading(o.cluster)
	if err != nil {
		return err
	}
	shards, err := selected(now, r.GetNamespace(), r.GetShards())
	if err != nil {
		return err
	}
	within := time.Duration(r.GetWithinMs()) * time.Millisecond
	switch {
	case r.GetWithinMs() < 0 || r.GetWithinMs() > longestVerify.Milliseconds():
		return refuse(codes.InvalidArgument, "within_ms is %d: give from 1 to %d, or 0 for %d",
			r.GetWithinMs(), longestVerify.Milliseconds(), verifyWithin.Milliseconds())
	case within == 0:
		within = verifyWithin
	}
	leave, err := enter(o.verifying, "compare digests")
	if err != nil {
		return err
	}
	defer leave()
	v := newVerifier(shards, stream.Send)
	over := time.NewTimer(within)
	defer over.Stop()
	again := time.NewTicker(verifyEvery)
	defer again.Stop()
	for last := false; ; {
		left, err := v.look(now, last)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-over.C:
			last = true
		case <-again.C:
		}
		if now, err = leading(o.cluster); err != nil {
			return err
		}
	}
}

// verifier collects the digests of shards until they can be compared.
type verifier struct {
	shards selection
	send   func(*api.VerifyDigestsResponse) error
	// seen are the digests of shards that were not told yet, done those that were.
	seen map[replication.ShardID]map[replication.Member]digests
	done map[replication.ShardID]bool
}

func newVerifier(shards selection, send func(*api.VerifyDigestsResponse) error) *verifier {
	return &verifier{
		shards: shards, send: send,
		seen: map[replication.ShardID]map[replication.Member]digests{}, done: map[replication.ShardID]bool{},
	}
}

// look takes the digests in that are known now, and tells the shards of which all
// replicas were compared, or all shards if it is the last look. It returns how many
// shards are left.
func (v *verifier) look(now coordinator.Snapshot, last bool) (left int, err error) {
	var ready []*api.ShardDigests
	every(now, func(p placed) {
		if v.done[p.id()] || p.deleted() || !v.shards.has(p.namespace, int64(p.id())) {
			return
		}
		verdict, replicas := compareDigests(v.witnesses(now, p))
		if !last && waitsForMore(verdict, replicas) {
			left++
			return
		}
		v.done[p.id()] = true
		delete(v.seen, p.id())
		ready = append(ready, &api.ShardDigests{
			Namespace: p.namespace, Shard: int64(p.id()), Verdict: verdict, Replicas: replicas,
		})
	})
	for part := range slices.Chunk(ready, partShards) {
		if err := v.send(&api.VerifyDigestsResponse{Shards: part}); err != nil {
			return 0, err
		}
	}
	return left, nil
}

// waitsForMore reports whether more digests may change a verdict: some replica was not
// compared with any, and there are others.
func waitsForMore(verdict api.DigestVerdict, replicas []*api.ReplicaDigest) bool {
	return verdict != api.DigestVerdict_DIGEST_VERDICT_DIFFERS && len(replicas) > 1 &&
		slices.ContainsFunc(replicas, func(r *api.ReplicaDigest) bool {
			return r.GetVerdict() == api.DigestVerdict_DIGEST_VERDICT_NOT_COMPARED
		})
}

// witnessesOf are a shard's replicas with what is known of their digests now. Those that
// are to go are left out.
func witnessesOf(now coordinator.Snapshot, p placed) []witness {
	known := now.Shards[p.id()]
	told := map[replication.Member]*api.MemberReport{}
	var witnesses []witness
	for _, r := range known.Replicas {
		if r.Standing == coordinator.StandingRemoved {
			continue
		}
		w := witness{member: r.Member, votes: r.Standing == coordinator.StandingVoter, seen: digests{}, leads: r.Server == known.Leader}
		switch {
		case !r.Reachable:
			w.silent = "its server is not reached"
		case r.Report == nil:
			w.silent = "its server has not told of it yet"
		case r.Report.GetNeedsOffset() > 0:
			w.silent = "it is damaged, and waits for a snapshot"
		default:
			w.seen.add(replication.Offset(r.Report.GetCheckedOffset()), r.Report.GetCheckedDigest())
			w.seen.add(replication.Offset(r.Report.GetDigestOffset()), r.Report.GetDigest())
		}
		if w.leads {
			for _, m := range r.Report.GetMembers() {
				told[replication.Member{Server: replication.ServerID(m.GetServer()), Replica: replication.ReplicaID(m.GetReplica())}] = m
			}
		}
		witnesses = append(witnesses, w)
	}
	for i := range witnesses {
		w := &witnesses[i]
		if m := told[w.member]; m != nil && w.silent == "" {
			w.compared, w.accused = replication.Offset(m.GetComparedOffset()), m.GetDisputed()
		}
	}
	return witnesses
}

// witnesses are a shard's replicas with all that they were seen to have.
func (v *verifier) witnesses(now coordinator.Snapshot, p placed) []witness {
	seen := v.seen[p.id()]
	if seen == nil {
		seen = map[replication.Member]digests{}
		v.seen[p.id()] = seen
	}
	witnesses := witnessesOf(now, p)
	for i := range witnesses {
		w := &witnesses[i]
		before := seen[w.member]
		if before == nil {
			before = digests{}
			seen[w.member] = before
		}
		for o, digest := range w.seen {
			before.add(o, digest)
		}
		w.seen = before
	}
	return witnesses
}
