package overlay

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

// A cut is noticed after HeardFor, and the news goes around in less than this.
const (
	reroutedAfter = 350 * time.Millisecond
	healedAfter   = 300 * time.Millisecond
	watched       = 600 * time.Millisecond
	beatsWatched  = int(watched / beatEvery)
)

// cuts are the kinds of partitions that Jepsen and our own bench know.
var cuts = []struct {
	name    string
	servers int
	links   []string
}{
	{"one direction of one link", 3, []string{"n0>n1"}},
	{"one link", 3, []string{"n0>n1", "n1>n0"}},
	{"a ring of majorities: n0 hears n2, n1 hears n0, n2 hears n1", 3, []string{"n1>n0", "n2>n1", "n0>n2"}},
	{"a deaf server", 3, []string{"n0>n1", "n2>n1"}},
	{"a mute server", 3, []string{"n1>n0", "n1>n2"}},
	{"a server alone", 3, []string{"n0>n1", "n2>n1", "n1>n0", "n1>n2"}},
	{"nothing works", 3, []string{"n0>n1", "n2>n1", "n1>n0", "n1>n2", "n0>n2", "n2>n0"}},
	{"two halves with a bridge", 5, []string{
		"n0>n3", "n0>n4", "n1>n3", "n1>n4", "n3>n0", "n3>n1", "n4>n0", "n4>n1",
	}},
	{"a ring of majorities of five", 5, []string{
		"n0>n2", "n0>n3", "n1>n3", "n1>n4", "n2>n4", "n2>n0", "n3>n0", "n3>n1", "n4>n1", "n4>n2",
	}},
	{"a one-way circle of five", 5, []string{
		"n0>n2", "n0>n3", "n0>n4", "n1>n0", "n1>n3", "n1>n4", "n2>n0", "n2>n1", "n2>n4",
		"n3>n0", "n3>n1", "n3>n2", "n4>n1", "n4>n2", "n4>n3",
	}},
	{"one half mute towards the other", 5, []string{"n0>n3", "n0>n4", "n1>n3", "n1>n4", "n2>n3", "n2>n4"}},
}

func TestAHealthyNetworkSendsNothingExtra(t *testing.T) {
	for _, servers := range []int{1, 2, 3, 5, 9} {
		net := newNetwork(t, servers)
		net.run(2 * time.Second)
		beats := int(2*time.Second/beatEvery) + 1
		if net.relayed != 0 || net.hellos != 0 || net.lines > beats*servers*(servers-1) {
			t.Errorf("%d servers: %d passed on, %d hellos, %d lines for %d beats", servers, net.relayed, net.hellos, net.lines, beats)
		}
	}
}

func TestWhatCanBeReachedIsReachedSoonAndDirectlyAgainAfterHealing(t *testing.T) {
	for _, c := range cuts {
		t.Run(c.name, func(t *testing.T) {
			net := newNetwork(t, c.servers)
			net.run(watched)
			net.cutLinks(c.links...)
			net.run(reroutedAfter)
			checkCut(t, net)
			net.heal()
			net.run(healedAfter)
			checkHealed(t, net)
		})
	}
}

func TestAnyCutAfterAnyOtherIsRoutedAround(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		servers := rapid.IntRange(2, 6).Draw(rt, "servers")
		net := newNetwork(t, servers)
		for range rapid.IntRange(1, 3).Draw(rt, "cuts") {
			net.run(time.Duration(rapid.IntRange(0, 500).Draw(rt, "before")) * ms)
			net.heal()
			for from := range servers {
				for to := range servers {
					if from != to && rapid.IntRange(0, 2).Draw(rt, "cut") == 0 {
						net.cutLinks(fmt.Sprintf("n%d>n%d", from, to))
					}
				}
			}
		}
		// What is left of earlier news, and of ways over several servers, takes
		// longer than a single cut.
		net.run(testOptions.FreshFor + reroutedAfter)
		checkCut(rt, net)
		net.heal()
		net.run(healedAfter + reroutedAfter)
		checkHealed(rt, net)
	})
}

type failer interface{ Errorf(string, ...any) }

