package replication

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication/quorum"
)

// Rule 8, the coordinator's side: how a shard's members come to be those that
// are wished for. Each step is one compare-and-set, and what is to be done next
// follows from the document and the wish alone, so that any coordinator can go on
// where another died:
//
//	add       new replicas are written down as learners, and made
//	catch up  the leader replicates to them, until they lag little
//	join      a term is claimed under both ensembles (join), and won as any other
//	forward   the compare-and-set that publishes its leader makes the joining
//	          ensemble the only one (publish)
//	back      instead, any time before: a higher term under the old one alone
//	settle    those that left are deleted (removed.go)
type change struct {
	// wish are the servers that are to hold the replicas; empty for no wish.
	wish []ServerID
	// aside is set when the wish turned out to be out of reach at present. It rests
	// until it is given again, lest the shard go forth and back for ever.
	aside bool
	// notBefore is until when another coordinator is given time to go on with what
	// it began; Never if no other was seen at work.
	notBefore Instant
	// nonce is that of the last questions to the leader and the learners, answers
	// are theirs.
	nonce   uint64
	answers []MemberHead
	// terms counts those that this run claimed for the same joining ensemble.
	terms int
	// completed is the last term whose leader was heard to count the document's
	// ensemble alone, deleted are removed replicas that were heard to be gone.
	completed TermID
	deleted   []Member
}

// maxJointTerms is in how many terms a run tries to get a joining ensemble to
// work, before it goes back.
const maxJointTerms = 4

// changeEnsemble takes the planner's wish.
func (e *Election) changeEnsemble(servers []ServerID) {
	var wish []ServerID
	for _, s := range servers {
		if !slices.Contains(wish, s) {
			wish = append(wish, s)
		}
	}
	e.change.aside = false
	if !slices.Equal(wish, e.change.wish) {
		e.change.wish, e.change.notBefore = wish, Never
	}
	switch e.phase {
	case watching:
		switch {
		case e.mayChange():
			e.reconcile()
		case e.reload && e.timer == Never:
			// A document that came by itself ended the wait for reading it.
			e.load()
		}
	case questioning, fencingPhase, starting:
		if e.withdrawn() && !e.storing() {
			e.back()
		}
	}
}

// mayChange reports whether the members are to be looked at: only a shard whose
// leader is there can bring new ones up.
func (e *Election) mayChange() bool {
	return e.phase == watching && e.found && e.doc.Status == StatusSteady && !e.reload && !e.suspicious()
}

// wishes reports whether there is a wish to act upon.
func (e *Election) wishes() bool { return len(e.change.wish) > 0 && !e.change.aside }

// reconcile does what brings the members closer to what is wished, or watches if
// there is nothing to do.
func (e *Election) reconcile() {
	switch {
	case e.ends && !e.storing():
		e.end()
	case !e.wishes() && len(e.doc.Removed) == 0:
		e.watch(Never)
	case e.now.Mono < e.change.notBefore:
		e.watch(e.after(e.change.notBefore.Sub(e.now.Mono)))
	case e.storing():
		e.watch(e.now.Mono.Add(e.options.GraceFor))
	case e.changeMembers(true):
	case e.askMembers():
		e.watch(e.now.Mono.Add(e.options.ResendAfter))
	default:
		e.watch(Never)
	}
}

// progressed goes on after an answer, without waiting for the next look.
func (e *Election) progressed() {
	if e.mayChange() && e.now.Mono >= e.change.notBefore && !e.storing() {
		e.changeMembers(e.allDeleted())
	}
}

