package plan

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

func servers(n int) *api.ClusterConfiguration {
	c := &api.ClusterConfiguration{ServerMetadata: map[string]*api.DataServerMetadata{}}
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		c.Servers = append(c.Servers, &api.DataServerIdentity{Name: &name, Public: name + ":1", Internal: name + ":2"})
		c.ServerMetadata[name] = &api.DataServerMetadata{Labels: map[string]string{"zone": fmt.Sprint("z", i%3)}}
	}
	return c
}

func namespace(name string, shards, factor uint32) *api.Namespace {
	return &api.Namespace{Name: name, InitialShardCount: shards, ReplicationFactor: factor}
}

// drawConfiguration draws a valid configuration of few names, so that they come and
// go.
func drawConfiguration(t *rapid.T) *api.ClusterConfiguration {
	c := servers(rapid.IntRange(1, 7).Draw(t, "servers"))
	labelled := rapid.Bool().Draw(t, "labelled")
	if !labelled {
		c.ServerMetadata = nil
	}
	for i, s := range c.Servers {
		if rapid.IntRange(0, 4).Draw(t, "moved") == 0 {
			s.Public = fmt.Sprintf("moved%d:1", i)
		}
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		n := namespace(name, uint32(rapid.IntRange(1, 9).Draw(t, "shards")), uint32(rapid.IntRange(1, len(c.Servers)).Draw(t, "factor")))
		n.KeySorting = rapid.SampledFrom([]string{"", config.SortingNatural, config.SortingHierarchical}).Draw(t, "sorting")
		n.NotificationsEnabled = rapid.SampledFrom([]*bool{nil, proto.Bool(false), proto.Bool(true)}).Draw(t, "notifications")
		if !labelled {
			c.Namespaces = append(c.Namespaces, n)
			continue
		}
		if mode := rapid.SampledFrom([]string{"", config.ModeStrict, config.ModeRelaxed}).Draw(t, "mode"); mode != "" {
			n.AntiAffinities = []*api.AntiAffinity{{Labels: []string{"zone"}, Mode: mode}}
		}
		c.Namespaces = append(c.Namespaces, n)
	}
	if err := config.Validate(c); err != nil {
		t.Fatalf("drew what is not valid: %v", err)
	}
	return c
}

// elected are the facts of shards of which the first document was stored.
func elected(s Status) map[replication.ShardID]ShardFacts {
	facts := map[replication.ShardID]ShardFacts{}
	for _, n := range s.Namespaces {
		for _, shard := range n.Shards {
			doc := &replication.Document{Version: 1, Status: replication.StatusElecting}
			for i, name := range shard.Ensemble {
				doc.Ensemble = append(doc.Ensemble, replication.DocumentMember{
					Member: replication.Member{Server: name, Replica: replication.ReplicaID(i + 1)},
				})
			}
			facts[shard.ID] = ShardFacts{Document: doc}
		}
	}
	for _, id := range s.Deleting {
		facts[id] = ShardFacts{Document: &replication.Document{
			Version: 2, Status: replication.StatusDeleted, Removed: make([]replication.DocumentMember, 1),
		}}
	}
	return facts
}

// holding are the servers that hold replicas.
func holding(s Status) map[replication.ServerID]bool {
	held := map[replication.ServerID]bool{}
	for _, n := range s.Namespaces {
		for _, shard := range n.Shards {
			for _, name := range shard.Ensemble {
				held[name] = true
			}
		}
	}
	return held
}

// However configurations follow each other: a plan that was carried out leaves nothing
// to plan, and what came of it is sound.
func TestPlansConvergeAndAreSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		status := Status{Cluster: "c"}
		given := map[replication.ShardID]string{}
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			desired := drawConfiguration(t)
			before, beforeCopy := status, status.clone()
			decision := Plan(desired, Observed{Status: status, Shards: elected(status)})
			actions, notes := decision.Actions, decision.Notes
			if !reflect.DeepEqual(before, beforeCopy) {
				t.Fatal("Plan changed what it was given")
			}
			status = Apply(status, actions)
			again := Plan(desired, Observed{Status: status, Shards: elected(before)})
			if len(again.Actions) > 0 || !reflect.DeepEqual(notes, again.Notes) {
				t.Fatalf("planned again: %v after %v, %v", again, actions, notes)
			}
			checkStatus(t, desired, before, status, notes)
			checkIDs(t, given, before, status)
		}
	})
}

