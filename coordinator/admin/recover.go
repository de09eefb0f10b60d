package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// RecoverShard implements api.OstrakaAdminServer.
func (o *Operations) RecoverShard(ctx context.Context, r *api.RecoverShardRequest) (*api.RecoverShardResponse, error) {
	now, shard, err := o.lookUp(r.GetShard())
	if err != nil {
		return nil, err
	}
	if err := confirmed(r, shard); err != nil {
		return nil, err
	}
	var survivors []replication.ServerID
	for _, name := range r.GetSurvivors() {
		survivors = append(survivors, replication.ServerID(name))
	}
	if err := recoverable(now, shard, survivors); err != nil {
		return nil, err
	}
	recovery := foreseen(now, shard, survivors)
	if !r.GetPreview() {
		err := o.act(ctx, func(ctx context.Context) error {
			return o.cluster.RecoverShard(ctx, shard.id(), survivors, recovery.Risk)
		})
		if err != nil {
			return nil, err
		}
		if recovery, err = o.mark(shard); err != nil {
			return nil, err
		}
	}
	return &api.RecoverShardResponse{Recovery: recoveryView(recovery)}, nil
}

// mark is the newest that a recovery of the shard has left.
func (o *Operations) mark(p placed) (plan.Recovery, error) {
	now, err := leading(o.cluster)
	if err != nil {
		return plan.Recovery{}, err
	}
	for _, r := range slices.Backward(now.Status.Recoveries) {
		if r.Shard == p.id() {
			return r, nil
		}
	}
	return plan.Recovery{}, refuse(codes.Internal, "shard %s was recovered, and left no mark", p.name())
}

// confirmed says what is missing of the caller's word that just this shard is meant.
func confirmed(r *api.RecoverShardRequest, p placed) error {
	switch {
	case r.GetShard().GetNamespace() == "":
		return refuse(codes.InvalidArgument, "shard.namespace is missing: it is %q", p.namespace)
	case !r.GetPreview() && r.GetConfirm() != p.name():
		return refuse(codes.InvalidArgument, "confirm is %q: it must be %q, as what the survivors lack is lost for good", r.GetConfirm(), p.name())
	}
	return nil
}

// recoverable says why a shard cannot, or must not, be made of some survivors.
func recoverable(now coordinator.Snapshot, p placed, survivors []replication.ServerID) error {
	voters := votersOf(now, p)
	if len(survivors) == 0 {
		return refuse(codes.InvalidArgument, "survivors are missing: name the servers whose replicas are to make shard %s, of %s", p.name(), list(voters))
	}
	for i, s := range survivors {
		if slices.Contains(survivors[:i], s) {
			return refuse(codes.InvalidArgument, "survivors have %q twice: name each server once", s)
		}
		if !slices.Contains(voters, s) {
			return refuse(codes.FailedPrecondition, "survivors have %q, which is not in the ensemble of shard %s: name some of %s", s, p.name(), list(voters))
		}
		if err := reached(now, "survivors", s); err != nil {
			return err
		}
	}
	whole := wholeVoters(now, p)
	furthest := headOf(whole, survivors)
	for _, s := range survivors {
		if whole[s] == nil {
			return refuse(codes.FailedPrecondition, "survivors have %q, whose replica is damaged or was not told of yet: leave it out, or try again", s)
		}
	}
	for _, s := range voters {
		if head := whole[s].GetHeadOffset(); head > furthest {
			return refuse(codes.FailedPrecondition,
				"survivors lack %q, which is reached and has entries up to %d, and they have none after %d: name it too", s, head, furthest)
		}
	}
	if hasMajority(now, p, whole) {
		return refuse(codes.FailedPrecondition,
			"shard %s has not lost its majority: of %s, %d are reached, so that it is led without this; hold an election if nobody leads it", p.name(), list(voters), len(whole))
	}
	return nil
}

// wholeVoters are the reports of the replicas that vote, are reached and not damaged.
func wholeVoters(now coordinator.Snapshot, p placed) map[replication.ServerID]*api.ReplicaReport {
	whole := map[replication.ServerID]*api.ReplicaReport{}
	for _, r := range now.Shards[p.id()].Replicas {
		votes := r.Standing == coordinator.StandingVoter || r.Standing == coordinator.StandingJoining
		if votes && r.Reachable && r.Report != nil && r.Report.GetNeedsOffset() == 0 {
			whole[r.Server] = r.Report
		}
	}
	return whole
}

// headOf is the highest offset that any of some servers has an entry at.
func headOf(whole map[replication.ServerID]*api.ReplicaReport, servers []replication.ServerID) int64 {
	var head int64
	for _, s := range servers {
		head = max(head, whole[s].GetHeadOffset())
	}
	return head
}

// hasMajority reports whether those who are whole can elect a leader: they are most of
// the ensemble and, while it changes, of the joining one.
func hasMajority(now coordinator.Snapshot, p placed, whole map[replication.ServerID]*api.ReplicaReport) bool {
	doc := now.Shards[p.id()].Document
	for _, ensemble := range [][]replication.DocumentMember{doc.Ensemble, doc.Joining} {
		there := 0
		for _, m := range ensemble {
			if whole[m.Server] != nil {
				there++
			}
		}
		if len(ensemble) > 0 && there <= len(ensemble)/2 {
			return false
		}
	}
	return true
}

// foreseen is the mark that a recovery would leave, by what is known now.
func foreseen(now coordinator.Snapshot, p placed, survivors []replication.ServerID) plan.Recovery {
	recovery := plan.Recovery{
		Namespace: p.namespace, Shard: p.id(), At: time.Now().UnixMilli(), Term: now.Shards[p.id()].Term, Survivors: survivors,
	}
	for _, s := range votersOf(now, p) {
		if !slices.Contains(survivors, s) {
			recovery.Lost = append(recovery.Lost, s)
		}
	}
	recovery.Risk = fmt.Sprintf(
		"every entry that only %s held, acknowledged ones among them: %s had none after offset %d when this was decided. "+
			"Version ids, sequences and sessions go on from there, so that some may be given twice",
		list(recovery.Lost), list(survivors), headOf(wholeVoters(now, p), survivors))
	return recovery
}
