package client

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// shard is a part of the namespace: its hashes, and who leads it as far as is known.
type shard struct {
	id     int64
	hashes keyspace.HashRange
	leader string // host:port, empty while there is none
}

// shardMap is the shards of a namespace, by ascending hash. It does not change.
type shardMap []shard

// readShardMap makes a map of what a server told, or says what is wrong with it.
func readShardMap(told *api.NamespaceShardsAssignment) (shardMap, error) {
	if router := told.GetShardKeyRouter(); router != api.ShardKeyRouter_XXHASH3 {
		return nil, fmt.Errorf("shard map routes keys by %s, of which this client knows nothing; upgrade the client", router)
	}
	m := make(shardMap, 0, len(told.GetAssignments()))
	for _, a := range told.GetAssignments() {
		hashes := a.GetInt32HashRange()
		if a.GetShard() < 0 || hashes == nil || hashes.GetMinHashInclusive() > hashes.GetMaxHashInclusive() {
			return nil, fmt.Errorf("shard map has a shard that cannot be: %v", a)
		}
		m = append(m, shard{
			id:     a.GetShard(),
			hashes: keyspace.HashRange{Min: hashes.GetMinHashInclusive(), Max: hashes.GetMaxHashInclusive()},
			leader: a.GetLeader(),
		})
	}
	if len(m) == 0 {
		return nil, fmt.Errorf("shard map is empty")
	}
	slices.SortFunc(m, func(a, b shard) int { return cmp.Compare(a.hashes.Min, b.hashes.Min) })
	ids := map[int64]bool{}
	for i, s := range m {
		if ids[s.id] || i > 0 && s.hashes.Min <= m[i-1].hashes.Max {
			return nil, fmt.Errorf("shard map has shard %d twice, or beside one that overlaps it", s.id)
		}
		ids[s.id] = true
	}
	return m, nil
}

// of returns the shard that holds a hash.
func (m shardMap) of(hash uint32) (shard, bool) {
	i, _ := slices.BinarySearchFunc(m, hash, func(s shard, hash uint32) int { return cmp.Compare(s.hashes.Max, hash) })
	if i < len(m) && m[i].hashes.Contains(hash) {
		return m[i], true
	}
	return shard{}, false
}

// index returns the place of a shard, or -1.
func (m shardMap) index(id int64) int {
	return slices.IndexFunc(m, func(s shard) bool { return s.id == id })
}

// leader returns who leads a shard: empty if nobody is known to, or there is no such
// shard.
func (m shardMap) leader(id int64) string {
	if i := m.index(id); i >= 0 {
		return m[i].leader
	}
	return ""
}

// sameShape reports whether two maps have the same shards with the same hashes.
func sameShape(a, b shardMap) bool {
	return slices.EqualFunc(a, b, func(a, b shard) bool { return a.id == b.id && a.hashes == b.hashes })
}
