package report

import (
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

// maxMembers bounds the members that a leader's report names: more than a shard has.
const maxMembers = 64

// sight is a replica as it was seen. It is compared at each look, and made a message of only
// when it changed.
type sight struct {
	replica
	members []member
}

type replica struct {
	shard                 replication.ShardID
	id                    replication.ReplicaID
	role                  replication.Role
	term                  replication.Term
	serving, installing   bool
	head, commit, applied replication.Offset
	needs                 replication.Offset
	installed             int64
	traffic               host.Traffic
	measured              bool
	measure               Measure
}

type member struct {
	replication.Member
	lag, needs, compared      replication.Offset
	silent, disputed, learner bool
}

func (s *sight) equal(o *sight) bool {
	return s.replica == o.replica && slices.Equal(s.members, o.members)
}

// see returns a replica's sight, without its measures.
func see(id replication.ShardID, s *replication.ReplicaState, traffic host.Traffic) *sight {
	seen := &sight{replica: replica{
		shard: id, id: s.Member.Replica, role: s.Role, term: s.Term.Term, serving: s.Serving,
		head: s.Head.Offset, commit: s.Commit, applied: s.Applied, needs: s.Needs,
		installing: s.Installing || s.Incoming.Last.Offset != 0, installed: s.Incoming.Kept, traffic: traffic,
	}}
	if s.Leading == nil {
		return seen
	}
	for _, f := range s.Leading.Followers[:min(len(s.Leading.Followers), maxMembers)] {
		seen.members = append(seen.members, member{
			Member: f.Member, lag: max(s.Head.Offset-f.Match, 0), needs: f.Needs, compared: f.Compared, silent: f.Silent,
			disputed: slices.Contains(s.Leading.Disputed, f.Member),
			learner:  !slices.Contains(s.Leading.Ensemble, f.Member) && !slices.Contains(s.Leading.Joining, f.Member),
		})
	}
	return seen
}

var roles = map[replication.Role]api.ReplicaReport_Role{
	replication.RoleFenced:   api.ReplicaReport_ROLE_FENCED,
	replication.RoleFollower: api.ReplicaReport_ROLE_FOLLOWER,
	replication.RoleLeader:   api.ReplicaReport_ROLE_LEADER,
	replication.RoleDeleted:  api.ReplicaReport_ROLE_DELETED,
}

// message returns what coordinators are told.
func (s *sight) message() *api.ReplicaReport {
	report := &api.ReplicaReport{
		Shard: int64(s.shard), Replica: int64(s.id), Role: roles[s.role], Term: int64(s.term), Serving: s.serving,
		HeadOffset: int64(s.head), CommitOffset: int64(s.commit), AppliedOffset: int64(s.applied),
		NeedsOffset: int64(s.needs), Installing: s.installing, InstalledBytes: s.installed,
		Writes: s.traffic.Writes, Reads: s.traffic.Reads,
	}
	if s.measured {
		m := s.measure
		report.DiskBytes, report.CheckedOffset, report.CheckedDigest = &m.DiskBytes, m.CheckedOffset, m.CheckedDigest
		report.DigestOffset, report.Digest = m.DigestOffset, m.Digest
	}
	for _, m := range s.members {
		report.Members = append(report.Members, &api.MemberReport{
			Server: string(m.Server), Replica: int64(m.Replica), Lag: int64(m.lag), NeedsOffset: int64(m.needs),
			Silent: m.silent, Disputed: m.disputed, ComparedOffset: int64(m.compared), Learner: m.learner,
		})
	}
	return report
}
