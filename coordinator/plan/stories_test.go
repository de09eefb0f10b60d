package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

// plain are so many servers without labels, with namespaces.
func plain(n int, namespaces ...*api.Namespace) *api.ClusterConfiguration {
	c := servers(n)
	c.ServerMetadata, c.Namespaces = nil, namespaces
	return c
}

func (w *world) setDraining(server replication.ServerID, on bool) {
	s := *w.status.server(server)
	s.Draining = on
	w.status = Apply(w.status, []Action{PutServer{Server: s}})
}

func (w *world) holds(server replication.ServerID) (shards []replication.ShardID) {
	for id, doc := range w.docs {
		for _, m := range doc.Ensemble {
			if m.Server == server {
				shards = append(shards, id)
			}
		}
	}
	return shards
}

func TestOneStuckShardBlocksNoOther(t *testing.T) {
	w := newStory(t, plain(4, namespace("a", 20, 2)))
	w.options.Changes, w.options.ChangesPerServer = 2, 2
	w.rest()
	w.setDraining("s0", true)
	for _, a := range w.plan().Actions {
		if m, is := a.(SetEnsemble); is {
			w.stuck[m.Change.Shard] = true
		}
	}
	if len(w.stuck) != 2 {
		t.Fatalf("%d shards change", len(w.stuck))
	}
	begun := w.now
	for len(w.holds("s0")) > len(w.stuck) {
		if w.plan(); w.now.Sub(begun) > w.options.Quarantine {
			t.Fatalf("s0 holds %v still", w.holds("s0"))
		}
		w.pass(time.Second, true)
	}
	if w.now.Sub(begun) < w.options.StuckAfter {
		t.Error("they were given up too soon")
	}
	// Once they get on, they are emptied, too.
	w.stuck = map[replication.ShardID]bool{}
	if w.rest(); len(w.holds("s0")) > 0 {
		t.Errorf("s0 holds %v at the end", w.holds("s0"))
	}
}

func TestChangeGoesBackWhenItsTargetIsLost(t *testing.T) {
	w := newStory(t, plain(3, namespace("a", 6, 3)))
	w.rest()
	w.configure(plain(4, namespace("a", 6, 3)))
	w.pass(w.options.SteadyFor, true)
	if d := w.plan(); len(w.status.Changes) == 0 || w.done() {
		t.Fatalf("nothing moves to s3: %v", d)
	}
	w.reach("s3", false)
	w.pass(w.options.TargetLost-time.Second, true)
	if d := w.plan(); len(d.Actions) > 0 || d.Again != w.now.Add(time.Second) {
		t.Errorf("too soon: %v, again at %v", d.Actions, d.Again.Sub(w.now))
	}
	w.pass(time.Second, true)
	d := w.plan()
	for _, a := range d.Actions {
		if !strings.Contains(a.String(), "(withdrawal)") || !strings.Contains(a.String(), "s3 has been out of reach for 30s") {
			t.Errorf("planned %v", a)
		}
	}
	if len(d.Actions) == 0 || len(w.holds("s3")) > 0 || !w.done() {
		t.Errorf("planned %v; s3 holds %v", d.Actions, w.holds("s3"))
	}
	w.reach("s3", true)
	if w.rest(); len(w.holds("s3")) != 4 && len(w.holds("s3")) != 5 {
		t.Errorf("s3 holds %v in the end", w.holds("s3"))
	}
}

func TestDeadServerIsReplacedWhenItIsRemoved(t *testing.T) {
	w := newStory(t, plain(4, namespace("a", 8, 3)))
	w.rest()
	held := w.holds("s3")
	w.reach("s3", false)
	w.rest()
	if len(w.moves) > 1 || w.moves["lead"] == 0 || len(w.holds("s3")) != len(held) {
		t.Fatalf("moved %v", w.moves)
	}
	// What left it cannot be deleted there, for which nobody waits for ever.
	w.configure(plain(3, namespace("a", 8, 3)))
	w.unsettled = true
	if w.rest(); len(w.holds("s3")) > 0 || w.status.server("s3") != nil {
		t.Errorf("s3 holds %v: %v", w.holds("s3"), w.status.Servers)
	}
	if all := strings.Join(w.told, "\n"); !strings.Contains(all, "server s3: forgotten; it was away") {
		t.Errorf("told\n%s", all)
	}
}

