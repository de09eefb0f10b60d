package client

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// ledBy is a map of two shards with these leaders.
func ledBy(first, second string) shardMap {
	return shardMap{
		{id: 1, hashes: keyspace.HashRange{Max: 99}, leader: first},
		{id: 2, hashes: keyspace.HashRange{Min: 100, Max: 1<<32 - 1}, leader: second},
	}
}

func (r *router) leaders() [2]string {
	now := r.load()
	return [2]string{now.leaders[1], now.leaders[2]}
}

// The rules by which one of several words counts, one story after the other.
func TestRouterBelievesNews(t *testing.T) {
	r := newRouter()
	check := func(what, first, second string) {
		t.Helper()
		if got := r.leaders(); got != [2]string{first, second} {
			t.Fatalf("%s: leaders are %q, want %q and %q", what, got, first, second)
		}
	}
	r.hear(0, ledBy("a", ""))
	check("the first word is all there is", "a", "")
	disputed := r.hear(1, ledBy("b", "b"))
	check("another's first word fills gaps only", "a", "b")
	if len(disputed) != 1 || disputed[0].id != 1 || disputed[0].leader != "b" {
		t.Errorf("disputed is %v", disputed)
	}
	r.hear(1, ledBy("b", "c"))
	check("what it says anew is news, what it repeats is not", "a", "c")
	r.hear(0, ledBy("a", ""))
	check("nobody is no news of somebody", "a", "c")
	r.correct(1, "a", "")
	check("who is refused asks whom another witness names", "b", "c")
	r.correct(1, "a", "d")
	check("a correction of what was corrected is passed over", "b", "c")
	r.correct(1, "b", "d")
	check("a hint comes first", "d", "c")
	if heard := r.load().heard(1); heard != 1 {
		t.Errorf("refusals count as news: %d", heard)
	}
	r.confirm(1, "e")
	check("who proved it leads", "e", "c")
	if heard := r.load().heard(1); heard != 2 {
		t.Errorf("a proof is no news: %d", heard)
	}
	r.forget(0)
	r.forget(1)
	r.hear(0, ledBy("z", "z"))
	check("with nobody else connected the first word is all there is", "z", "z")
	if r.correct(2, "z", "") {
		t.Error("there is somebody else to ask, whom nobody named")
	}
	r.hear(0, shardMap{{id: 3, hashes: keyspace.FullRange, leader: "y"}})
	if now := r.load(); len(now.shards) != 1 || now.leaders[3] != "y" {
		t.Errorf("other shards: %v", now.shards)
	}
}

func TestRoutesAreSupersededOnlyByChange(t *testing.T) {
	r := newRouter()
	r.hear(0, ledBy("a", "b"))
	before := r.load()
	r.hear(1, ledBy("a", "b"))
	r.hear(0, ledBy("a", "b"))
	select {
	case <-before.superseded:
		t.Error("nothing changed, and everybody was woken")
	default:
	}
	r.hear(0, ledBy("a", "c"))
	<-before.superseded
}

// Whatever a server sends is a map that tiles without overlap, or an error.
func TestShardMapsOfAnyShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := &api.NamespaceShardsAssignment{
			ShardKeyRouter: api.ShardKeyRouter(rapid.IntRange(0, 2).Draw(t, "router")),
		}
		for range rapid.IntRange(0, 5).Draw(t, "shards") {
			a := &api.ShardAssignment{Shard: rapid.Int64Range(-1, 4).Draw(t, "id"), Leader: "a"}
			if rapid.Bool().Draw(t, "hashed") {
				low := rapid.Uint32Range(0, 10).Draw(t, "min")
				a.ShardBoundaries = &api.ShardAssignment_Int32HashRange{Int32HashRange: &api.Int32HashRange{
					MinHashInclusive: low, MaxHashInclusive: low + rapid.Uint32Range(0, 3).Draw(t, "length"),
				}}
			}
			told.Assignments = append(told.Assignments, a)
		}
		m, err := readShardMap(told)
		if err != nil {
			return
		}
		for hash := range uint32(16) {
			holders := 0
			for _, s := range m {
				if s.hashes.Contains(hash) {
					holders++
				}
			}
			found, holds := m.of(hash)
			if holders > 1 || holds != (holders == 1) || holds && !found.hashes.Contains(hash) {
				t.Fatalf("hash %d is held by %d shards, and found in %v, %v", hash, holders, found, holds)
			}
		}
	})
}