// changeMembers writes the next document of a change, and reports whether there
// is one to be written now. That replicas are gone is worth one only if forget is
// set.
func (e *Election) changeMembers(forget bool) bool {
	doc := e.doc.Clone()
	doc.Removed = without(doc.Removed, e.change.deleted)
	changed := forget && len(doc.Removed) < len(e.doc.Removed)
	var wanted []DocumentMember
	complete := false
	if e.wishes() {
		wanted, complete = e.plan(&doc)
		changed = changed || !slices.Equal(doc.Learners, e.doc.Learners)
	}
	switch {
	case changed:
		doc.Version++
		e.write(changing, doc)
	case complete && !sameMembers(bareMembers(wanted), bareMembers(doc.Ensemble)) && e.mayJoin(wanted):
		e.join(wanted)
	default:
		return false
	}
	return true
}

// plan returns the members that the wish asks for, and whether all of them are
// known: a server that was not heard yet cannot be given a replica. It writes
// those that are new into the document as learners, and takes learners out that
// are not asked for. A member counts only where its disk is.
func (e *Election) plan(doc *Document) (wanted []DocumentMember, complete bool) {
	complete = true
	for _, server := range e.change.wish {
		members := doc.Members()
		i := slices.IndexFunc(members, func(m DocumentMember) bool { return m.Server == server && !e.lost(m) })
		disk := e.presentDisk(server)
		switch {
		case i >= 0:
			wanted = append(wanted, members[i])
		case disk != 0:
			doc.LastReplica++
			added := DocumentMember{Member: Member{Server: server, Replica: doc.LastReplica}, Incarnation: disk}
			doc.Learners = append(doc.Learners, added)
			wanted = append(wanted, added)
		default:
			complete = false
		}
	}
	surplus := without(doc.Learners, bareMembers(wanted))
	doc.Learners = without(doc.Learners, bareMembers(surplus))
	doc.Removed = append(doc.Removed, surplus...)
	return wanted, complete
}

// lost reports whether a member's server runs on another disk by now, or said that
// its disk lost the replica (rule 9).
func (e *Election) lost(m DocumentMember) bool {
	disk := e.presentDisk(m.Server)
	return disk != 0 && m.Incarnation != 0 && disk != m.Incarnation
}

// presentDisk is the disk of a server that is heard; zero if that is not known.
func (e *Election) presentDisk(server ServerID) Incarnation {
	if slices.Contains(e.silent, server) {
		return 0
	}
	return e.incarnationOf(server)
}

// askMembers asks the leader and the learners that are to join how far they are,
// and goes on with settling. It reports whether anything is to be waited for.
func (e *Election) askMembers() bool {
	waiting := e.settleRemoved()
	if !e.wishes() {
		return waiting
	}
	learning := false
	for _, m := range e.doc.Learners {
		if !slices.Contains(e.silent, m.Server) {
			if !learning {
				e.change.nonce, e.change.answers = e.draw(), nil
				e.send(DocumentMember{Member: e.doc.Leader}, Probe{Nonce: e.change.nonce})
			}
			learning = true
			e.send(m, Probe{Nonce: e.change.nonce})
		}
	}
	return waiting || learning
}

// memberAnswered takes an answer of the leader or of a learner. A learner that
// does not follow is named to the leader, which may not know it.
func (e *Election) memberAnswered(from Envelope, m ProbeReply) {
	sender := Member{Server: from.From, Replica: from.FromReplica}
	leads := sender == e.doc.Leader && m.Role == RoleLeader
	learner := slices.ContainsFunc(e.doc.Learners, func(m DocumentMember) bool { return m.Member == sender })
	answered := MemberHead{Member: sender, Head: m.Head}
	switch {
	case !e.mayChange() || !leads && !learner:
	case m.Term == e.doc.Term && (leads || m.Role == RoleFollower):
		if e.headOf(sender) == nil {
			e.change.answers = append(e.change.answers, answered)
		}
		e.progressed()
	case learner && m.Term.Term <= e.doc.Term.Term:
		e.send(DocumentMember{Member: e.doc.Leader}, AddFollower{Term: e.doc.Term, Member: answered})
	}
}