func TestRulesThatChangeAreFollowed(t *testing.T) {
	c := servers(6)
	c.Namespaces = []*api.Namespace{namespace("a", 9, 3)}
	for i := range 6 {
		c.ServerMetadata[fmt.Sprintf("s%d", i)].Labels = map[string]string{LabelZone: fmt.Sprint("z", i/2), "rack": fmt.Sprint("r", i%3)}
	}
	w := newStory(t, c)
	w.rest()
	together := func(group func(i byte) byte) int {
		count := 0
		for _, doc := range w.docs {
			seen := map[byte]bool{}
			for _, s := range serversOf(doc) {
				seen[group(s[1]-'0')] = true
			}
			count += 3 - len(seen)
		}
		return count
	}
	if n := together(func(i byte) byte { return i / 2 }); n > 0 {
		t.Errorf("%d replicas share a zone", n)
	}
	c.Namespaces[0].AntiAffinities = []*api.AntiAffinity{{Labels: []string{"rack"}, Mode: config.ModeStrict}}
	w.configure(c)
	w.rest()
	if n := together(func(i byte) byte { return i % 3 }); n > 0 {
		t.Errorf("%d replicas share a rack", n)
	}
	if n := together(func(i byte) byte { return i / 2 }); n > 0 {
		t.Errorf("%d replicas share a zone by then", n)
	}
}

func TestLeadersComeBackAfterAWhile(t *testing.T) {
	w := newStory(t, plain(3, namespace("a", 12, 3)))
	w.rest()
	w.reach("s0", false)
	w.rest()
	w.reach("s0", true)
	for _, s := range w.status.Namespaces[0].Shards[:2] {
		w.stubborn[s.ID] = true
	}
	back := w.now
	for range 400 {
		if d := w.plan(); len(d.Actions) > 0 && w.now.Sub(back) < w.options.LeadersAfter {
			t.Fatalf("planned %v, %v after its return", d.Actions, w.now.Sub(back))
		}
		w.pass(time.Second, true)
	}
	leads := 0
	for _, leader := range w.leaders {
		if leader == "s0" {
			leads++
		}
	}
	if leads != 4 || w.moves["lead"] > 6 {
		t.Errorf("s0 leads %d of 12 after %d transfers", leads, w.moves["lead"])
	}
}

func TestBalancerKeepsToItsInterval(t *testing.T) {
	w := newStory(t, plain(2, namespace("a", 30, 1)))
	w.options.MovesPerInterval, w.options.Interval = 3, 10*time.Second
	w.rest()
	w.configure(plain(3, namespace("a", 30, 1)))
	w.pass(w.options.SteadyFor, true)
	var begun []time.Time
	for len(begun) < 10 {
		for _, a := range w.plan().Actions {
			if m, is := a.(SetEnsemble); is && m.Change.Kind == KindBalance {
				begun = append(begun, w.now)
			}
		}
		if n := len(begun); n > 3 && begun[n-1].Sub(begun[n-4]) < w.options.Interval {
			t.Fatalf("begun at %v", begun)
		}
		w.pass(time.Second, true)
	}
}

// burden gives the shards loads, which are heavy on one server, in an order that is always
// the same.
func (w *world) burden(number func(what string, least, most int) int) {
	for _, id := range slices.Sorted(maps.Keys(w.docs)) {
		load := Load{Bytes: int64(number("size", 1, 50)) << 26, Writes: float64(number("writes", 0, 60)), Reads: float64(number("reads", 0, 300))}
		if slices.Contains(serversOf(w.docs[id]), "s0") {
			load.Bytes, load.Writes = 4*load.Bytes, 3*load.Writes
		}
		w.loads[id] = load
	}
	w.changed()
}

// burdens are what each server has by now, and how many replicas.
func (w *world) burdens() (loads map[string]map[replication.ServerID]float64, count map[replication.ServerID]int) {
	bytes, writes := map[replication.ServerID]float64{}, map[replication.ServerID]float64{}
	count = map[replication.ServerID]int{}
	for id, doc := range w.docs {
		for _, s := range serversOf(doc) {
			bytes[s] += float64(w.loads[id].Bytes)
			writes[s] += w.loads[id].Writes
			count[s]++
		}
	}
	return map[string]map[replication.ServerID]float64{"bytes": bytes, "writes": writes}, count
}

// most is what the server has that has most, and what each would have if all had the same.
func most(of map[replication.ServerID]float64) (most, mean float64) {
	for _, n := range of {
		mean += n / float64(len(of))
		most = max(most, n)
	}
	return most, mean
}

// Whatever the loads are: what is moved for them comes to an end, the numbers stay even, and
// no server comes to have more than the fullest had, unless that is little.
func TestLoadsAreNotMadeWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, plain(rapid.IntRange(3, 6).Draw(t, "servers"), namespace("a", 60, 2)))
		w.rest()
		w.burden(func(what string, least, most int) int { return rapid.IntRange(least, most).Draw(t, what) })
		// Short rests show that it ends without them, too.
		w.options.LoadRest = time.Duration(rapid.SampledFrom([]int{1, 3600}).Draw(t, "rest")) * time.Second
		before, _ := w.burdens()
		w.rest()
		after, count := w.burdens()
		w.checkEven(t, "replicas", count, 1)
		for what, of := range after {
			fullest, _ := most(before[what])
			if now, mean := most(of); now > max(fullest, mean*(1+LoadMargin/2))*1.0001 {
				t.Fatalf("%s: %v after %v, the mean is %v after %v", what, of, before[what], mean, w.moves)
			}
		}
	})
}

