package replication

import (
	"fmt"
	"slices"
	"testing"
)

// TestATermInUseIsNews: a coordinator that once claimed a number in vain, and read the
// document before the winner's claim was in it, reads it again when it hears that
// somebody leads in that term.
func TestATermInUseIsNews(t *testing.T) {
	options := DefaultOptions()
	e := NewElection(1, Server{ID: "s9", Run: 1}, &options, []ServerID{"s1", "s2", "s3"}, 1)
	leader := Member{Server: "s1", Replica: 1}
	e.doc = Document{
		Version: 2, Term: TermID{Term: 2}, Status: StatusSteady, Leader: leader, LeaderRun: 1,
		Ensemble: []DocumentMember{{Member: leader, Incarnation: 1}},
	}
	e.found, e.highest, e.checked, e.phase, e.timer = true, 3, 3, watching, Never
	now := Time{Mono: 1}
	var out Effects
	e.Step(now, TermSeen{Term: 3}, &out)
	if e.Deadline() == Never {
		t.Fatal("it waits for nothing")
	}
	now.Mono = e.Deadline()
	e.Step(now, Tick{}, &out)
	if !out.Load {
		t.Error("the document is not read again")
	}
}

// TestWhoIsToldOfALeaderRemembers: a route is news to the election here, and an
// announcement is one to a server that has no part in the shard.
func TestWhoIsToldOfALeaderRemembers(t *testing.T) {
	options := DefaultOptions()
	n := NewNode(Server{ID: "s9", Run: 1}, &options, nil, Ports{})
	leader := Member{Server: "s1", Replica: 1}
	doc := Document{Version: 2, Term: TermID{Term: 2}, Status: StatusSteady, Leader: leader, LeaderRun: 1}
	n.now = Time{Mono: 1}
	n.receive(Envelope{From: "s2", FromRun: 1, To: "s9", Shard: 1, Message: Assign{Document: doc}})
	s := n.shard(1)
	if s.route.leader != leader {
		t.Errorf("the route is %+v", s.route)
	}
	s.election = NewElection(1, n.self, &options, []ServerID{"s1"}, 1)
	n.learnRoute(s, route{term: 3, leader: leader, run: 2})
	if len(s.elections) != 1 || s.elections[0] != (TermSeen{Term: 3}) {
		t.Errorf("the election is told %+v", s.elections)
	}
}

// reigns writes down what a node says of its leaderships.
type reigns struct{ said []string }

func (r *reigns) Serving(shard ShardID, term Term) {
	r.said = append(r.said, fmt.Sprintf("%d serves in t%d", shard, term))
}

func (r *reigns) NotServing(shard ShardID, term Term) {
	r.said = append(r.said, fmt.Sprintf("%d ends t%d", shard, term))
}

// TestReignsAreToldOnceEach: each reign is told when it begins and when it ends, and
// not again for as long as it lasts.
func TestReignsAreToldOnceEach(t *testing.T) {
	options := DefaultOptions()
	told := &reigns{}
	n := NewNode(Server{ID: "s9", Run: 1}, &options, nil, Ports{Reigns: told})
	s := n.shard(4)
	for i, step := range []struct {
		term  Term
		begun bool
	}{{0, false}, {3, true}, {3, false}, {0, false}, {0, false}, {3, true}, {5, true}} {
		if begun := n.servedIn(s, step.term); begun != step.begun {
			t.Errorf("step %d: begun is %t", i, begun)
		}
	}
	want := []string{"4 serves in t3", "4 ends t3", "4 serves in t3", "4 ends t3", "4 serves in t5"}
	if !slices.Equal(told.said, want) {
		t.Errorf("said %q, want %q", told.said, want)
	}
}

// post keeps what a node sends.
type post struct{ sent []Envelope }

func (p *post) Send(_ ServerID, batch []Envelope) { p.sent = append(p.sent, batch...) }