// checkCut watches the network for a while: what can be reached is, on time, and
// nothing arrives twice.
func checkCut(t failer, net *network) {
	net.reset()
	net.run(watched)
	for _, from := range net.servers {
		for _, to := range net.servers {
			got := net.arrived[link{from, to}]
			if from != to && net.connected(from, to) && got < beatsWatched-2 {
				t.Errorf("%s to %s: %d of %d beats", from, to, got, beatsWatched)
			}
		}
	}
	for number, copies := range net.copies {
		if copies > 1 {
			t.Errorf("message %d arrived %d times", number, copies)
		}
	}
	if most := time.Duration(len(net.servers)) * latency; net.slowest > most {
		t.Errorf("a message took %v", net.slowest)
	}
	peers := len(net.servers) - 1
	if most := (beatsWatched + 1) * len(net.servers) * peers * (peers + 2); net.lines > most {
		t.Errorf("%d lines", net.lines)
	}
}

func checkHealed(t failer, net *network) {
	net.reset()
	net.run(watched)
	if net.relayed != 0 || net.hellos != 0 {
		t.Errorf("after healing: %d passed on, %d hellos", net.relayed, net.hellos)
	}
}

func TestASingleCutLinkCostsOneHopMore(t *testing.T) {
	net := newNetwork(t, 5)
	net.run(watched)
	net.cutLinks("n0>n1")
	net.run(reroutedAfter)
	net.reset()
	net.run(watched)
	if net.slowest != 2*latency || net.relayed > beatsWatched+1 {
		t.Errorf("%d passed on, the slowest took %v", net.relayed, net.slowest)
	}
}

// A server whose clock was put back between two runs would not be believed for
// as long: it goes above what it hears of itself.
func TestAServerThatRestartsWithAnOlderClockIsBelievedAgain(t *testing.T) {
	net := newNetwork(t, 3)
	net.start("n0", 1<<40)
	net.run(watched)
	net.start("n0", 1)
	net.run(healedAfter)
	net.cutLinks("n1>n0")
	net.run(reroutedAfter)
	checkCut(t, net)
}

func TestAnIsolatedServerIsNotUsedAsAWay(t *testing.T) {
	net := newNetwork(t, 4)
	net.run(watched)
	net.cutLinks("n0>n1", "n2>n0", "n2>n1", "n2>n3", "n0>n2", "n1>n2", "n3>n2")
	net.run(testOptions.FreshFor + reroutedAfter)
	checkCut(t, net)
}

func TestRelayRefusesWhatCannotHelp(t *testing.T) {
	r := New("n0", []replication.ServerID{"n0", "n1", "n2"}, 1, 1, testOptions)
	for _, c := range []struct {
		name             string
		to, from, origin replication.ServerID
		hops             int
		next             replication.ServerID
		ok               bool
	}{
		{"on its way", "n2", "n1", "n1", 0, "n2", true},
		{"after too many hops", "n2", "n1", "n1", 2, "", false},
		{"to nobody", "n9", "n1", "n1", 0, "", false},
		{"its own", "n2", "n1", "n0", 1, "", false},
		{"to itself", "n0", "n1", "n1", 0, "", false},
	} {
		if next, ok := r.Relay(2, c.to, c.from, c.origin, c.hops); next != c.next || ok != c.ok {
			t.Errorf("%s: %q, %v", c.name, next, ok)
		}
	}
}

func TestGossipIsSparse(t *testing.T) {
	r := New("n0", []replication.ServerID{"n0", "n1", "n2"}, 5, 1, testOptions)
	at := replication.Instant(1)
	if got := r.Gossip(at, "n1"); got != nil {
		t.Errorf("told %v at once", got)
	}
	at = at.Add(testOptions.GossipEvery)
	want := []Vector{{Origin: "n0", Version: 6, Hears: []replication.ServerID{"n1", "n2"}}}
	if got := r.Gossip(at, "n1"); !reflect.DeepEqual(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	if got := r.Gossip(at, "n1"); got != nil {
		t.Errorf("told %v again", got)
	}
	r.Learn(at, []Vector{{Origin: "n2", Version: 9, Hears: []replication.ServerID{"n1"}}})
	want = append(want, Vector{Origin: "n2", Version: 9, Hears: []replication.ServerID{"n1"}})
	if got := r.Gossip(at, "n1"); !reflect.DeepEqual(got, want) {
		t.Errorf("told of news %v, want %v", got, want)
	}
}
