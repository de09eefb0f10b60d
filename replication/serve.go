package replication

import "slices"

// Rule 7, where a request is served: by the replica of this server, for clients
// here and for other servers. What an origin sent is remembered until the
// origin says that it is over, so that a repetition is answered and not done
// again.

// origin is another server's run and its requests here.
type origin struct {
	server ServerID
	run    RunID
	// low is below every sequence that may still be of interest.
	low    uint64
	served []*servedRequest
}

// servedRequest is a request of another server.
type servedRequest struct {
	origin   *origin
	sequence uint64
	shard    ShardID
	kind     RequestKind
	body     []byte
	token    Token
	// outcome ends it; what is refused stays refused, also if a late copy arrives
	// when this server leads again.
	ended   bool
	outcome Outcome
}

// queries ties answers of the state machine to the reads that wait for them.
type queries struct {
	last QueryID
	// waiting are reads here or of others, one of the two in each.
	waiting []openQuery
}

type openQuery struct {
	id     QueryID
	own    *request
	served *servedRequest
}

// serve takes a forwarded request, once.
func (n *Node) serve(e Envelope, m Forward) {
	if m.ToRun != n.self.Run || m.OriginRun != e.FromRun {
		// It was meant for an earlier run here, which may have appended it. Only
		// the origin's own deadline can end it.
		return
	}
	o := n.origin(e.From, m.OriginRun)
	o.forgetBelow(m.Low)
	if m.Sequence < o.low {
		return
	}
	if i := slices.IndexFunc(o.served, func(r *servedRequest) bool { return r.sequence == m.Sequence }); i >= 0 {
		if o.served[i].ended {
			n.replyForward(o.served[i])
		}
		return
	}
	if len(o.served) >= n.options.MaxRequests {
		// Dropped, as a transport may; the origin sends it again.
		return
	}
	r := &servedRequest{origin: o, sequence: m.Sequence, shard: e.Shard, kind: m.Kind, body: m.Body}
	o.served = append(o.served, r)
	s, _ := n.lookup(e.Shard)
	if s == nil || s.replica == nil {
		n.endServed(r, refused(RefusedNotLeader))
		return
	}
	n.requests.lastToken++
	r.token = n.requests.lastToken
	n.ask(s, r.kind, r.token, r.body)
}

func (o *origin) forgetBelow(low uint64) {
	if low > o.low {
		o.low = low
		o.served = slices.DeleteFunc(o.served, func(r *servedRequest) bool { return r.sequence < low })
	}
}

func (n *Node) origin(server ServerID, run RunID) *origin {
	i := slices.IndexFunc(n.inbound, func(o *origin) bool { return o.server == server && o.run == run })
	if i < 0 {
		i = len(n.inbound)
		n.inbound = append(n.inbound, &origin{server: server, run: run})
	}
	return n.inbound[i]
}

// forgetOrigin drops what a run sent that is over; its messages are not read
// any more.
func (n *Node) forgetOrigin(server ServerID, run RunID) {
	n.inbound = slices.DeleteFunc(n.inbound, func(o *origin) bool { return o.server == server && o.run == run })
}

// ended takes an outcome of the replica here. A confirmed read goes on to the
// state machine.
func (n *Node) ended(s *shard, o TokenOutcome) {
	own, served := n.byToken(o.Token)
	switch {
	case own == nil && served == nil:
		// Its deadline passed before.
	case o.Outcome.Kind == OutcomeDone && (own != nil && own.Kind == RequestRead || served != nil && served.kind == RequestRead):
		n.query(s, own, served)
	case served != nil:
		n.endServed(served, o.Outcome)
	case o.Outcome.Kind == OutcomeRefused && o.Outcome.Refusal != RefusedOverwritten:
		n.hold(own)
	default:
		n.end(own, o.Outcome)
	}
}

func (n *Node) byToken(token Token) (*request, *servedRequest) {
	for _, req := range n.requests.open {
		if req.state == proposed && req.token == token {
			return req, nil
		}
	}
	for _, o := range n.inbound {
		for _, r := range o.served {
			if r.token == token && !r.ended {
				return nil, r
			}
		}
	}
	return nil, nil
}

func (n *Node) query(s *shard, own *request, served *servedRequest) {
	n.queries.last++
	q := openQuery{id: n.queries.last, own: own, served: served}
	n.queries.waiting = append(n.queries.waiting, q)
	body := []byte(nil)
	if own != nil {
		own.state = querying
		body = own.Body
	} else {
		body = served.body
	}
	n.ports.StateMachine.Query(s.id, q.id, body)
}

// Answered takes the state machine's answer to a query.
func (n *Node) Answered(id QueryID, result []byte) {
	i := slices.IndexFunc(n.queries.waiting, func(q openQuery) bool { return q.id == id })
	assert(i >= 0, "query %d was not asked", id)
	q := n.queries.waiting[i]
	n.queries.waiting = slices.Delete(n.queries.waiting, i, i+1)
	outcome := Outcome{Kind: OutcomeDone, Result: result}
	switch {
	case q.served != nil:
		n.endServed(q.served, outcome)
	case slices.Contains(n.requests.open, q.own):
		n.end(q.own, outcome)
	}
}

func (n *Node) endServed(r *servedRequest, outcome Outcome) {
	r.ended, r.outcome, r.body = true, outcome, nil
	n.replyForward(r)
}

func (n *Node) replyForward(r *servedRequest) {
	m := ForwardReply{OriginRun: r.origin.run, Sequence: r.sequence, Outcome: r.outcome}
	if s, _ := n.lookup(r.shard); s != nil {
		m.Term, m.Leader, m.LeaderRun = s.route.term, s.route.leader, s.route.run
	}
	n.send(Envelope{From: n.self.ID, FromRun: n.self.Run, To: r.origin.server, Shard: r.shard, Message: m})
}
