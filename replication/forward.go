package replication

import "slices"

// Rule 7, where a request begins: it is given to the replica here if that
// leads, or forwarded to the server whose replica does. A write is in the hands
// of at most one leader, ever; one that was refused, and so is in no log, may be
// offered again.

// requests are this server's own requests without an outcome, oldest first.
type requests struct {
	open []*request
	// lastToken names requests towards replicas here, lastSequence towards other
	// servers.
	lastToken    Token
	lastSequence uint64
}

// request is one of them, in one of four states.
type request struct {
	Request
	state requestState
	// token is set while a replica here has it, sequence while another server
	// has, with that server, its run, and when to send it again.
	token    Token
	sequence uint64
	to       ServerID
	run      RunID
	resendAt Instant
	// retryAt is when a held request is offered again without other cause.
	retryAt Instant
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
)

// Request takes a client's request. Its outcome comes from a Step, by its
// deadline.
func (n *Node) Request(r Request) {
	if len(n.requests.open) >= n.options.MaxRequests {
		n.outcomes = append(n.outcomes, RequestOutcome{r.ID, refused(RefusedOverload)})
		return
	}
	req := &request{Request: r}
	n.requests.open = append(n.requests.open, req)
	n.offer(n.shard(r.Shard), req)
}

// offer gives a held request to whoever leads, if that one is known and there.
// To a silent server nothing is sent: it would be of no use there, and could not
// be given to the next leader any more.
func (n *Node) offer(s *shard, req *request) {
	if req.state != held {
		return
	}
	req.retryAt = Never
	leader := s.route.leader.Server
	switch {
	case leader == n.self.ID && s.replica != nil:
		n.requests.lastToken++
		req.state, req.token = proposed, n.requests.lastToken
		n.ask(s, req.Kind, req.token, req.Body)
	case n.reachable(leader, s.route.run):
		n.requests.lastSequence++
		req.state, req.sequence = forwarded, n.requests.lastSequence
		req.to, req.run = leader, s.route.run
		n.sendForward(req)
	}
}

// ask gives a request to the replica here.
func (n *Node) ask(s *shard, kind RequestKind, token Token, body []byte) {
	if kind == RequestRead {
		n.mailReplica(s, ReadIndex{Token: token})
		return
	}
	s.proposals = append(s.proposals, Proposal{Token: token, Payload: body})
	n.enqueue(s)
}

func (n *Node) sendForward(req *request) {
	req.resendAt = n.now.Mono.Add(n.options.ResendAfter)
	n.send(Envelope{
		From: n.self.ID, FromRun: n.self.Run, To: req.to, Shard: req.Shard,
		Message: Forward{
			OriginRun: n.self.Run, ToRun: req.run, Sequence: req.sequence, Low: n.lowSequence(),
			Kind: req.Kind, Body: req.Body, Wait: req.Deadline.Sub(n.now.Mono),
		},
	})
}

// lowSequence is below every sequence that is still of interest here.
func (n *Node) lowSequence() uint64 {
	low := n.requests.lastSequence + 1
	for _, req := range n.requests.open {
		if req.state == forwarded {
			low = min(low, req.sequence)
		}
	}
	return low
}

// forwardEnded takes the answer of the server that a request was sent to.
func (n *Node) forwardEnded(e Envelope, m ForwardReply) {
	i := slices.IndexFunc(n.requests.open, func(r *request) bool {
		return r.state == forwarded && r.sequence == m.Sequence && r.to == e.From
	})
	if m.OriginRun != n.self.Run || i < 0 {
		return
	}
	req := n.requests.open[i]
	if m.Outcome.Kind != OutcomeRefused || m.Outcome.Refusal == RefusedOverwritten {
		n.end(req, m.Outcome)
		return
	}
	s := n.shard(req.Shard)
	n.hold(req)
	n.learnRoute(s, route{term: m.Term, leader: m.Leader, run: m.LeaderRun})
}

// hold keeps a refused request for the next leader, or the next moment.
func (n *Node) hold(req *request) {
	req.state, req.token, req.sequence = held, 0, 0
	req.retryAt = n.now.Mono.Add(n.options.RetryAfter)
}

// offerHeld offers what a shard's requests wait for.
func (n *Node) offerHeld(s *shard) {
	for _, req := range slices.Clone(n.requests.open) {
		switch {
		case req.Shard != s.id:
		case req.state == forwarded && req.Kind == RequestRead && req.to != s.route.leader.Server:
			// A read does no harm where it is; the new leader can answer it.
			n.hold(req)
			n.offer(s, req)
		default:
			n.offer(s, req)
		}
	}
}

func (n *Node) offerAll() {
	for _, s := range n.shards {
		n.offerHeld(s)
	}
}

// peerRunOver ends the writes that a process had which is no more: whether it
// appended them cannot be learned. Reads go to the next leader.
func (n *Node) peerRunOver(id ServerID, run RunID) {
	for _, req := range slices.Clone(n.requests.open) {
		switch {
		case req.state != forwarded || req.to != id || req.run != run:
		case req.Kind == RequestRead:
			n.hold(req)
		default:
			n.end(req, Outcome{Kind: OutcomeUnknown})
		}
	}
	n.forgetOrigin(id, run)
}

// expireRequests ends what is late, and sends or offers again what is due. A
// write that a leader may have appended ends unknown, everything else refused.
func (n *Node) expireRequests() {
	for _, req := range slices.Clone(n.requests.open) {
		switch {
		case n.now.Mono >= req.Deadline:
			outcome := refused(RefusedExpired)
			if req.Kind == RequestWrite && req.state != held {
				outcome = Outcome{Kind: OutcomeUnknown}
			}
			n.end(req, outcome)
		case req.state == forwarded && due(req.resendAt, n.now.Mono):
			n.sendForward(req)
		case req.state == held && due(req.retryAt, n.now.Mono):
			n.offer(n.shard(req.Shard), req)
		}
	}
}

func (n *Node) requestsDeadline() Instant {
	next := Never
	for _, req := range n.requests.open {
		next = earliest(next, req.Deadline)
		switch req.state {
		case forwarded:
			next = earliest(next, req.resendAt)
		case held:
			next = earliest(next, req.retryAt)
		}
	}
	return next
}

func (n *Node) end(req *request, outcome Outcome) {
	n.requests.open = slices.DeleteFunc(n.requests.open, func(r *request) bool { return r == req })
	n.outcomes = append(n.outcomes, RequestOutcome{req.ID, outcome})
}
