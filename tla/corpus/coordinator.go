package corpus

import (
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// coordinator is one coordinator, with its election.
type coordinator struct {
	name     string
	election *replication.Election
	run      replication.RunID
	now      replication.Instant
	// loads is set while a question to the metadata store has no answer, call while
	// a compare-and-set has none.
	loads bool
	call  *replication.Document
}

// beginElection begins a run. It asks for the document at once, and is answered
// when it matters.
func (p *replayer) beginElection(c *coordinator) {
	c.run++
	c.now = replication.Instant(time.Second)
	c.loads, c.call = false, nil
	self := replication.Server{ID: replication.ServerID(c.name), Run: c.run, Incarnation: disk(c.name)}
	seed := uint64(c.name[1])<<32 + uint64(c.run)
	var servers []replication.ServerID
	for _, name := range slices.Concat(sortedKeys(p.is.Coord), sortedKeys(p.is.Rep)) {
		servers = append(servers, replication.ServerID(name))
	}
	c.election = replication.NewElection(shard, self, &p.options, servers, seed)
	p.tick(c)
	p.load(c, &p.stored)
}

// disk is the incarnation of a server's disk, which never is another here: a
// replica that is lost has lost its server for good.
func disk(name string) replication.Incarnation {
	return replication.Incarnation(10*uint64(name[0]) + uint64(name[1]))
}

// elect gives an election an event and takes up its effects.
func (p *replayer) elect(c *coordinator, event replication.Event) {
	var out replication.Effects
	p.coverage.event(event)
	c.election.Step(replication.Time{Mono: c.now, Wall: 1}, event, &out)
	p.say(out.Messages)
	if out.Store != nil {
		if c.call != nil {
			p.differ("%s: writes %v while it writes %v", c.name, out.Store, c.call)
		}
		c.call = out.Store
	}
	c.loads = c.loads || out.Load
}

// tick lets an election's next timer go off.
func (p *replayer) tick(c *coordinator) {
	if deadline := c.election.Deadline(); deadline != replication.Never {
		c.now = max(c.now, deadline)
	}
	p.elect(c, replication.Tick{})
}

// load answers a coordinator's question to the metadata store, or tells it the
// document late, which is news like any other.
func (p *replayer) load(c *coordinator, doc *replication.Document) {
	c.loads = false
	p.elect(c, replication.DocumentLoaded{Document: doc.Clone(), Found: true})
}

// tell gives an election a message of a replica: the one that the core sent, if
// there is one, and else the same.
func (p *replayer) tell(c *coordinator, from string, m replication.Message, same func(replication.Message) bool, with func(replication.Message) replication.Message) {
	e := p.sentTo(c.name, func(e replication.Envelope) bool { return e.From == replication.ServerID(from) && same(e.Message) })
	if e == nil {
		p.coverage.made(m)
		e = &replication.Envelope{
			From: replication.ServerID(from), FromRun: 1, FromReplica: replicaID(from),
			To: replication.ServerID(c.name), Shard: shard, Message: m,
		}
	}
	told := *e
	if with != nil {
		told.Message = with(told.Message)
	}
	p.elect(c, replication.Receive{Envelope: told})
}

// document is the core's form of a document. Versions count from 1 there: the
// specification's first document is the core's version 1.
func (p *replayer) document(d *document) replication.Document {
	doc := replication.Document{
		Version: int64(d.Ver + 1), Term: p.termID(d.Term), Status: replication.StatusElecting,
		Ensemble: diskMembers(d.Ens), Joining: diskMembers(d.Join), Learners: diskMembers(d.Learn), Removed: diskMembers(d.Removed),
	}
	for _, m := range doc.Members() {
		doc.LastReplica = max(doc.LastReplica, m.Replica)
	}
	if d.Steady {
		doc.Status, doc.Leader, doc.LeaderRun = replication.StatusSteady, memberOf(d.Leader), p.servers[d.Leader].run
	}
	return doc
}

func diskMembers(names []string) []replication.DocumentMember {
	members := make([]replication.DocumentMember, len(names))
	for i, name := range names {
		members[i] = replication.DocumentMember{Member: memberOf(name), Incarnation: disk(name)}
	}
	return members
}

// key names a document of the specification.
func key(d *document) string { return fmt.Sprintf("%+v", *d) }

// store carries out a compare-and-set, and reports whether it succeeded.
func (p *replayer) store(call *replication.Document, is *document) bool {
	if call.Version != p.stored.Version+1 {
		return false
	}
	p.stored = call.Clone()
	p.documents[key(is)] = p.stored
	if is.Term != p.was.Doc.Term {
		p.elections[is.Term] = call.Term.Election
	}
	return true
}

func (p *replayer) documentStored(a *act) {
	c := p.coordinators[a.C]
	call := c.call
	if call == nil {
		p.differ("%s: writes nothing", a.C)
		return
	}
	c.call = nil
	outcome := replication.StoreConflict
	if p.store(call, &p.is.Doc) {
		outcome = replication.StoreDone
	}
	p.coverage.action("DocumentStored " + outcome.String() + " while " + p.was.Coord[a.C].Phase)
	p.elect(c, replication.DocumentStored{Version: call.Version, Term: call.Term, Outcome: outcome})
}

func (p *replayer) storeUnknown(a *act) {
	c := p.coordinators[a.C]
	call := c.call
	if call == nil {
		p.differ("%s: writes nothing", a.C)
		return
	}
	c.call = nil
	written := p.was.Coord[a.C].Doc
	p.late[key(&written)] = *call
	p.elect(c, replication.DocumentStored{Version: call.Version, Term: call.Term, Outcome: replication.StoreUnknown})
}

func (p *replayer) storeLate(a *act) {
	call, known := p.late[key(&a.D)]
	if !known {
		p.differ("nobody wrote %+v", a.D)
		return
	}
	p.store(&call, &p.is.Doc)
}

func (p *replayer) coordinatorCrash(a *act) {
	c := p.coordinators[a.C]
	if c.call != nil {
		written := p.was.Coord[a.C].Doc
		p.late[key(&written)] = *c.call
	}
	p.coverage.action("CoordinatorCrash while " + p.was.Coord[a.C].Phase)
	p.beginElection(c)
}

func (p *replayer) assign(a *act) {
	c := p.coordinators[a.C]
	doc := p.stored.Clone()
	e := p.sentTo(a.C, func(e replication.Envelope) bool {
		m, ok := e.Message.(replication.Assign)
		return ok && m.Document.Version == doc.Version
	})
	if e == nil {
		other := "c1"
		if a.C == other {
			other = "c2"
		}
		e = &replication.Envelope{
			From: replication.ServerID(other), FromRun: 1, To: replication.ServerID(a.C), Shard: shard,
			Message: replication.Assign{Document: doc},
		}
		p.coverage.made(e.Message)
	}
	p.elect(c, replication.Receive{Envelope: *e})
}

// newTermReply delivers the answer to a fence. How many leaderships a server has is
// its node's to say, and here it is said so that the core chooses as the
// specification does.
func (p *replayer) newTermReply(a *act) {
	m := replication.NewTermReply{
		Term: p.termID(p.was.Coord[a.C].Mine),
		Head: replication.EntryID{Term: replication.Term(a.Head.T), Offset: replication.Offset(a.Head.O)},
	}
	chosen := p.willChoose(a.C)
	p.tell(p.coordinators[a.C], a.R, m, func(o replication.Message) bool { return o == m }, func(o replication.Message) replication.Message {
		told, ok := o.(replication.NewTermReply)
		if ok && a.R != chosen {
			told.Leaderships = 1
		}
		return told
	})
}

// willChoose looks ahead: whom the coordinator chooses with what it collects now.
func (p *replayer) willChoose(c string) string {
	for _, s := range p.behaviour.States[p.at:] {
		coord, _ := s["coord"].(Record)
		co, _ := coord[c].(Record)
		switch co["phase"] {
		case Word("fencing"):
		case Word("starting"):
			return Text(co["chosen"])
		default:
			return noOne
		}
	}
	return noOne
}

// choose ends the wait for the last answers.
func (p *replayer) choose(a *act) { p.wait(p.coordinators[a.C], "fencing") }

// wait lets timers go off until a phase is over.
func (p *replayer) wait(c *coordinator, phase string) {
	for range 40 {
		if c.election.Phase() != phase {
			return
		}
		p.tick(c)
	}
	p.differ("%s: is %s for ever", c.name, phase)
}

func (p *replayer) becomeLeaderReply(a *act) {
	c, co := p.coordinators[a.C], p.was.Coord[a.C]
	m := replication.BecomeLeaderReply{Asked: p.termID(co.Mine), Term: p.termID(co.Mine), Run: 1, Ready: true}
	if a.Phase == "publishing" {
		p.tell(c, co.Chosen, m, func(o replication.Message) bool {
			sent, ok := o.(replication.BecomeLeaderReply)
			return ok && sent.Asked == m.Asked && sent.Ready
		}, nil)
		return
	}
	// Of the refusals, it is one of the highest term that the claim goes above.
	below := p.is.Coord[a.C].Doc.Term.N
	for n := below - 1; n > 0; n-- {
		e := p.sentTo(a.C, func(e replication.Envelope) bool {
			sent, ok := e.Message.(replication.BecomeLeaderReply)
			return ok && sent.Asked == m.Asked && sent.Refused != 0 && int(sent.Term.Term) == n
		})
		if e != nil {
			p.elect(c, replication.Receive{Envelope: *e})
			return
		}
	}
	p.differ("%s refused nothing below term %d", co.Chosen, below)
}

func (p *replayer) giveUp(a *act) { p.wait(p.coordinators[a.C], p.was.Coord[a.C].Phase) }

// askElection tells a coordinator that the leader of the document's term asks to
// be replaced. It knows the document by then.
func (p *replayer) askElection(a *act) {
	c := p.coordinators[a.C]
	doc := p.was.Coord[a.C].Doc
	known, ok := p.documents[key(&doc)]
	if !ok {
		p.differ("%s: knows a document that never was: %+v", a.C, doc)
		return
	}
	if c.loads || c.election.State().Document.Version < known.Version {
		p.load(c, &known)
	}
	m := replication.AskElection{Term: known.Term}
	from := p.was.Net.Reign[doc.Term.N-1].By
	p.tell(c, from, m, func(o replication.Message) bool { return o == m }, nil)
}

// ask makes a coordinator doubt its leader, by one thing after the other that
// would: the document as it is now, the silence of the leader's server, time.
func (p *replayer) ask(a *act) {
	c := p.coordinators[a.C]
	for range 20 {
		state := c.election.State()
		leader := state.Document.Leader
		switch {
		case state.Phase == "questioning":
			return
		case c.loads || state.Document.Version < p.stored.Version:
			p.load(c, &p.stored)
			continue
		case state.Phase != "watching":
			p.differ("%s: is %s", a.C, state.Phase)
			return
		case state.Document.Status == replication.StatusSteady:
			p.elect(c, replication.PeerSilent{Server: leader.Server})
			p.tick(c)
			p.elect(c, replication.PeerHeard{
				Server: leader.Server, Run: state.Document.LeaderRun, Incarnation: disk(string(leader.Server)),
			})
		default:
			p.tick(c)
		}
	}
	p.differ("%s: does not ask", a.C)
}

// probe asks a replica what it knows of its leader.
func (p *replayer) probe(a *act) {
	e := p.sentTo(a.R, func(e replication.Envelope) bool {
		m, ok := e.Message.(replication.Probe)
		return ok && e.From == replication.ServerID(a.C) && !p.catching[m.Nonce]
	})
	if e == nil {
		p.differ("%s: asks %s nothing", a.C, a.R)
		return
	}
	heard := p.options.SilentAfter
	if a.Hears {
		heard = 0
	}
	p.step(p.servers[a.R], replication.Receive{Envelope: *e, Heard: heard})
}

func (p *replayer) probeReply(a *act) {
	c := p.coordinators[a.C]
	e := p.sentTo(a.C, func(e replication.Envelope) bool {
		_, ok := e.Message.(replication.ProbeReply)
		return ok && e.From == replication.ServerID(a.R)
	})
	if e == nil {
		p.differ("%s: answers %s nothing", a.R, a.C)
		return
	}
	p.elect(c, replication.Receive{Envelope: *e})
}

func (p *replayer) questionsOver(a *act) { p.wait(p.coordinators[a.C], "questioning") }