// TestLeadersAskCoordinatorsToo: who holds elections need not be a data server.
func TestLeadersAskCoordinatorsToo(t *testing.T) {
	options := DefaultOptions()
	outbox := &post{}
	n := NewNode(Server{ID: "s1", Run: 1}, &options, nil, Ports{Transport: outbox})
	n.now = Time{Mono: 1}
	n.Coordinators([]ServerID{"c1", "c2"})
	ask := func(to ServerID) Envelope {
		return Envelope{From: "s1", FromRun: 1, To: to, Shard: 4, FromReplica: 1, Message: AskElection{Term: TermID{Term: 3}}}
	}
	n.carryOut(n.shard(4), &Effects{Messages: []Envelope{ask("s2"), ask("s3")}})
	n.flush()
	if want := []Envelope{ask("s2"), ask("s3"), ask("c1"), ask("c2")}; !slices.Equal(outbox.sent, want) {
		t.Errorf("sent %+v", outbox.sent)
	}
}

// TestWordsFromBeforeTheEndDoNotEndTheSilence: what a peer said last is delivered and
// not yet looked at when its connection breaks.
func TestWordsFromBeforeTheEndDoNotEndTheSilence(t *testing.T) {
	options := DefaultOptions()
	n := NewNode(Server{ID: "s1", Run: 1}, &options, []ServerID{"s2"}, Ports{Transport: &post{}})
	beat := Envelope{From: "s2", FromRun: 1, To: "s1", Message: Beat{Incarnation: 1}}
	n.Deliver(beat)
	n.Step(Time{Mono: 1})
	n.Deliver(beat)
	n.PeerGone("s2")
	n.Step(Time{Mono: 2})
	if n.reachable("s2", 1) {
		t.Error("a beat from before the end is taken for one after it")
	}
	n.Deliver(beat)
	n.Step(Time{Mono: 3})
	if !n.reachable("s2", 1) {
		t.Error("a beat from after the end is not heard")
	}
}

// vault is a metadata store that keeps what it is asked for.
type vault struct{ stored []Document }

func (v *vault) Load(ShardID)                        {}
func (v *vault) CompareAndSet(_ ShardID, d Document) { v.stored = append(v.stored, d) }

// TestChoicesMadeTogetherAreSpread: many shards that lose their leaders at once are not
// all given to the same server, whose own word of what it leads comes too late.
func TestChoicesMadeTogetherAreSpread(t *testing.T) {
	const count = 30
	options := DefaultOptions()
	outbox, store := &post{}, &vault{}
	n := NewNode(Server{ID: "c", Run: 1}, &options, nil, Ports{Transport: outbox, Metadata: store})
	servers := []ServerID{"s1", "s2", "s3"}
	now := Time{Mono: 1}
	step := func() { n.Step(now) }
	for id := range ShardID(count) {
		n.Coordinate(id, servers, uint64(id)+1)
	}
	for _, s := range servers {
		n.Deliver(Envelope{From: s, FromRun: 1, To: "c", Message: Beat{Incarnation: 7}})
	}
	step()
	now.Mono++
	for id := range ShardID(count) {
		n.Complete(id, DocumentLoaded{})
	}
	step()
	if len(store.stored) != count {
		t.Fatalf("%d claims", len(store.stored))
	}
	for id, d := range store.stored {
		n.Complete(ShardID(id), DocumentStored{Version: d.Version, Term: d.Term, Outcome: StoreDone})
	}
	step()
	for id, d := range store.stored {
		for _, m := range d.Ensemble {
			n.Deliver(Envelope{
				From: m.Server, FromRun: 1, FromReplica: m.Replica, To: "c", Shard: ShardID(id),
				Message: NewTermReply{Term: d.Term, Incarnation: 7},
			})
		}
	}
	outbox.sent = nil
	step()
	chosen := map[ServerID]int{}
	for _, e := range outbox.sent {
		if _, ok := e.Message.(BecomeLeader); ok {
			chosen[e.To]++
		}
	}
	for _, s := range servers {
		if chosen[s] != count/len(servers) || n.tally[s] != chosen[s] {
			t.Fatalf("chosen are %v, counted %v", chosen, n.tally)
		}
	}
	n.Withdraw(0)
	if left := n.tally["s1"] + n.tally["s2"] + n.tally["s3"]; left != count-1 {
		t.Errorf("%d are counted after one of %d was withdrawn", left, count)
	}
}
