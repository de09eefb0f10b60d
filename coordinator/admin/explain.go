package admin

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// The kinds of steps.
const (
	stepMove     = "move-replica"
	stepAdd      = "add-replica"
	stepRemove   = "remove-replica"
	stepTransfer = "transfer-leader"
	stepStatus   = "change-status"
)

// ExplainBalance implements api.OstrakaAdminServer.
func (o *Operations) ExplainBalance(context.Context, *api.ExplainBalanceRequest) (*api.ExplainBalanceResponse, error) {
	now, err := leading(o.cluster)
	if err != nil {
		return nil, err
	}
	explained, err := o.cluster.Explain()
	if err != nil {
		return nil, o.ended(err)
	}
	wanted := map[replication.ShardID]placed{}
	every(now, func(p placed) { wanted[p.id()] = p })
	response := &api.ExplainBalanceResponse{HeldBack: notes(explained.Held), Impossible: notes(explained.Notes)}
	for _, a := range explained.Next {
		response.Next = append(response.Next, step(wanted, a))
	}
	for _, m := range now.Moves {
		response.UnderWay = append(response.UnderWay, underWay(now, wanted[m.Shard], m))
	}
	for _, s := range explained.Servers {
		response.Servers = append(response.Servers, &api.BalanceServer{
			Server: string(s.Server), Replicas: uint32(s.Replicas), Leaderships: uint32(s.Leaders),
			Bytes: s.Load.Bytes, WritesPerSecond: s.Load.Writes, ReadsPerSecond: s.Load.Reads,
			NoReplicas: s.NoReplicas, NoLeaderships: s.NoLeaders,
		})
	}
	return response, nil
}

func notes(all []plan.Note) []*api.ClusterNote {
	var told []*api.ClusterNote
	for _, n := range all {
		told = append(told, &api.ClusterNote{About: n.About, Text: n.Reason})
	}
	return told
}

// step is an action of the planner's.
func step(wanted map[replication.ShardID]placed, a plan.Action) *api.BalanceStep {
	switch a := a.(type) {
	case plan.SetEnsemble:
		p := wanted[a.Change.Shard]
		s := replacement(p, p.shard.Ensemble, a.Ensemble)
		s.Cause, s.Reason = string(a.Change.Kind), a.Change.Reason
		return s
	case plan.TransferLeader:
		return &api.BalanceStep{
			Kind: stepTransfer, Namespace: wanted[a.Shard].namespace, Shard: proto.Int64(int64(a.Shard)),
			From: names([]replication.ServerID{a.From}), To: names([]replication.ServerID{a.To}), Cause: string(a.Kind), Reason: a.Reason,
		}
	}
	return &api.BalanceStep{Kind: stepStatus, Reason: a.String()}
}

// underWay is a move that has begun, as far as it is not done.
func underWay(now coordinator.Snapshot, p placed, m coordinator.Move) *api.BalanceStep {
	known := now.Shards[m.Shard]
	var s *api.BalanceStep
	if m.What == coordinator.MovedLeader {
		s = &api.BalanceStep{
			Kind: stepTransfer, Namespace: p.namespace, Shard: proto.Int64(int64(m.Shard)), To: names([]replication.ServerID{m.To}),
		}
		if known.Leader != "" {
			s.From = names([]replication.ServerID{known.Leader})
		}
	} else {
		var there []replication.ServerID
		for _, member := range known.Document.Ensemble {
			there = append(there, member.Server)
		}
		s = replacement(p, there, p.shard.Ensemble)
	}
	s.Cause, s.Reason = string(m.Kind), m.Reason
	return s
}

// replacement is the step from some servers to others.
func replacement(p placed, before, after []replication.ServerID) *api.BalanceStep {
	from := names(slices.DeleteFunc(slices.Clone(before), func(s replication.ServerID) bool { return slices.Contains(after, s) }))
	to := names(slices.DeleteFunc(slices.Clone(after), func(s replication.ServerID) bool { return slices.Contains(before, s) }))
	s := &api.BalanceStep{Kind: stepMove, Namespace: p.namespace, Shard: proto.Int64(int64(p.id())), From: from, To: to}
	switch {
	case len(to) == 0:
		s.Kind = stepRemove
	case len(from) == 0:
		s.Kind = stepAdd
	}
	return s
}
