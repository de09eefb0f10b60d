package replication

import (
	"maps"
	"slices"
)

// Rule 7, where a request begins: it is given to the replica here if that
// leads, or forwarded to the server whose replica does. A write is in the hands
// of at most one leader, ever; one that was refused, and so is in no log, may be
// offered again.

// requests are this server's own requests without an outcome.
type requests struct {
	count  int
	alarms alarms[*request]
	// byToken are those that a replica here has, bySequence those that another
	// server was sent.
	lastToken    Token
	byToken      map[Token]*request
	lastSequence uint64
	bySequence   map[uint64]*request
	// low is below every sequence that is still of interest here.
	low uint64
}

func newRequests() requests {
	return requests{byToken: map[Token]*request{}, bySequence: map[uint64]*request{}, low: 1}
}

// request is one of them, in one of five states.
type request struct {
	Request
	state requestState
	alarm *alarm[*request]
	// token is set while a replica here has it, sequence while another server
	// has, with that server and its run.
	token    Token
	sequence uint64
	to       ServerID
	run      RunID
	// retryAt is when a held request may be offered again, if it was refused.
	retryAt Instant
	// why it was refused last, which is what its client learns if time runs out.
	why Refusal
}

type requestState uint8

const (
	// held: nobody has it.
	held requestState = iota
	// proposed: a replica here has it.
	proposed
	// forwarded: another server was sent it.
	forwarded
	// querying: it is a confirmed read that the state machine is answering.
	querying
	// over: it has its outcome.
	over
)

// Request takes a client's request. Its outcome comes from a Step, by its
// deadline.
func (n *Node) Request(r Request) {
	if n.requests.count >= n.options.MaxRequests {
		n.outcomes = append(n.outcomes, RequestOutcome{r.ID, refused(RefusedOverload)})
		return
	}
	n.requests.count++
	req := &request{Request: r, why: RefusedExpired}
	req.alarm = n.requests.alarms.add(req)
	s := n.shard(r.Shard)
	n.hold(s, req, Never)
	n.offerHeld(s)
}

// leadsHere reports whether a request that is kept here has anything to wait for.
func (n *Node) leadsHere(s *shard) bool {
	return s.leads() && s.route.leader.Server == n.self.ID
}

// refuseHere ends the requests that are kept here when others lead.
func (n *Node) refuseHere(s *shard) {
	if len(s.held) == 0 || n.leadsHere(s) {
		return
	}
	for _, req := range slices.Clone(s.held) {
		if req.Here {
			n.end(req, refused(RefusedNotLeader))
		}
	}
}

// hold keeps a request that nobody has for the next leader, or until a time.
func (n *Node) hold(s *shard, req *request, until Instant) {
	delete(n.requests.byToken, req.token)
	delete(n.requests.bySequence, req.sequence)
	delete(s.sent, req.sequence)
	req.state, req.token, req.sequence, req.retryAt = held, 0, 0, until
	s.held = append(s.held, req)
	n.wait(req, until)
	if req.Here && !n.leadsHere(s) {
		n.end(req, refused(RefusedNotLeader))
	}
}

// retryLater keeps a request that was refused and may be offered again.
func (n *Node) retryLater(req *request, why Refusal) {
	req.why = why
	n.hold(n.shard(req.Shard), req, n.now.Mono.Add(n.options.RetryAfter))
}

// wait sets when a request is looked at again, which is at its deadline at the
// latest.
func (n *Node) wait(req *request, until Instant) {
	n.requests.alarms.set(req.alarm, earliest(until, req.Deadline))
}

// offerHeld gives what a shard's requests wait for to whoever leads, if that one
// is known and there. To a silent server nothing is sent: it would be of no use
// there, and could not be given to the next leader any more.
func (n *Node) offerHeld(s *shard) {
	if len(s.held) == 0 {
		return
	}
	leader := s.route.leader.Server
	here := leader == n.self.ID && s.replica != nil
	if !here && !n.reachable(leader, s.route.run) {
		return
	}
	waiting := s.held
	s.held = nil
	inOrder := true
	for _, req := range waiting {
		orderly := req.Here && req.Kind == RequestWrite
		switch {
		case orderly && (!inOrder || !s.replica.Serves()):
			s.held = append(s.held, req)
		case req.retryAt > n.now.Mono:
			inOrder = inOrder && !orderly
			s.held = append(s.held, req)
		case here:
			n.propose(s, req)
		default:
			n.forward(s, req, leader, s.route.run)
		}
	}
}

// offerAnew offers also what was refused a moment ago: something changed.
func (n *Node) offerAnew(s *shard) {
	for _, req := range s.held {
		req.retryAt = Never
	}
	n.offerHeld(s)
}

func (n *Node) propose(s *shard, req *request) {
	n.requests.lastToken++
	req.state, req.token = proposed, n.requests.lastToken
	n.requests.byToken[req.token] = req
	n.wait(req, Never)
	n.ask(s, req.Kind, req.token, req.Body)
}

