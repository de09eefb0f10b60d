package replication

import (
	"cmp"
	"slices"
)

// Rules 2 and 3, the coordinator's side: fencing an ensemble in a term that this
// run owns, and choosing its leader, once.

// fencing is what a coordinator collects in one term of its own.
type fencing struct {
	answers []fenceAnswer
	// chosen is zero until the one BecomeLeader of the term was sent.
	chosen   Member
	accepted bool
	// run is that of the chosen one's process, once it accepted.
	run RunID
}

type fenceAnswer struct {
	member      Member
	head        EntryID
	damaged     bool
	leaderships int
	draining    bool
}

func (f *fencing) answer(m Member) *fenceAnswer {
	i := slices.IndexFunc(f.answers, func(a fenceAnswer) bool { return a.member == m })
	if i < 0 {
		return nil
	}
	return &f.answers[i]
}

func (e *Election) beginFencing() {
	e.fence = fencing{}
	e.enterPhase(fencingPhase, e.now.Mono.Add(e.options.ElectWithin))
	e.sendNewTerms()
}

// sendNewTerms fences those that have not answered, until enough have.
func (e *Election) sendNewTerms() {
	one := e.yields()
	for _, m := range e.doc.Members() {
		if e.fence.answer(m.Member) == nil && (!one || m.Member == e.handover.from) {
			e.send(m, NewTerm{Term: e.mine})
		}
	}
	e.resend = e.now.Mono.Add(e.options.ResendAfter)
}

// fenced takes an answer to NewTerm.
func (e *Election) fenced(from Envelope, m NewTermReply) {
	e.highest = max(e.highest, m.Term.Term)
	member, known := e.member(from)
	if !known || e.mine.Term == 0 {
		return
	}
	if m.Refused != 0 {
		// The term is too low, or its number was taken by somebody else.
		if e.phase == fencingPhase && m.Term.Term >= e.mine.Term && m.Term != e.mine {
			e.claim()
		}
		return
	}
	if m.Term != e.mine || e.fence.answer(member.Member) != nil {
		return
	}
	e.fence.answers = append(e.fence.answers, fenceAnswer{
		member: member.Member, head: m.Head, damaged: m.Damaged, leaderships: m.Leaderships, draining: m.Draining,
	})
	e.yielded(member.Member)
	if e.phase == fencingPhase {
		e.considerChoice()
		return
	}
	if e.fence.chosen == (Member{}) {
		return
	}
	// Late: the leader is told, so that it need not find out by itself.
	chosen := DocumentMember{Member: e.fence.chosen}
	e.send(chosen, AddFollower{Term: e.mine, Member: MemberHead{Member: member.Member, Head: m.Head}})
}

// considerChoice chooses at once when everybody that is not silent has
// answered, and gives the rest a short grace once a quorum has, and somebody can
// lead.
func (e *Election) considerChoice() {
	if len(e.candidates()) == 0 {
		return
	}
	missing := slices.ContainsFunc(e.doc.Members(), func(m DocumentMember) bool {
		return e.fence.answer(m.Member) == nil && !slices.Contains(e.silent, m.Server)
	})
	if !missing {
		e.choose()
		return
	}
	e.timer = min(e.timer, e.now.Mono.Add(e.options.GraceFor))
}

// fenceTimeout ends the grace, or gives up a term in which no quorum answers.
func (e *Election) fenceTimeout() {
	if len(e.candidates()) > 0 {
		e.choose()
		return
	}
	if e.joinersMissing(func(m Member) bool { return e.fence.answer(m) != nil }) && !e.storing() {
		e.back()
		return
	}
	e.watch(e.after(0))
}

// choose makes the term's one choice: among those whose head is at least that of
// every member of a quorum that it belongs to.
func (e *Election) choose() {
	if e.storing() {
		// A disk is being written down; what is published next builds on it.
		e.timer = e.now.Mono.Add(e.options.GraceFor)
		return
	}
	if e.withdrawn() {
		e.back()
		return
	}
	eligible := e.candidates()
	best := slices.MinFunc(eligible, func(a, b fenceAnswer) int {
		return cmp.Or(
			falseFirst(a.member == e.failed, b.member == e.failed),
			falseFirst(slices.Contains(e.silent, a.member.Server), slices.Contains(e.silent, b.member.Server)),
			falseFirst(a.draining, b.draining),
			falseFirst(e.leaving(a.member), e.leaving(b.member)),
			falseFirst(a.member.Server != e.handover.to, b.member.Server != e.handover.to),
			cmp.Compare(e.leaderships(a), e.leaderships(b)),
			b.head.Compare(a.head),
			cmp.Compare(a.member.Replica, b.member.Replica))
	})
	e.fence.chosen = best.member
	e.enterPhase(starting, e.now.Mono.Add(e.options.LeadWithin))
	e.sendBecomeLeader()
}

// candidates are the members that may be chosen. There are some once a quorum
// answered, unless all that hold enough are damaged.
func (e *Election) candidates() []fenceAnswer {
	var eligible []fenceAnswer
	for _, a := range e.fence.answers {
		if e.voters().Contains(a.member) && !a.damaged && e.eligible(a) {
			eligible = append(eligible, a)
		}
	}
	return eligible
}

func (e *Election) eligible(a fenceAnswer) bool {
	return e.voters().Reached(func(m Member) bool {
		other := e.fence.answer(m)
		return other != nil && other.head.Compare(a.head) <= 0
	})
}

