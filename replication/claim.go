package replication

import "slices"

// Rule 1: terms, each made by one compare-and-set and owned by the run whose
// own call returned success.

// bootstrap writes the first document of a shard: an ensemble of the servers
// that were named for it. It waits until all of them were heard, or are
// silent, so that the document names their disks from the start. Several
// may try at once: one compare-and-set wins.
func (e *Election) bootstrap() {
	doc := Document{}
	for i, server := range e.servers {
		doc.LastReplica = ReplicaID(i + 1)
		incarnation := e.incarnationOf(server)
		if incarnation == 0 && !e.patienceOver() {
			e.watch(e.after(e.options.BeatEvery))
			return
		}
		doc.Ensemble = append(doc.Ensemble, DocumentMember{
			Member: Member{Server: server, Replica: doc.LastReplica}, Incarnation: incarnation,
		})
	}
	e.doc = doc
	e.claim()
}

// patienceOver reports whether this run has waited long enough for the servers
// of a shard without a document.
func (e *Election) patienceOver() bool {
	if e.seen == Never {
		e.seen = e.now.Mono
	}
	return e.now.Mono >= e.seen.Add(e.options.SilentAfter)
}

// claim writes a term above every one that was mentioned, for the members that the
// document names; but not for ever for a joining ensemble with which nothing
// comes to work.
func (e *Election) claim() {
	if len(e.doc.Joining) > 0 && e.change.terms >= maxJointTerms {
		e.back()
		return
	}
	e.claimFor(e.doc.Clone())
}

// claimFor writes a higher term into a document. It ends whatever this run began
// in an earlier term.
func (e *Election) claimFor(doc Document) {
	e.change.terms++
	if len(doc.Joining) == 0 {
		e.change.terms = 0
	}
	doc.Version++
	doc.Term = TermID{Term: max(e.highest, doc.Term.Term) + 1, Election: ElectionID(e.draw())}
	doc.Status = StatusElecting
	doc.Leader, doc.LeaderRun = Member{}, 0
	if e.settings != nil {
		doc.Settings = e.settings
	}
	e.highest, e.handover = doc.Term.Term, handover{}
	e.write(claiming, doc)
}

// publish writes who leads. Under two ensembles this is the step forward.
func (e *Election) publish(leader Member, run RunID) {
	doc := e.doc.Clone()
	doc.Version++
	doc.Status, doc.Leader, doc.LeaderRun = StatusSteady, leader, run
	forward(&doc)
	e.write(publishing, doc)
}

func (e *Election) write(p phase, doc Document) {
	e.enterPhase(p, e.now.Mono.Add(2*e.options.StoreWithin))
	e.submit(doc)
}

// submit asks the metadata store to write a document.
func (e *Election) submit(doc Document) {
	e.store, e.storeBy = &doc, e.now.Mono.Add(2*e.options.StoreWithin)
	stored := doc.Clone()
	e.out.Store = &stored
}

// stored goes on after a compare-and-set. A term whose outcome is unknown is
// never used, even when the document turns out to show it: the call might be
// repeated below us, and then two runs could believe the same.
func (e *Election) stored(ev DocumentStored) {
	doc := e.store
	if doc == nil || doc.Version != ev.Version || doc.Term != ev.Term {
		return
	}
	e.store = nil
	switch {
	case ev.Outcome == StoreConflict:
		e.superseded()
	case ev.Outcome == StoreUnknown:
		e.storeLost()
	case e.found && doc.Version <= e.doc.Version:
		// A later document is known already: whatever this began is over.
		e.superseded()
	case e.phase == claiming:
		e.wentBack(doc)
		e.learnDocument(*doc)
		e.mine = doc.Term
		e.beginFencing()
	case e.phase == publishing:
		e.change.terms = 0
		e.learnDocument(*doc)
		e.announce()
		e.watch(Never)
		if e.suspicious() {
			// The leader was lost while it was published.
			e.suspect()
			return
		}
		e.reconcile()
	case e.phase == changing:
		before := e.doc.Members()
		e.learnDocument(*doc)
		e.announce()
		e.makeReplicas(before)
		e.decide()
	default:
		e.disksAdopted(*doc)
	}
}

// storing reports whether a write is under way. The provider owes an answer
// within its own limit; one that lost it is not waited for.
func (e *Election) storing() bool {
	if e.store != nil && e.now.Mono >= e.storeBy {
		e.store = nil
	}
	return e.store != nil
}

// superseded goes back to watching: a rival was faster. It is given time to
// finish before this run competes again.
func (e *Election) superseded() {
	e.mine = TermID{}
	e.load()
}

// storeLost starts over after an answer that never came.
func (e *Election) storeLost() {
	e.mine = TermID{}
	e.store = nil
	e.reload = true
	e.watch(e.after(e.options.ElectWithin / 4))
}

// announce tells every server of the document: those of the shard's beginning,
// its members', and all others that were heard.
func (e *Election) announce() {
	servers := slices.Clone(e.servers)
	for _, m := range append(e.doc.Members(), e.doc.Removed...) {
		servers = append(servers, m.Server)
	}
	for _, p := range e.peers {
		servers = append(servers, p.server)
	}
	for i, server := range servers {
		if server != e.self && !slices.Contains(servers[:i], server) {
			e.tell(server)
		}
	}
}

// tell sends a server the document.
func (e *Election) tell(server ServerID) {
	e.send(DocumentMember{Member: Member{Server: server}}, Assign{Document: e.doc.Clone()})
}