// ask gives a request to the replica here.
func (n *Node) ask(s *shard, kind RequestKind, token Token, body []byte) {
	if kind == RequestRead {
		s.reads = append(s.reads, token)
	} else {
		s.proposals = append(s.proposals, Proposal{Token: token, Payload: body})
	}
	n.enqueue(s)
}

func (n *Node) forward(s *shard, req *request, to ServerID, run RunID) {
	n.requests.lastSequence++
	req.state, req.sequence, req.to, req.run = forwarded, n.requests.lastSequence, to, run
	n.requests.bySequence[req.sequence] = req
	s.sent[req.sequence] = req
	n.sendForward(req)
}

func (n *Node) sendForward(req *request) {
	n.wait(req, n.now.Mono.Add(n.options.ResendAfter))
	n.send(Envelope{
		From: n.self.ID, FromRun: n.self.Run, To: req.to, Shard: req.Shard,
		Message: Forward{
			OriginRun: n.self.Run, ToRun: req.run, Sequence: req.sequence, Low: n.lowSequence(),
			Kind: req.Kind, Body: req.Body,
		},
	})
}

// lowSequence moves up over the sequences that are over.
func (n *Node) lowSequence() uint64 {
	for n.requests.low <= n.requests.lastSequence && n.requests.bySequence[n.requests.low] == nil {
		n.requests.low++
	}
	return n.requests.low
}

// forwardEnded takes the answer of the server that a request was sent to.
func (n *Node) forwardEnded(e Envelope, m ForwardReply) {
	req := n.requests.bySequence[m.Sequence]
	if m.OriginRun != n.self.Run || req == nil || req.to != e.From {
		return
	}
	if !m.Outcome.mayRetry() {
		n.end(req, m.Outcome)
		return
	}
	n.retryLater(req, m.Outcome.Refusal)
	n.learnRoute(n.shard(req.Shard), route{term: m.Term, leader: m.Leader, run: m.LeaderRun})
}

// mayRetry reports whether a request that ended so is in no log, and another
// leader, or the same one later, may take it.
func (o Outcome) mayRetry() bool {
	return o.Kind == OutcomeRefused && o.Refusal != RefusedOverwritten
}

// moveReads takes the reads of a shard back that were sent to a server which
// does not lead any more: they do no harm there, and the new leader can answer.
func (n *Node) moveReads(s *shard) {
	for _, req := range oldestFirst(s.sent, func(req *request) bool {
		return req.Kind == RequestRead && req.to != s.route.leader.Server
	}) {
		n.hold(s, req, Never)
	}
}

// oldestFirst returns the forwarded requests that match.
func oldestFirst(sent map[uint64]*request, match func(*request) bool) []*request {
	var found []*request
	for _, sequence := range slices.Sorted(maps.Keys(sent)) {
		if req := sent[sequence]; match(req) {
			found = append(found, req)
		}
	}
	return found
}

func (n *Node) offerAll() {
	for _, s := range n.shards {
		n.offerHeld(s)
	}
}

// peerRunOver ends the writes that a process had which is no more: whether it
// appended them cannot be learned. Reads go to the next leader.
func (n *Node) peerRunOver(id ServerID, run RunID) {
	for _, req := range oldestFirst(n.requests.bySequence, func(req *request) bool { return req.to == id && req.run == run }) {
		if req.Kind == RequestRead {
			n.retryLater(req, RefusedExpired)
		} else {
			n.end(req, Outcome{Kind: OutcomeUnknown})
		}
	}
	n.served.forget(id, run)
}

// expireRequests ends what is late, and sends or offers again what is due. A
// write that a leader may have appended ends unknown, everything else refused.
func (n *Node) expireRequests() {
	for req, ok := n.requests.alarms.pop(n.now.Mono); ok; req, ok = n.requests.alarms.pop(n.now.Mono) {
		switch {
		case n.now.Mono < req.Deadline && req.state == forwarded:
			n.sendForward(req)
		case n.now.Mono < req.Deadline:
			n.wait(req, Never)
			n.offerHeld(n.shard(req.Shard))
		case req.Kind == RequestWrite && req.state != held:
			n.end(req, Outcome{Kind: OutcomeUnknown})
		default:
			n.end(req, refused(req.why))
		}
	}
}

// end gives a request its outcome. A read that the state machine is still
// answering is let go.
func (n *Node) end(req *request, outcome Outcome) {
	s := n.shard(req.Shard)
	delete(s.sent, req.sequence)
	if req.state == held {
		s.held = slices.DeleteFunc(s.held, func(r *request) bool { return r == req })
	}
	n.requests.count--
	delete(n.requests.byToken, req.token)
	delete(n.requests.bySequence, req.sequence)
	n.requests.alarms.set(req.alarm, Never)
	req.state = over
	n.outcomes = append(n.outcomes, RequestOutcome{req.ID, outcome})
}