// leaving reports whether a member votes only until the change under way is
// complete: were it to lead, it would have to hand over then.
func (e *Election) leaving(m Member) bool {
	return len(e.doc.Joining) > 0 && !slices.Contains(bareMembers(e.doc.Joining), m)
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// sendBecomeLeader sends the choice, also again: a replica takes it once, and
// answers repetitions with how far it is.
func (e *Election) sendBecomeLeader() {
	m := BecomeLeader{
		Term: e.mine, Ensemble: bareMembers(e.doc.Ensemble),
		Joining: bareMembers(e.doc.Joining), Learners: bareMembers(e.doc.Learners),
		Settings: e.doc.Settings,
	}
	for _, a := range e.fence.answers {
		m.Heads = append(m.Heads, MemberHead{Member: a.member, Head: a.head})
	}
	e.send(DocumentMember{Member: e.fence.chosen}, m)
	e.resend = e.now.Mono.Add(e.options.ResendAfter)
}

// leads takes the chosen replica's answer.
func (e *Election) leads(from Envelope, m BecomeLeaderReply) {
	e.highest = max(e.highest, m.Term.Term)
	sender := Member{Server: from.From, Replica: from.FromReplica}
	if e.phase != starting || sender != e.fence.chosen || m.Asked != e.mine {
		return
	}
	switch {
	case m.Refused != 0:
		e.failed = e.fence.chosen
		e.claim()
	case m.Term != e.mine:
	case e.doc.Term != e.mine:
		e.superseded()
	case m.Ready:
		e.failed = Member{}
		e.publish(e.fence.chosen, m.Run)
	case !e.fence.accepted:
		e.fence.accepted, e.fence.run = true, m.Run
		e.timer = e.now.Mono.Add(e.options.ElectWithin)
	}
}

// startTimeout is for a chosen replica that did not answer, or whose barrier
// does not commit. There is no second choice in the term; whether a higher one
// is needed, the ensemble is asked first, for the choice may well be leading.
func (e *Election) startTimeout() {
	e.failed = e.fence.chosen
	e.ask()
}

// Rule 9: replicas are made when their server is first met.

// notMember is a server that does not hold the replica that the document gives
// it: it is made if it is new, and only on the disk that the document names. A
// leader that meets such a server hears of it too, so that a member that was
// away when the shard began joins without an election.
func (e *Election) notMember(from Envelope, m NotMember) {
	member, known := e.member(from)
	if !known || !e.found {
		return
	}
	incarnation := m.Incarnation
	if i := slices.IndexFunc(e.peers, func(p peerRun) bool { return p.server == from.From }); i >= 0 {
		e.peers[i].incarnation = incarnation
	}
	switch {
	case m.Deleted:
		// The disk lost what the replica had promised, and remembers that it did.
		// The document tells the other coordinators.
		if !slices.Contains(e.gone, member.Member) {
			e.gone = append(e.gone, member.Member)
		}
		e.adoptDisks()
	case member.Incarnation == incarnation:
		e.send(member, CreateReplica{Incarnation: incarnation})
	case member.Incarnation == 0:
		e.adoptDisks()
	}
	// Any other disk has lost the replica, which then never votes again.
}

// adoptDisks writes down the disks on which members' replicas are going to be,
// as far as they are known, and which members no disk holds any more. It takes no part in any term, so any coordinator may
// do it; but not while a leader is about to be published, which builds on the
// document.
func (e *Election) adoptDisks() {
	if e.storing() || (e.phase != watching && e.phase != questioning && e.phase != fencingPhase) {
		return
	}
	doc, found := e.doc.Clone(), false
	for _, members := range [][]DocumentMember{doc.Ensemble, doc.Joining, doc.Learners} {
		for i := range members {
			m := &members[i]
			before := m.Incarnation
			switch {
			case slices.Contains(e.gone, m.Member):
				m.Incarnation = NoDisk
			case before == 0:
				m.Incarnation = e.incarnationOf(m.Server)
			}
			found = found || m.Incarnation != before
		}
	}
	if found {
		doc.Version++
		e.submit(doc)
	}
}

// incarnationOf is a server's disk as it was last heard; zero if it was not.
func (e *Election) incarnationOf(server ServerID) Incarnation {
	i := slices.IndexFunc(e.peers, func(p peerRun) bool { return p.server == server })
	if i < 0 {
		return 0
	}
	return e.peers[i].incarnation
}

// disksAdopted makes the replicas whose disks a document newly names, and
// writes down those that came to be known meanwhile.
func (e *Election) disksAdopted(doc Document) {
	before := e.doc.Members()
	e.learnDocument(doc)
	e.makeReplicas(before)
	if slices.ContainsFunc(doc.Members(), func(m DocumentMember) bool {
		return m.Incarnation == NoDisk && !slices.Contains(before, m)
	}) {
		// Whoever has a wish for the shard need not have met the member.
		e.announce()
	}
	e.adoptDisks()
}

// makeReplicas makes those of the document that were not in it before, or not
// with a disk.
func (e *Election) makeReplicas(before []DocumentMember) {
	for _, m := range e.doc.Members() {
		if m.Incarnation != 0 && m.Incarnation != NoDisk && !slices.Contains(before, m) {
			e.send(m, CreateReplica{Incarnation: m.Incarnation})
		}
	}
}

// created goes on with what a replica was missing for: its fence, or its answer
// to a question.
func (e *Election) created(from Envelope, m ReplicaCreated) {
	member, known := e.member(from)
	switch {
	case m.Refused == RefusedNotMember:
		// Another replica is there. If it left the shard long ago, the document
		// tells so.
		e.tell(from.From)
	case !known || m.Refused != 0:
	case e.phase == fencingPhase && e.fence.answer(member.Member) == nil:
		e.send(member, NewTerm{Term: e.mine})
	case e.phase == questioning && !e.hasAnswered(member.Member):
		e.send(member, Probe{Nonce: e.question.nonce})
	}
}
