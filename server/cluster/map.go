package cluster

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
	"github.com/ostraka-db/ostraka/replication"
)

// Map is the state of a cluster at one moment.
type Map struct {
	// Revision is the coordinators' number for what they told last.
	Revision int64
	servers  map[replication.ServerID]Addresses
	// shards are in buckets, so that a map in which one differs shares most of them
	// with the one before.
	shards [shardBuckets]map[replication.ShardID]Shard
	// namespaces have their shards by their hash range.
	namespaces  map[string][]replication.ShardID
	authorities []string
}

const shardBuckets = 64

func bucketOf(id replication.ShardID) int { return int(uint64(id) % shardBuckets) }

// Addresses are where a server is reached.
type Addresses struct{ Public, Internal string }

// Shard is what is known of a shard.
type Shard struct {
	ID        replication.ShardID
	Namespace string
	Range     keyspace.HashRange
	// Term is the highest known, and Leader who leads in it; empty if nobody is known to.
	Term   replication.Term
	Leader replication.ServerID
}

// Shard returns a shard of the cluster.
func (m *Map) Shard(id replication.ShardID) (Shard, bool) {
	s, found := m.shards[bucketOf(id)][id]
	return s, found
}

// Namespace returns the shards of a namespace by their hash range, and whether there
// is that namespace; one that was just made may have none.
func (m *Map) Namespace(name string) ([]Shard, bool) {
	ids, found := m.namespaces[name]
	shards := make([]Shard, len(ids))
	for i, id := range ids {
		shards[i], _ = m.Shard(id)
	}
	return shards, found
}

// Public returns the address at which clients reach a server; empty if it is not known.
func (m *Map) Public(id replication.ServerID) string { return m.servers[id].Public }

// Internal returns the addresses at which servers reach each other.
func (m *Map) Internal() map[replication.ServerID]string {
	addresses := make(map[replication.ServerID]string, len(m.servers))
	for id, a := range m.servers {
		addresses[id] = a.Internal
	}
	return addresses
}

// Allows reports whether clients may call under an authority.
func (m *Map) Allows(authority string) bool {
	_, found := slices.BinarySearch(m.authorities, authority)
	return found
}

// Authorities returns the host:port names under which clients may call, in order. They
// are not to be changed.
func (m *Map) Authorities() []string { return m.authorities }

// follows returns the map that a coordinator tells, with what is known better here.
func (m *Map) follows(told *api.ClusterState) *Map {
	next := &Map{
		Revision:    told.GetRevision(),
		servers:     make(map[replication.ServerID]Addresses, len(told.GetServers())),
		namespaces:  map[string][]replication.ShardID{},
		authorities: slices.Compact(slices.Sorted(slices.Values(told.GetAllowedAuthorities()))),
	}
	for i := range next.shards {
		next.shards[i] = map[replication.ShardID]Shard{}
	}
	for _, s := range told.GetServers() {
		next.servers[replication.ServerID(s.GetServer())] = Addresses{Public: s.GetPublic(), Internal: s.GetInternal()}
	}
	for _, name := range told.GetNamespaces() {
		next.namespaces[name] = nil
	}
	for _, s := range told.GetShards() {
		shard := Shard{
			ID: replication.ShardID(s.GetShard()), Namespace: s.GetNamespace(),
			Range: keyspace.HashRange{Min: s.GetMinHashInclusive(), Max: s.GetMaxHashInclusive()},
			Term:  replication.Term(s.GetTerm()), Leader: replication.ServerID(s.GetLeader()),
		}
		if known, found := m.Shard(shard.ID); found {
			shard.keep(known.Term, known.Leader)
		}
		next.shards[bucketOf(shard.ID)][shard.ID] = shard
		next.namespaces[shard.Namespace] = append(next.namespaces[shard.Namespace], shard.ID)
	}
	for _, ids := range next.namespaces {
		slices.SortFunc(ids, func(a, b replication.ShardID) int {
			x, _ := next.Shard(a)
			y, _ := next.Shard(b)
			return cmp.Or(cmp.Compare(x.Range.Min, y.Range.Min), cmp.Compare(a, b))
		})
	}
	return next
}

// keep takes over a term that is higher, or the leader of the same term where that is
// not known.
func (s *Shard) keep(term replication.Term, leader replication.ServerID) {
	if term > s.Term || (term == s.Term && s.Leader == "") {
		s.Term, s.Leader = term, leader
	}
}

// with returns the map with one shard replaced.
func (m *Map) with(s Shard) *Map {
	next := *m
	bucket := maps.Clone(m.shards[bucketOf(s.ID)])
	bucket[s.ID] = s
	next.shards[bucketOf(s.ID)] = bucket
	return &next
}
