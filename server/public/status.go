package public

import (
	"context"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/cluster"
	"github.com/ostraka-db/ostraka/server/host"
)

// GetServerStatus implements api.OstrakaServer.
func (s *Service) GetServerStatus(_ context.Context, _ *api.GetServerStatusRequest) (*api.GetServerStatusResponse, error) {
	m, _ := s.options.Directory.Map()
	h := s.options.Host()
	if m == nil || h == nil {
		return nil, notInitialized()
	}
	res := &api.GetServerStatusResponse{
		Server: string(h.Self().ID), Version: s.options.Version,
		StartedUnixMs: s.options.Started.UnixMilli(), Draining: s.options.Draining(),
	}
	h.Replicas(h.Shards(), func(shard replication.ShardID, state replication.ReplicaState, _ host.Traffic) {
		replica := replicaStatus(m, shard, &state)
		err := h.Peek(shard, func(db *kv.DB) error {
			offset, digest, err := db.Checked(kv.ShardID(shard))
			replica.CheckedOffset, replica.CheckedDigest = offset, uint64(digest)
			return err
		})
		replica.Damaged = replica.Damaged || err != nil
		res.Replicas = append(res.Replicas, replica)
	})
	return res, nil
}

var roles = map[replication.Role]api.ReplicaRole{
	replication.RoleFenced:   api.ReplicaRole_REPLICA_ROLE_FENCED,
	replication.RoleFollower: api.ReplicaRole_REPLICA_ROLE_FOLLOWER,
	replication.RoleLeader:   api.ReplicaRole_REPLICA_ROLE_LEADER,
}

// replicaStatus is a replica as clients are told it.
func replicaStatus(m *cluster.Map, shard replication.ShardID, r *replication.ReplicaState) *api.ReplicaStatus {
	known, _ := m.Shard(shard)
	res := &api.ReplicaStatus{
		Shard: int64(shard), Namespace: known.Namespace, Replica: int64(r.Member.Replica), Role: roles[r.Role],
		Term: int64(r.Term.Term), Serving: r.Serving, Damaged: r.Needs != 0, HeadOffset: int64(r.Head.Offset),
		CommitOffset: int64(r.Commit), AppliedOffset: int64(r.Applied), Leader: string(r.Leader.Server),
	}
	if r.Leading == nil {
		return res
	}
	voters := map[replication.Member]bool{}
	for _, members := range [][]replication.Member{r.Leading.Ensemble, r.Leading.Joining} {
		for _, m := range members {
			voters[m] = true
		}
	}
	for _, f := range r.Leading.Followers {
		res.Members = append(res.Members, &api.MemberStatus{
			Server: string(f.Member.Server), Replica: int64(f.Member.Replica), Learner: !voters[f.Member],
			Reachable: !f.Silent, AckedOffset: int64(f.Match),
		})
	}
	return res
}
