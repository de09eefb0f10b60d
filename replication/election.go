package replication

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication/quorum"
)

// Election is a coordinator's part in one shard: a plain struct, stepped as a
// Replica is. Any number of them may run for one shard; a term belongs to the
// one whose compare-and-set made it, so two at once are safe.
//
// It is in one phase at a time:
//
//	watching     the document is known, and there is nothing to do, or not yet
//	loading      the document is being read
//	questioning  the ensemble is asked whether it still hears the leader (rule 0)
//	claiming     a higher term is being written (rule 1)
//	fencing      NewTerm was sent; heads are collected (rule 2)
//	starting     BecomeLeader was sent (rule 3); waits for the barrier (rule 4)
//	publishing   the leader is being written
//	changing     learners or removed replicas are being written (rule 8)
type Election struct {
	shard   ShardID
	self    ServerID
	run     RunID
	options *Options
	servers []ServerID
	random  uint64
	// settings go into the document with the next term; nil if they are to stay.
	settings []byte

	// doc is the newest document known; found is false while there is none. seen
	// is when its term was first seen.
	doc   Document
	found bool
	seen  Instant
	// highest is the highest term that anybody mentioned.
	highest Term
	// checked is the highest term that was mentioned when the document was last
	// read.
	checked Term
	// mine is the term that this run's own compare-and-set made; zero if none.
	mine TermID

	phase phase
	// reload is set when the document must be read before anything is decided.
	reload bool
	// timer ends a wait of the phase; resend paces its messages.
	timer, resend Instant
	// silent are servers not heard, runs the runs of those heard.
	silent []ServerID
	peers  []peerRun

	question question
	fence    fencing
	// store is being written, and waited for until storeBy.
	store   *Document
	storeBy Instant
	change  change
	// gone are members whose disks are known to have lost them for good.
	gone []Member
	// failed did not become leader when last chosen.
	failed Member
	// asked is set when the leader of the document's term asked for an election.
	asked TermID
	// handover is set while a term is won that was claimed to move the leadership, and
	// ends once the shard is to be no more.
	handover handover
	ends     bool
	// tally is the node's, for the life of the election; nil if nobody counts. counted is
	// this election's share of it.
	tally   tally
	counted ServerID

	out *Effects
	now Time
}

type phase uint8

const (
	watching phase = iota
	loading
	questioning
	claiming
	fencingPhase
	starting
	publishing
	changing
)

func (p phase) String() string {
	return [...]string{"watching", "loading", "questioning", "claiming", "fencing", "starting", "publishing",
		"changing"}[p]
}

// peerRun is what a server was last heard as.
type peerRun struct {
	server      ServerID
	run         RunID
	incarnation Incarnation
	// over says that the run has ended, though no other was heard yet.
	over bool
}

// NewElection returns an election that knows nothing yet. Servers are those to
// which the shard is given when it has no document, in order, and those told of
// its changes. Seed must be random, and another one in each run: election ids
// and back-offs are drawn from it.
func NewElection(shard ShardID, self Server, options *Options, servers []ServerID, seed uint64) *Election {
	return &Election{
		shard: shard, self: self.ID, run: self.Run, options: options,
		servers: slices.Clone(servers), random: seed, timer: 1,
		peers: []peerRun{{server: self.ID, run: self.Run, incarnation: self.Incarnation}},
	}
}

// Step takes one event and appends what is to be done to out.
func (e *Election) Step(now Time, event Event, out *Effects) {
	e.now, e.out = now, out
	switch ev := event.(type) {
	case Tick:
		e.tick()
	case Receive:
		e.receive(ev.Envelope)
	case PeerHeard:
		e.silent = slices.DeleteFunc(e.silent, func(s ServerID) bool { return s == ev.Server })
		e.noteRun(peerRun{server: ev.Server, run: ev.Run, incarnation: ev.Incarnation})
	case PeerSilent:
		e.peerSilent(ev.Server)
	case PeerDied:
		e.runOver(ev)
	case PeerRemoved:
		e.peerRemoved(ev.Server)
	case TermSeen:
		e.termSeen(ev.Term)
	case ChangeEnsemble:
		e.changeEnsemble(ev.Servers)
	case ChangeSettings:
		e.settings = ev.Settings
	case Transfer:
		e.transfer(ev.To)
	case Recover:
		e.recoverFrom(ev.Servers)
	case EndShard:
		e.ends = true
		if e.phase == watching && !e.storing() {
			e.decide()
		}
	case DocumentLoaded:
		e.loaded(ev)
	case DocumentStored:
		e.stored(ev)
	default:
		assert(false, "an election was stepped with %T", event)
	}
	e.count()
	e.out = nil
}

func (e *Election) receive(from Envelope) {
	switch m := from.Message.(type) {
	case ProbeReply:
		e.answered(from, m)
	case AskElection:
		if m.Term == e.doc.Term {
			e.asked = m.Term
			e.suspect()
		}
	case NewTermReply:
		e.fenced(from, m)
	case NotMember:
		e.notMember(from, m)
	case ReplicaCreated:
		e.created(from, m)
	case BecomeLeaderReply:
		e.leads(from, m)
	case ChangeCompleted:
		e.completed(m)
	case ReplicaDeleted:
		e.replicaDeleted(from)
	case Assign:
		e.learn(m.Document)
	default:
		assert(false, "an election received %T", m)
	}
}

