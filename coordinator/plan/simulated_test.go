package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// drawCluster draws a configuration of so many servers, the first of which have the
// names of those before.
func drawCluster(t *rapid.T, labelled bool) *api.ClusterConfiguration {
	c := servers(rapid.IntRange(1, 7).Draw(t, "servers"))
	if !labelled {
		c.ServerMetadata = nil
	}
	for _, name := range []string{"a", "b", "c"} {
		if rapid.IntRange(0, 3).Draw(t, name) > 0 {
			factor := rapid.IntRange(1, min(5, len(c.Servers))).Draw(t, "factor")
			n := namespace(name, uint32(rapid.IntRange(1, 12).Draw(t, "shards")), uint32(factor))
			if labelled && rapid.Bool().Draw(t, "rule") {
				n.AntiAffinities = []*api.AntiAffinity{{Labels: []string{"zone"}, Mode: rapid.SampledFrom([]string{"strict", "relaxed"}).Draw(t, "mode")}}
			}
			c.Namespaces = append(c.Namespaces, n)
		}
	}
	return c
}

// Configurations change, servers come and go, and what is planned is done sooner or later:
// no majority is ever put out of reach, the limits are kept, and once all is well
// everything comes to be as it is wanted, and stays so.
func TestWhateverHappensItConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labelled := rapid.Bool().Draw(t, "labelled")
		w := newWorld(t, drawCluster(t, labelled))
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				w.configure(drawCluster(t, labelled))
			case 1, 2:
				s := rapid.SampledFrom(w.desired.Servers).Draw(t, "server")
				w.reach(replication.ServerID(s.GetName()), rapid.Bool().Draw(t, "reachable"))
			case 3:
				w.drain(rapid.Bool().Draw(t, "drained"))
			}
			w.plan()
			w.pass(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds"))*time.Second, false)
		}
		for name := range w.servers {
			w.reach(name, true)
		}
		for i := range w.status.Servers {
			w.status.Servers[i].Draining = false
		}
		w.changed()
		notes := w.rest()
		w.checkEnd(t, notes, labelled)
	})
}

func (w *world) drain(on bool) {
	if len(w.status.Servers) == 0 {
		return
	}
	s := w.status.Servers[w.choose(len(w.status.Servers))]
	s.Draining = on
	w.status = Apply(w.status, []Action{PutServer{Server: s}})
	w.changed()
}

func (w *world) checkEnd(t *rapid.T, notes []Note, labelled bool) {
	if len(w.status.Deleting) > 0 {
		t.Fatalf("%v are left", w.status.Deleting)
	}
	for _, s := range w.status.Servers {
		wanted := slices.ContainsFunc(w.desired.Servers, func(d *api.DataServerIdentity) bool { return d.GetName() == string(s.Name) })
		if !wanted && len(notes) == 0 {
			t.Fatalf("%s is there still: %v", s.Name, notes)
		}
	}
	if labelled {
		return
	}
	if len(notes) > 0 {
		t.Fatalf("notes: %v", notes)
	}
	total, leads := map[replication.ServerID]int{}, map[replication.ServerID]int{}
	for _, n := range w.status.Namespaces {
		here, leadsHere := map[replication.ServerID]int{}, map[replication.ServerID]int{}
		for _, s := range n.Shards {
			if len(s.Ensemble) != int(n.ReplicationFactor) {
				t.Fatalf("%v of %d", s, n.ReplicationFactor)
			}
			for _, name := range s.Ensemble {
				here[name]++
				total[name]++
			}
			leadsHere[w.leaders[s.ID]]++
			leads[w.leaders[s.ID]]++
		}
		w.checkEven(t, "replicas of "+n.Name, here, 1)
		if n.ReplicationFactor > 1 {
			w.checkEven(t, "leaders of "+n.Name, leadsHere, 2)
		}
	}
	w.checkEven(t, "replicas", total, 1)
}

func (w *world) checkEven(t *rapid.T, what string, counts map[replication.ServerID]int, bound int) {
	if least, most, all := w.spreadOf(func(s replication.ServerID) int { return counts[s] }); most-least > bound {
		t.Fatalf("%s:%s", what, all)
	}
}

// What is moved is what is above the mean, and no more.
func TestNoMoreIsMovedThanMust(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.IntRange(1, 6).Draw(t, "before"), rapid.IntRange(1, 6).Draw(t, "more")
		shards := rapid.IntRange(1, 40).Draw(t, "shards")
		factor := rapid.IntRange(1, min(3, before)).Draw(t, "factor")
		c := servers(before)
		c.ServerMetadata = nil
		c.Namespaces = []*api.Namespace{namespace("a", uint32(shards), uint32(factor))}
		w := newWorld(t, c)
		w.rest()
		c = servers(before + after)
		c.ServerMetadata = nil
		c.Namespaces = []*api.Namespace{namespace("a", uint32(shards), uint32(factor))}
		w.configure(c)
		w.rest()
		if most := shards * factor * after / (before + after); w.moves[KindBalance] > most {
			t.Fatalf("%d moves, and %d suffice", w.moves[KindBalance], most)
		}
		delete(w.moves, KindBalance)
		delete(w.moves, "lead")
		if len(w.moves) > 0 {
			t.Fatal(fmt.Sprint(w.moves))
		}
	})
}