func (e *Election) headOf(m Member) *EntryID {
	i := slices.IndexFunc(e.change.answers, func(a MemberHead) bool { return a.Member == m })
	if i < 0 {
		return nil
	}
	return &e.change.answers[i].Head
}

// mayJoin reports whether the wanted members may be asked to vote: those that are
// new lag little behind the leader, and both ensembles have a majority that is
// heard. Otherwise the first term under both would only stop the shard.
func (e *Election) mayJoin(wanted []DocumentMember) bool {
	both := quorum.Config[Member]{Ensemble: bareMembers(e.doc.Ensemble), Joining: bareMembers(wanted)}
	if !both.Reached(func(m Member) bool { return !slices.Contains(e.silent, m.Server) }) {
		return false
	}
	leader := e.headOf(e.doc.Leader)
	return !slices.ContainsFunc(without(wanted, both.Ensemble), func(m DocumentMember) bool {
		head := e.headOf(m.Member)
		return leader == nil || head == nil || leader.Offset-head.Offset > Offset(e.options.MaxLag)
	})
}

// join claims the first term under both ensembles.
func (e *Election) join(wanted []DocumentMember) {
	doc := e.doc.Clone()
	doc.Joining = wanted
	doc.Learners = without(doc.Learners, bareMembers(wanted))
	e.claimFor(doc)
}

// forward makes the joining ensemble the only one, if there is one: the barrier
// of a term under both has committed, so a majority of it holds all that ever
// committed.
func forward(doc *Document) {
	if len(doc.Joining) > 0 {
		doc.Removed = append(doc.Removed, without(doc.Ensemble, bareMembers(doc.Joining))...)
		doc.Ensemble, doc.Joining = doc.Joining, nil
	}
}

// leaderLeft reports whether the published leader is not in the ensemble any
// more, for which it is replaced. Nobody waits for it to step down: should its
// word of that be lost, the shard had no leader, and nobody would know.
func (e *Election) leaderLeft() bool {
	return e.doc.Status == StatusSteady && !e.voters().Contains(e.doc.Leader)
}

// back gives the joining ensemble up: a higher term is claimed for the old one
// alone, without which nothing ever committed under both.
func (e *Election) back() {
	doc := e.doc.Clone()
	doc.Removed = append(doc.Removed, without(doc.Joining, bareMembers(doc.Ensemble))...)
	doc.Joining = nil
	e.claimFor(doc)
}

// wentBack sets the wish aside that a document just written gave up.
func (e *Election) wentBack(doc *Document) {
	if len(e.doc.Joining) > 0 && len(doc.Joining) == 0 && !e.withdrawn() {
		e.change.aside = true
	}
}

// withdrawn reports whether a change is under way that is not wished any more.
func (e *Election) withdrawn() bool {
	return len(e.doc.Joining) > 0 && e.wishes() &&
		e.wishedFor(e.doc.Ensemble) && !e.wishedFor(e.doc.Joining)
}

// wishedFor reports whether members are on the servers of the wish, and on no
// others.
func (e *Election) wishedFor(members []DocumentMember) bool {
	return len(members) == len(e.change.wish) && !slices.ContainsFunc(members, func(m DocumentMember) bool {
		return !slices.Contains(e.change.wish, m.Server)
	})
}

// joinersMissing reports whether the joining ensemble alone is what keeps a
// decision from being made, given those who are there.
func (e *Election) joinersMissing(there func(Member) bool) bool {
	old := quorum.Config[Member]{Ensemble: bareMembers(e.doc.Ensemble)}
	joining := quorum.Config[Member]{Ensemble: bareMembers(e.doc.Joining)}
	return len(e.doc.Joining) > 0 && old.Reached(there) && !joining.Reached(there)
}

// without returns the members that are not among others.
func without(members []DocumentMember, others []Member) []DocumentMember {
	return slices.DeleteFunc(slices.Clone(members), func(m DocumentMember) bool {
		return slices.Contains(others, m.Member)
	})
}
