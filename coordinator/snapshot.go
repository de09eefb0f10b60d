package coordinator

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// Snapshot is what a coordinator knows at a moment. It shares nothing that changes.
type Snapshot struct {
	// Lease says who leads among the coordinators.
	Lease lease.State
	// ConfigProblem says why what the operator wrote last is not in force; nil if it is.
	ConfigProblem error
	// Config is the configuration in force, which Status need not have come to yet.
	Config *api.ClusterConfiguration
	// Known is set while this coordinator leads and has read what there is. The rest
	// is empty otherwise.
	Known  bool
	Status plan.Status
	// Notes are what is wanted and cannot be, with the reasons.
	Notes []plan.Note
	// Moves are those that are under way, the oldest first.
	Moves   []Move
	Shards  map[replication.ShardID]ShardSnapshot
	Servers map[replication.ServerID]ServerSnapshot
}

// ShardSnapshot is a shard as it was last heard of.
type ShardSnapshot struct {
	// Namespace is empty for a shard whose namespace was deleted, and which is on its way
	// out.
	Namespace string
	Term      replication.Term
	// Leader is empty while there is none.
	Leader replication.ServerID
	// Since is since when it is led by Leader, or by nobody, as far as this coordinator
	// saw; zero if it found it so.
	Since time.Time
	// Document is the newest that is known to be, or to have been, stored. Its version is
	// zero if there is none yet.
	Document replication.Document
	// Wanted are the servers on which replicas are wanted.
	Wanted []replication.ServerID
	// Replicas are the members that Document names, voters first, and then those that it
	// names as removed and not yet deleted.
	Replicas []ReplicaSnapshot
	// Electing is why the election that is under way is held; empty if none is.
	Electing Cause
	// Troubles are why the shard is not steady: empty if everything is as it is wanted.
	Troubles []Trouble
}

// Standing is what a replica is to its shard.
type Standing string

// The standings.
const (
	// StandingVoter: it is in the ensemble.
	StandingVoter Standing = "voter"
	// StandingJoining: it votes too, until it is one of the ensemble.
	StandingJoining Standing = "joining"
	// StandingLearner: it catches up, and does not vote.
	StandingLearner Standing = "learner"
	// StandingRemoved: it left, and is to be deleted.
	StandingRemoved Standing = "removed"
)

// ReplicaSnapshot is a replica as it was last heard of.
type ReplicaSnapshot struct {
	replication.Member
	Standing Standing
	// Leaving says that it votes, and is not to any more.
	Leaving bool
	// Reachable says that its server is heard.
	Reachable bool
	// Report is what its server told of it last; nil if it told nothing yet. It is not to
	// be changed.
	Report *api.ReplicaReport
	// Lag is by how many entries it is behind the leader, as far as that is known.
	Lag int64
	// WritesPerSecond and ReadsPerSecond are those of about the last minute.
	WritesPerSecond, ReadsPerSecond float64
}

// ServerSnapshot is a server as it was last heard of.
type ServerSnapshot struct {
	// State is what the server told last; nil while there is no stream to it, for the
	// reason that Err tells.
	State *api.ServerState
	Err   error
	// Reachable says that it is heard, Since from when on that is so; zero if it was
	// never otherwise.
	Reachable bool
	Since     time.Time
	// Replicas are how many it told of, Leaders how many of them lead and serve, DiskBytes
	// what their states take on its disk, and the rates those of all of them.
	Replicas, Leaders               int
	DiskBytes                       int64
	WritesPerSecond, ReadsPerSecond float64
}

// Snapshot returns what is known now.
func (c *Coordinator) Snapshot() Snapshot {
	s := Snapshot{
		Lease: c.candidate.State(), Config: c.options.Config.Current(), ConfigProblem: c.options.Config.Problem(),
	}
	if r, err := c.reign(); err == nil {
		r.view.snapshot(&s, time.Now())
		s.Moves = r.moves.now()
	}
	return s
}

// shardsAtOnce is how many shards are looked at while the view is locked, so that an
// election does not wait for a picture of thousands.
const shardsAtOnce = 256

