package coordinator

import (
	"maps"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// observed is what there is, for the planner. It shares nothing that changes, and is taken
// in parts: a plan over thousands of shards holds up no election.
func (v *view) observed(now time.Time, status plan.Status, began time.Time, options *plan.Options) plan.Observed {
	o := plan.Observed{
		Now: now, Began: began, Status: status, Options: options,
		Shards: map[replication.ShardID]plan.ShardFacts{}, Transfers: map[replication.ShardID]plan.Transfer{},
	}
	v.mu.Lock()
	o.Servers = make(map[replication.ServerID]plan.ServerFacts, len(v.servers))
	for id, s := range v.servers {
		o.Servers[id] = plan.ServerFacts{Reachable: s.reachable(), Since: s.since, Stopping: s.state.GetDraining()}
	}
	ids := slices.Collect(maps.Keys(v.shards))
	v.mu.Unlock()
	for some := range slices.Chunk(ids, shardsAtOnce) {
		v.mu.Lock()
		for _, id := range some {
			s := v.shards[id]
			if s == nil {
				continue
			}
			o.Shards[id] = v.facts(id, s)
			switch t := s.transfer; {
			case t.At.IsZero():
			case now.Sub(t.At) > options.Quarantine:
				s.transfer = plan.Transfer{}
			default:
				o.Transfers[id] = t
			}
		}
		v.mu.Unlock()
	}
	return o
}

// facts are what the planner is told of a shard. The view is locked.
func (v *view) facts(id replication.ShardID, s *shardView) plan.ShardFacts {
	f := plan.ShardFacts{Document: s.document, Leader: s.leader, Progress: s.progress}
	if s.document == nil {
		return f
	}
	unfit := func(server replication.ServerID) {
		if !slices.Contains(f.Unfit, server) {
			f.Unfit = append(f.Unfit, server)
		}
	}
	members := s.document.Ensemble
	if len(s.document.Joining) > 0 || len(s.document.Learners) > 0 {
		members = s.document.Members()
	}
	for _, m := range members {
		known := v.replicaOf(m.Server, id)
		if known == nil {
			continue
		}
		at := v.servers[m.Server].completeAt
		f.Load.Bytes = max(f.Load.Bytes, known.report.GetDiskBytes())
		f.Load.Writes += known.writes.at(at)
		f.Load.Reads += known.reads.at(at)
		if known.moved.After(f.Progress) {
			f.Progress = known.moved
		}
		if known.report.GetNeedsOffset() != 0 || known.report.GetInstalling() {
			unfit(m.Server)
		}
	}
	if leads := v.replicaOf(s.leader, id); leads != nil {
		for _, m := range leads.report.GetMembers() {
			if m.GetLag() > laggingAfter || m.GetNeedsOffset() != 0 {
				unfit(replication.ServerID(m.GetServer()))
			}
		}
	}
	return f
}

// replicaOf is what a server told of its replica of a shard; nil if it told nothing. The
// view is locked.
func (v *view) replicaOf(server replication.ServerID, shard replication.ShardID) *replicaView {
	if s := v.servers[server]; s != nil {
		return s.replicas[shard]
	}
	return nil
}

// transferred takes note that a leadership is to move.
func (v *view) transferred(shard replication.ShardID, to replication.ServerID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shard(shard).transfer = plan.Transfer{To: to, At: time.Now()}
}

// documents are those that are known, by shard. They are not to be changed.
func (v *view) documents() map[replication.ShardID]*replication.Document {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make(map[replication.ShardID]*replication.Document, len(v.shards))
	for id, s := range v.shards {
		if s.document != nil {
			all[id] = s.document
		}
	}
	return all
}

// forget drops a shard of which nothing is left.
func (v *view) forget(shard replication.ShardID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.shards, shard)
	v.tell(true)
}

// gotOn reports whether a replica that was told of has more than it had.
func gotOn(before, now *api.ReplicaReport) bool {
	return before.GetReplica() != now.GetReplica() || before.GetHeadOffset() < now.GetHeadOffset() ||
		before.GetInstalledBytes() != now.GetInstalledBytes() || before.GetAppliedOffset() < now.GetAppliedOffset()
}