func checkStatus(t *rapid.T, desired *api.ClusterConfiguration, before, s Status, notes []Note) {
	for _, wanted := range desired.Servers {
		have := s.server(replication.ServerID(wanted.GetName()))
		if have == nil || have.Public != wanted.Public || have.Internal != wanted.Internal || have.Removed {
			t.Fatalf("server %v is %v", wanted, have)
		}
	}
	for _, have := range s.Servers {
		wanted := int(have.Name[1]-'0') < len(desired.Servers)
		if wanted == have.Removed || have.Removed && !holding(before)[have.Name] {
			t.Fatalf("server %v is wanted %v", have, wanted)
		}
	}
	if len(s.Namespaces) > len(desired.Namespaces) {
		t.Fatalf("%d namespaces of %d", len(s.Namespaces), len(desired.Namespaces))
	}
	for _, wanted := range desired.Namespaces {
		have := s.namespace(wanted.Name)
		if have == nil {
			if len(wanted.AntiAffinities) == 0 || !strings.Contains(fmt.Sprint(notes), "namespace "+wanted.Name+": cannot be created") {
				t.Fatalf("namespace %v was not created, without a reason: %v", wanted, notes)
			}
			continue
		}
		if have.NoNotifications != (wanted.NotificationsEnabled != nil && !*wanted.NotificationsEnabled) {
			t.Fatalf("notifications of %v are %+v", wanted, have)
		}
		checkTiles(t, have)
		if before.namespace(wanted.Name) == nil {
			checkPlaces(t, desired, wanted, have)
		}
	}
}

func checkTiles(t *rapid.T, n *Namespace) {
	next := uint64(0)
	for _, shard := range n.Shards {
		if uint64(shard.Min) != next || shard.Max < shard.Min {
			t.Fatalf("%+v does not follow %d", shard, next)
		}
		next = uint64(shard.Max) + 1
	}
	if next != 1<<32 {
		t.Fatalf("the shards end at %d", next)
	}
}

func checkPlaces(t *rapid.T, desired *api.ClusterConfiguration, wanted *api.Namespace, n *Namespace) {
	if len(n.Shards) != int(wanted.InitialShardCount) || n.ReplicationFactor != wanted.ReplicationFactor {
		t.Fatalf("wanted %v, made %+v", wanted, n)
	}
	replicas := map[replication.ServerID]int{}
	for _, shard := range n.Shards {
		seen, zones := map[replication.ServerID]bool{}, map[string]bool{}
		for _, name := range shard.Ensemble {
			seen[name] = true
			zones[desired.ServerMetadata[string(name)].GetLabels()["zone"]] = true
			replicas[name]++
		}
		if len(seen) != int(wanted.ReplicationFactor) {
			t.Fatalf("ensemble %v", shard.Ensemble)
		}
		for _, rule := range wanted.AntiAffinities {
			apart := len(zones) == len(seen)
			if rule.Mode == config.ModeStrict && !apart || rule.Mode == config.ModeRelaxed && !apart && len(zones) < min(3, len(desired.Servers)) {
				t.Fatalf("%s: %v is in zones %v of %d servers", rule.Mode, shard.Ensemble, zones, len(desired.Servers))
			}
		}
	}
	if desired.ServerMetadata != nil {
		return // zones may hold different numbers of servers
	}
	least, most := len(n.Shards), 0
	for _, s := range desired.Servers {
		count := replicas[replication.ServerID(s.GetName())]
		least, most = min(least, count), max(most, count)
	}
	if most-least > 1 {
		t.Fatalf("replicas are spread as %v", replicas)
	}
}

// checkIDs looks for ids that were given out twice.
func checkIDs(t *rapid.T, given map[replication.ShardID]string, before, s Status) {
	seen := map[replication.ShardID]bool{}
	for _, n := range s.Namespaces {
		for _, shard := range n.Shards {
			if seen[shard.ID] || shard.ID < 0 || shard.ID >= s.NextShard {
				t.Fatalf("shard %d of %s; the next is %d", shard.ID, n.Name, s.NextShard)
			}
			seen[shard.ID] = true
			if before.namespace(n.Name) == nil {
				if other, taken := given[shard.ID]; taken {
					t.Fatalf("shard %d of %s was one of %s", shard.ID, n.Name, other)
				}
				given[shard.ID] = n.Name
			}
		}
	}
	for _, id := range s.Deleting {
		if seen[id] {
			t.Fatalf("shard %d is deleted, and there", id)
		}
		seen[id] = true
	}
	if len(seen) != len(given) {
		t.Fatalf("%d shards were made, and %d are known", len(given), len(seen))
	}
}