// snapshot fills in what the view knows.
func (v *view) snapshot(s *Snapshot, now time.Time) {
	v.mu.Lock()
	s.Known, s.Status, s.Notes = true, v.status, v.notes
	v.mu.Unlock()
	s.Servers = v.serversNow()
	s.Shards = map[replication.ShardID]ShardSnapshot{}
	var all []ShardSnapshot
	var ids []replication.ShardID
	for _, n := range s.Status.Namespaces {
		for _, shard := range n.Shards {
			ids, all = append(ids, shard.ID), append(all, ShardSnapshot{Namespace: n.Name, Wanted: shard.Ensemble})
		}
	}
	for _, id := range s.Status.Deleting {
		ids, all = append(ids, id), append(all, ShardSnapshot{})
	}
	for at := range slices.Chunk(indexes(len(ids)), shardsAtOnce) {
		v.mu.Lock()
		for _, i := range at {
			v.describe(ids[i], &all[i])
		}
		v.mu.Unlock()
	}
	for i := range all {
		all[i].Troubles = troubles(&all[i], s.Servers, now)
		s.Shards[ids[i]] = all[i]
	}
}

// shardNow is what is known of a shard of a namespace, without its troubles.
func (v *view) shardNow(id replication.ShardID) (ShardSnapshot, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, found := v.places[id]
	s := ShardSnapshot{Namespace: p.namespace, Wanted: p.wanted}
	if found {
		v.describe(id, &s)
	}
	return s, found
}

// serversNow are the servers that are known.
func (v *view) serversNow() map[replication.ServerID]ServerSnapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make(map[replication.ServerID]ServerSnapshot, len(v.servers))
	for id, one := range v.servers {
		all[id] = one.snapshot()
	}
	return all
}

// serverNow is what is known of a server.
func (v *view) serverNow(id replication.ServerID) ServerSnapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.servers[id]; s != nil {
		return s.snapshot()
	}
	return ServerSnapshot{}
}

// indexes are the numbers below n.
func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// describe fills in what is known of a shard. The view is locked.
func (v *view) describe(id replication.ShardID, s *ShardSnapshot) {
	known := v.shards[id]
	if known == nil {
		return
	}
	s.Term, s.Leader, s.Since, s.Electing = known.term, known.leader, known.since, known.cause
	if known.document == nil {
		return
	}
	s.Document = *known.document
	doc := &s.Document
	add := func(standing Standing, members []replication.DocumentMember) {
		for _, m := range members {
			if !slices.ContainsFunc(s.Replicas, func(r ReplicaSnapshot) bool { return r.Member == m.Member }) {
				s.Replicas = append(s.Replicas, v.replica(id, s.Leader, m.Member, standing))
			}
		}
	}
	add(StandingVoter, doc.Ensemble)
	add(StandingJoining, doc.Joining)
	add(StandingLearner, doc.Learners)
	add(StandingRemoved, doc.Removed)
	for i := range s.Replicas {
		r := &s.Replicas[i]
		r.Leaving = r.Standing == StandingVoter && len(doc.Joining) > 0 &&
			!slices.ContainsFunc(doc.Joining, func(m replication.DocumentMember) bool { return m.Member == r.Member })
	}
}

// replica is what is known of a shard's replica. The view is locked.
func (v *view) replica(shard replication.ShardID, leader replication.ServerID, m replication.Member, standing Standing) ReplicaSnapshot {
	r := ReplicaSnapshot{Member: m, Standing: standing}
	server := v.servers[m.Server]
	if server == nil {
		return r
	}
	r.Reachable = server.reachable()
	// A server that told of another replica of the shard told of nothing that is asked here.
	if known := server.replicas[shard]; known != nil && known.report.GetReplica() == int64(m.Replica) {
		r.Report = known.report
		r.WritesPerSecond, r.ReadsPerSecond = known.writes.at(server.completeAt), known.reads.at(server.completeAt)
	}
	r.Lag = v.lag(shard, leader, m)
	return r
}

// lag is by how much the leader tells that a member is behind. The view is locked.
func (v *view) lag(shard replication.ShardID, leader replication.ServerID, m replication.Member) int64 {
	if leads := v.servers[leader]; leads != nil && leads.replicas[shard] != nil {
		for _, told := range leads.replicas[shard].report.GetMembers() {
			if told.GetServer() == string(m.Server) && told.GetReplica() == int64(m.Replica) {
				return told.GetLag()
			}
		}
	}
	return 0
}

// snapshot is what is known of a server. The view is locked.
func (s *serverView) snapshot() ServerSnapshot {
	shown := ServerSnapshot{
		State: s.state, Err: s.reason, Reachable: s.reachable(), Since: s.since,
		Replicas: len(s.replicas),
	}
	for _, r := range s.replicas {
		if r.report.GetServing() {
			shown.Leaders++
		}
		shown.DiskBytes += r.report.GetDiskBytes()
		shown.WritesPerSecond += r.writes.at(s.completeAt)
		shown.ReadsPerSecond += r.reads.at(s.completeAt)
	}
	return shown
}