// Where one server has too much, it ends within the margin. That is no law, as exchanges of
// two replicas cannot even everything out; these are clusters in which they can.
func TestLoadsAreEvened(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := newStory(t, plain(3+int(seed%4), namespace("a", 60, 2)))
		w.rest()
		w.burden(func(_ string, least, most int) int { return least + random.IntN(most-least+1) })
		w.options.LoadRest = time.Second
		w.rest()
		after, _ := w.burdens()
		for what, of := range after {
			if now, mean := most(of); now > mean*(1+LoadMargin+0.05) {
				t.Errorf("seed %d, %s: %v, the mean is %v after %v", seed, what, of, mean, w.moves)
			}
		}
	}
}

func TestExplanation(t *testing.T) {
	w := newStory(t, plain(3, namespace("a", 6, 2)))
	w.options.Changes = 1
	w.rest()
	w.setDraining("s1", true)
	w.plan()
	w.pass(time.Second, true)
	e := Explain(w.desired, w.observed())
	var told []string
	for _, a := range e.Next {
		told = append(told, "next "+a.String())
	}
	for _, n := range e.Held {
		told = append(told, "held "+n.String())
	}
	for _, s := range e.Servers {
		told = append(told, fmt.Sprintf("%s has %d, leads %d; %s; %s", s.Server, s.Replicas, s.Leaders, s.NoReplicas, s.NoLeaders))
	}
	want := []string{
		"next shard 2: to be on s0, s2 (evacuation): s1: it is drained",
		"next shard 3: to be on s0, s2 (evacuation): s1: it is drained",
		"next shard 5: to be on s0, s2 (evacuation): s1: it is drained",
		"held moves of replicas: 1 shards change already, of at most 1 at a time",
		"held moves of replicas: what must be moved comes before what may be",
		"s0 has 4, leads 3; ; ",
		"s1 has 3, leads 0; it is drained; it is drained",
		"s2 has 5, leads 3; ; ",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// The changes that the status keeps do not grow with time, nor with how much is moved.
func TestChangesAreForgotten(t *testing.T) {
	w := newStory(t, plain(3, namespace("a", maxRested+200, 1)))
	w.options.Rest, w.options.Quarantine, w.options.LoadRest = 10*time.Minute, 5*time.Minute, 20*time.Minute
	w.plan()
	w.pass(time.Second, true)
	for i, s := range w.status.Namespaces[0].Shards {
		kind := KindFactor
		if i%2 == 0 {
			kind = KindLoad
		}
		w.status.Changes = append(w.status.Changes, Change{Shard: s.ID, Kind: kind, Began: w.now.UnixMilli()})
	}
	for _, one := range []struct {
		after time.Duration
		left  int
	}{{0, maxRested}, {10*time.Minute - time.Second, maxRested}, {time.Second, maxRested / 2}, {10 * time.Minute, 0}} {
		w.now = w.now.Add(one.after)
		w.plan()
		if n := len(w.status.Changes); n != one.left {
			t.Errorf("%d changes are kept after another %v, want %d", n, one.after, one.left)
		}
	}
}

// Members that are damaged, or behind, are given no leadership.
func TestUnfitMembersAreNotMadeLeaders(t *testing.T) {
	w := newStory(t, plain(2, namespace("a", 6, 2)))
	w.rest()
	w.setDraining("s0", true)
	o := w.observed()
	o.Now = o.Now.Add(time.Hour)
	for id, facts := range o.Shards {
		facts.Leader, facts.Unfit = "s0", []replication.ServerID{"s1"}
		o.Shards[id] = facts
	}
	if d := Plan(w.desired, o); len(d.Actions) > 0 {
		t.Errorf("planned %v", d.Actions)
	}
	for id, facts := range o.Shards {
		facts.Unfit = nil
		o.Shards[id] = facts
	}
	if d := Plan(w.desired, o); len(d.Actions) != 6 {
		t.Errorf("planned %v for fit ones", d.Actions)
	}
}

// A server that has been away for long is given replicas of new shards only where no other
// can be.
func TestNewShardsAvoidServersThatAreLongAway(t *testing.T) {
	w := newStory(t, plain(3))
	w.rest()
	w.reach("s1", false)
	for away, replicas := range map[time.Duration]int{w.options.LongAway - time.Second: 2, w.options.LongAway: 0} {
		o := w.observed()
		o.Now = o.Now.Add(away)
		status := Apply(w.status, Plan(plain(3, namespace("a", 3, 2), namespace("b", 1, 3)), o).Actions)
		there := 0
		for _, s := range status.namespace("a").Shards {
			if strings.Contains(names(s.Ensemble), "s1") {
				there++
			}
		}
		if there != replicas || status.namespace("b") == nil {
			t.Errorf("away for %v, s1 holds %d shards of 3: %v", away, there, status.Namespaces)
		}
	}
}