func TestHashRangesAreThoseOfTheContract(t *testing.T) {
	want := map[uint32][]hashRange{
		1: {{0, 0xffffffff}},
		2: {{0, 0x7fffffff}, {0x80000000, 0xffffffff}},
		3: {{0, 0x55555555}, {0x55555556, 0xaaaaaaab}, {0xaaaaaaac, 0xffffffff}},
		4: {{0, 0x3fffffff}, {0x40000000, 0x7fffffff}, {0x80000000, 0xbfffffff}, {0xc0000000, 0xffffffff}},
	}
	for n, ranges := range want {
		if got := tile(n); !reflect.DeepEqual(got, ranges) {
			t.Errorf("%d: %x, want %x", n, got, ranges)
		}
	}
}

// Elections that are held at once choose the first of an ensemble.
func TestFirstLeadersAreSpread(t *testing.T) {
	c := servers(3)
	c.Namespaces = []*api.Namespace{namespace("a", 30, 3), namespace("b", 9, 2)}
	decision := Plan(c, Observed{Status: Status{Cluster: "c"}})
	if len(decision.Notes) > 0 {
		t.Fatal(decision.Notes)
	}
	for _, n := range Apply(Status{}, decision.Actions).Namespaces {
		leads := map[replication.ServerID]int{}
		for _, shard := range n.Shards {
			leads[shard.Ensemble[0]]++
		}
		for name, count := range leads {
			if count != len(n.Shards)/3 {
				t.Errorf("%s: %s leads %d of %d", n.Name, name, count, len(n.Shards))
			}
		}
	}
}

func TestWhatIsNotDoneIsTold(t *testing.T) {
	c := servers(4)
	c.Namespaces = []*api.Namespace{namespace("a", 1, 3)}
	status := Apply(Status{Cluster: "c"}, Plan(c, Observed{Status: Status{Cluster: "c"}}).Actions)

	c = servers(2)
	c.Namespaces = []*api.Namespace{namespace("a", 1, 2), namespace("z", 1, 2)}
	c.Namespaces[0].KeySorting = config.SortingNatural
	c.Namespaces[1].AntiAffinities = []*api.AntiAffinity{{Labels: []string{"zone"}, Mode: config.ModeStrict}}
	c.ServerMetadata["s1"].Labels["zone"] = "z0"
	decision := Plan(c, Observed{Status: status, Shards: elected(status)})
	var told []string
	for _, n := range decision.Notes {
		told = append(told, n.String())
	}
	want := []string{
		"namespace a: keySorting was fixed as hierarchical when it was created, and cannot become natural",
		"namespace z: cannot be created: its anti-affinity (zone, strict) leaves servers for 1 of 2 replicas: " +
			"label more servers apart, or make it relaxed",
		"namespace a: shard 0 needs a change (evacuation) that cannot be made now: it has no leader, which alone can bring others up",
		"server s2: left the configuration, and holds replicas still",
	}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	if got := fmt.Sprint(decision.Actions); got != "[server s2: removed, public s2:1, internal s2:2 server s3: removed, public s3:1, internal s3:2 "+
		"namespace a: 2 replicas of each shard server s3: forgotten]" {
		t.Errorf("actions %s", got)
	}
}

func TestStatusIsReadAsItWasWritten(t *testing.T) {
	c := servers(3)
	c.Namespaces = []*api.Namespace{namespace("a", 3, 2)}
	c.Namespaces[0].KeySorting, c.Namespaces[0].NotificationsEnabled = config.SortingNatural, proto.Bool(false)
	status := Apply(Status{
		Cluster: "c", Deleting: []replication.ShardID{7},
		Changes:    []Change{{Shard: 1, Kind: KindLoad, Reason: "r", Began: 5, Aside: true}},
		Recoveries: []Recovery{{Namespace: "a", Shard: 1, At: 3, Term: 2, Survivors: []replication.ServerID{"s1"}, Risk: "all"}},
	}, Plan(c, Observed{Status: Status{Cluster: "c"}}).Actions)
	text, err := status.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeStatus(text)
	if err != nil || !reflect.DeepEqual(back, status) {
		t.Errorf("wrote %s, read %+v, %v", text, back, err)
	}
	for _, bad := range []string{"", "{}", `{"cluster":"c","later":1}`, "[]"} {
		if _, err := DecodeStatus([]byte(bad)); err == nil {
			t.Errorf("read %q", bad)
		}
	}
	settings := &api.ShardSettings{}
	encoded, err := status.Namespaces[0].Settings(status.Namespaces[0].Shards[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(encoded, settings); err != nil {
		t.Fatal(err)
	}
	want := &api.ShardSettings{
		Namespace: "a", MinHashInclusive: 0x55555556, MaxHashInclusive: 0xaaaaaaab,
		KeyOrder: api.KeyOrder_KEY_ORDER_NATURAL, NotificationsDisabled: true,
	}
	if !proto.Equal(settings, want) {
		t.Errorf("settings %v, want %v", settings, want)
	}
}
