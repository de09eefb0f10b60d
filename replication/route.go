package replication

// Who leads a shard, as far as this server knows, and whether it does so itself.

// route is who leads a shard, as far as this server knows.
type route struct {
	term   Term
	leader Member
	run    RunID
}

// reroute takes note of what a replica's step changed for requests.
func (n *Node) reroute(s *shard) {
	term, leader, run := s.replica.Leader()
	n.termSeen(s, term.Term)
	if leader != (Member{}) {
		n.learnRoute(s, route{term: term.Term, leader: leader, run: run})
	}
	n.refuseHere(s)
	if !s.replica.Serves() {
		term.Term = 0
	}
	if n.servedIn(s, term.Term) {
		n.offerAnew(s)
	}
}

// servedIn takes note of the term in which the replica here serves, zero if it does
// not, and reports whether it has just begun to.
func (n *Node) servedIn(s *shard, term Term) bool {
	before := s.served
	if before == term {
		return false
	}
	s.served = term
	if before != 0 && n.ports.Reigns != nil {
		n.ports.Reigns.NotServing(s.id, before)
	}
	if term != 0 && n.ports.Reigns != nil {
		n.ports.Reigns.Serving(s.id, term)
	}
	return term != 0
}

// learnRoute keeps the leader of the higher term, and offers it what waits.
func (n *Node) learnRoute(s *shard, found route) {
	if found.term < s.route.term || found == s.route {
		return
	}
	s.route = found
	n.termSeen(s, found.term)
	n.refuseHere(s)
	n.moveReads(s)
	n.offerAnew(s)
}

// termSeen lets the election here know of a term that is in use, lest it watch over
// a leader of the past.
func (n *Node) termSeen(s *shard, term Term) {
	if s.election != nil && term > s.told {
		s.told = term
		n.mailElection(s, TermSeen{Term: term})
	}
}

// learnDocument takes the route that a shard's document tells.
func (n *Node) learnDocument(id ShardID, doc *Document) {
	if doc.Status == StatusSteady {
		n.learnRoute(n.shard(id), route{term: doc.Term.Term, leader: doc.Leader, run: doc.LeaderRun})
	}
}
