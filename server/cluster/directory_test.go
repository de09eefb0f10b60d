package cluster

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
	"github.com/ostraka-db/ostraka/replication"
)

func told(revision, term int64, leader string) *api.ClusterState {
	return &api.ClusterState{
		Revision: revision,
		Servers:  []*api.ServerAddress{{Server: "s1", Public: "h1:1", Internal: "h1:2"}, {Server: "s2", Public: "h2:1", Internal: "h2:2"}},
		Shards: []*api.ShardState{
			{Namespace: "default", Shard: 2, MinHashInclusive: 100, MaxHashInclusive: 1<<32 - 1, Term: term, Leader: leader},
			{Namespace: "default", Shard: 1, MaxHashInclusive: 99, Term: 1, Leader: "s2"},
		},
		AllowedAuthorities: []string{"h2:1", "h1:1"},
		Namespaces:         []string{"default", "empty"},
	}
}

func TestMapTellsWhatCoordinatorsTold(t *testing.T) {
	d := NewDirectory()
	m, changed := d.Map()
	if m != nil {
		t.Fatal("there is a map that nobody told")
	}
	if !d.Told(told(7, 3, "s1")) {
		t.Fatal("the first word was no news")
	}
	select {
	case <-changed:
	default:
		t.Error("the change was not told")
	}
	m, _ = d.Map()
	shards, found := m.Namespace("default")
	if !found || len(shards) != 2 || shards[0].ID != 1 || shards[1].ID != 2 {
		t.Errorf("the shards by their range are %+v", shards)
	}
	want := Shard{ID: 2, Namespace: "default", Range: keyspace.HashRange{Min: 100, Max: 1<<32 - 1}, Term: 3, Leader: "s1"}
	if s, _ := m.Shard(2); s != want {
		t.Errorf("shard 2 is %+v", s)
	}
	if shards, found := m.Namespace("empty"); !found || len(shards) != 0 {
		t.Error("a namespace without shards is not there")
	}
	if _, found := m.Namespace("other"); found {
		t.Error("there is a namespace that nobody told")
	}
	if m.Public("s2") != "h2:1" || m.Internal()["s1"] != "h1:2" || m.Public("s3") != "" {
		t.Error("addresses are not what was told")
	}
	if !m.Allows("h1:1") || m.Allows("h3:1") || m.Allows("") {
		t.Error("authorities are not what was told")
	}
}

func TestEarlierRevisionIsNotListenedTo(t *testing.T) {
	d := NewDirectory()
	d.Told(told(7, 3, "s1"))
	if d.Told(told(6, 4, "s2")) {
		t.Error("an earlier revision was news")
	}
	if !d.Told(told(7, 4, "s2")) {
		t.Error("the same revision of another coordinator was not taken")
	}
}

// Whatever is told, in whatever order, a shard's term never goes back, and its leader
// is one that somebody named for that very term.
func TestHigherTermIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDirectory()
		leaders := map[int64]string{} // one for each term, as the protocol has it
		highest, named := int64(0), false
		for range rapid.IntRange(1, 20).Draw(t, "words") {
			term := rapid.Int64Range(1, 5).Draw(t, "term")
			if leaders[term] == "" {
				leaders[term] = rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "leader")
			}
			leader := leaders[term]
			if rapid.Bool().Draw(t, "own") {
				d.Leads(2, replication.Term(term), replication.ServerID(leader))
			} else {
				if rapid.Bool().Draw(t, "electing") {
					leader = ""
				}
				d.Told(told(1, term, leader))
			}
			switch {
			case term > highest:
				highest, named = term, leader != ""
			case term == highest:
				named = named || leader != ""
			}
		}
		d.Told(told(1, 0, ""))
		m, _ := d.Map()
		s, _ := m.Shard(2)
		want := ""
		if named {
			want = leaders[highest]
		}
		if s.Term != replication.Term(highest) || string(s.Leader) != want {
			t.Fatalf("the shard is %+v, want term %d led by %q", s, highest, want)
		}
	})
}