// Deadline is when the election next needs a Tick.
func (e *Election) Deadline() Instant { return earliest(e.timer, e.resend) }

// Phase names what the election does at present, for status and traces.
func (e *Election) Phase() string { return e.phase.String() }

// enterPhase begins a phase; it lasts until something ends it or for a limit.
func (e *Election) enterPhase(p phase, limit Instant) {
	e.phase, e.timer, e.resend = p, limit, Never
}

// draw returns the next number of a splitmix64 sequence (Steele et al., 2014).
func (e *Election) draw() uint64 {
	e.random += 0x9e3779b97f4a7c15
	z := e.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// after returns the instant that is d from now, and up to the back-off limit
// later at random: rivals notice the same things at the same time.
func (e *Election) after(d time.Duration) Instant {
	extra, _ := bits.Mul64(e.draw(), uint64(e.options.BackoffMost))
	return e.now.Mono.Add(d + time.Duration(extra))
}

// tick does what a phase does when its time is over, or sends again.
func (e *Election) tick() {
	if due(e.timer, e.now.Mono) {
		e.timer = Never
		switch e.phase {
		case watching:
			e.wake()
		case loading, claiming, publishing, changing:
			// The provider owes an answer within its own limit; this is for one
			// that lost it. What was written may yet take effect.
			e.storeLost()
		case questioning:
			e.judge(true)
		case fencingPhase:
			e.fenceTimeout()
		case starting:
			e.startTimeout()
		}
	}
	if due(e.resend, e.now.Mono) {
		e.resend = Never
		switch e.phase {
		case fencingPhase:
			// A leader that should have given way first is not waited for any longer.
			e.handover.from = Member{}
			e.sendNewTerms()
		case starting:
			e.sendBecomeLeader()
		}
	}
}

// watch waits for news, and looks again at a given time.
func (e *Election) watch(until Instant) { e.enterPhase(watching, until) }

// wake is the end of a wait.
func (e *Election) wake() {
	if e.reload || !e.found || e.doc.Status == StatusElecting {
		e.load()
		return
	}
	e.decide()
}

func (e *Election) load() {
	e.enterPhase(loading, e.now.Mono.Add(2*e.options.StoreWithin))
	e.out.Load = true
}

// loaded takes the document, and decides what the shard needs.
func (e *Election) loaded(ev DocumentLoaded) {
	switch {
	case e.phase != loading && ev.Found:
		// An answer that came late is news like any other.
		e.learn(ev.Document)
	case e.phase != loading:
	case ev.Failed:
		e.watch(e.after(e.options.ElectWithin / 4))
	default:
		if ev.Found && e.learnDocument(ev.Document) {
			e.leaveToOthers()
		}
		e.reload, e.checked = false, e.highest
		e.decide()
	}
}

// decide goes on from what is known of the document.
func (e *Election) decide() {
	settled := e.seen.Add(e.options.ElectWithin)
	switch {
	case e.found && e.doc.Status == StatusDeleted:
		e.settleEnd()
	case e.ends:
		e.end()
	case !e.found:
		e.bootstrap()
	case e.doc.Status == StatusElecting && e.now.Mono < settled:
		// Somebody claimed this term lately and is given time to finish.
		e.watch(e.after(settled.Sub(e.now.Mono)))
	case e.doc.Status == StatusElecting || e.suspicious():
		e.ask()
	case e.highest > max(e.doc.Term.Term, e.checked):
		// Somebody uses a term of which this coordinator knows no document.
		e.reload = true
		e.watch(e.after(e.options.ElectWithin))
	default:
		e.reconcile()
	}
}

// suspicious reports whether there is reason to doubt the published leader: its
// server is silent, runs as another process by now, or asks to be replaced, or it
// has left the ensemble and was given time to be replaced.
func (e *Election) suspicious() bool {
	return slices.Contains(e.silent, e.doc.Leader.Server) || e.asked == e.doc.Term || e.leaderDied() ||
		e.leaderLeft() && e.now.Mono >= e.change.notBefore
}

// leaderDied reports whether the published leader's process is known to be over.
func (e *Election) leaderDied() bool {
	i := slices.IndexFunc(e.peers, func(p peerRun) bool { return p.server == e.doc.Leader.Server })
	return i >= 0 && (e.peers[i].run > e.doc.LeaderRun || e.peers[i].over && e.peers[i].run == e.doc.LeaderRun)
}

// runOver takes note that a process ended. Where another one is heard in its place,
// what that means is decided then.
func (e *Election) runOver(ev PeerDied) {
	i := slices.IndexFunc(e.peers, func(p peerRun) bool { return p.server == ev.Server && p.run == ev.Run })
	if i < 0 {
		return
	}
	e.peers[i].over = true
	switch {
	case !e.leaderDied():
	case e.phase == questioning:
		// Answers that it was heard are from before; they need not be waited out.
		e.judge(false)
	default:
		e.suspect()
	}
}

// suspect starts questions, after a back-off at random: rivals notice at the
// same time.
func (e *Election) suspect() {
	if e.phase == watching && e.found && e.doc.Status == StatusSteady &&
		(e.timer == Never || e.timer > e.now.Mono.Add(e.options.BackoffMost)) {
		e.timer = e.after(0)
	}
}

func (e *Election) peerSilent(server ServerID) {
	if !slices.Contains(e.silent, server) {
		e.silent = append(e.silent, server)
		slices.Sort(e.silent)
	}
	if server == e.doc.Leader.Server {
		e.suspect()
	}
	if e.phase == starting && server == e.fence.chosen.Server {
		e.startTimeout()
	}
}

// peerRemoved forgets a server. Where the shard begins stays as it is, as long as it has
// not begun.
func (e *Election) peerRemoved(server ServerID) {
	e.peers = slices.DeleteFunc(e.peers, func(p peerRun) bool { return p.server == server && server != e.self })
	e.silent = slices.DeleteFunc(e.silent, func(s ServerID) bool { return s == server })
	if e.found {
		e.servers = slices.DeleteFunc(e.servers, func(s ServerID) bool { return s == server })
	}
}

// noteRun remembers which process a server runs as, on which disk.
func (e *Election) noteRun(peer peerRun) {
	i, found := slices.BinarySearchFunc(e.peers, peer.server, func(p peerRun, s ServerID) int {
		return cmp.Compare(p.server, s)
	})
	if !found {
		e.peers = slices.Insert(e.peers, i, peerRun{})
	}
	e.peers[i] = peer
	switch {
	case e.phase == starting && peer.server == e.fence.chosen.Server && e.fence.run != 0 && peer.run > e.fence.run:
		e.startTimeout()
	case peer.server == e.doc.Leader.Server && peer.run > e.doc.LeaderRun:
		e.suspect()
	case !e.found && e.phase == watching:
		e.wake()
	case e.phase == watching && e.doc.Status == StatusDeleted:
		e.settleEnd()
	case e.timer == Never && e.mayChange():
		e.reconcile()
	}
}

// learn takes a document that another coordinator published. Whatever this run
// was at is over.
func (e *Election) learn(doc Document) {
	if !e.learnDocument(doc) {
		return
	}
	e.mine = TermID{}
	e.leaveToOthers()
	switch e.phase {
	case watching, questioning, fencingPhase, starting:
		e.decide()
	}
}

// learnDocument keeps the newer document, and reports whether this one is.
func (e *Election) learnDocument(doc Document) bool {
	e.highest = max(e.highest, doc.Term.Term)
	if e.found && doc.Version <= e.doc.Version {
		return false
	}
	if !e.found || e.doc.Term != doc.Term {
		e.seen = e.now.Mono
	}
	e.change.newDocument(&e.doc, &doc)
	e.doc, e.found = doc.Clone(), true
	e.gone = slices.DeleteFunc(e.gone, func(gone Member) bool {
		return !slices.ContainsFunc(doc.Members(), func(m DocumentMember) bool { return m.Member == gone })
	})
	learned := doc.Clone()
	e.out.Learned = &learned
	return true
}

// leaveToOthers gives the coordinator that wrote a document time to go on with
// what it does to the shard's members.
func (e *Election) leaveToOthers() { e.change.notBefore = e.now.Mono.Add(e.options.ElectWithin) }

// termSeen takes note of a term that somebody uses. If nothing is heard of it in
// time, its announcement was lost, or its owner is: the document is read, lest
// this coordinator watch over a leader of the past for ever.
func (e *Election) termSeen(term Term) {
	e.highest = max(e.highest, term)
	if term > e.doc.Term.Term {
		// The number may be one that this run claimed in vain, and then read the
		// document, which was still without it.
		e.checked = min(e.checked, term-1)
	}
	if e.phase == watching && e.found && e.timer == Never {
		e.decide()
	}
}

// voters are those who decide for the shard.
func (e *Election) voters() quorum.Config[Member] {
	return quorum.Config[Member]{Ensemble: bareMembers(e.doc.Ensemble), Joining: bareMembers(e.doc.Joining)}
}

func (e *Election) send(to DocumentMember, m Message) {
	e.out.Messages = append(e.out.Messages, Envelope{
		From: e.self, FromRun: e.run, To: to.Server, ToReplica: to.Replica, Shard: e.shard, Message: m,
	})
}

// member finds the document's member that an envelope comes from. Servers
// answer for a member that they do not hold without its replica id.
func (e *Election) member(from Envelope) (DocumentMember, bool) {
	for _, m := range e.doc.Members() {
		if m.Server == from.From && (from.FromReplica == 0 || from.FromReplica == m.Replica) {
			return m, true
		}
	}
	return DocumentMember{}, false
}
