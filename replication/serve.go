package replication

import (
	"maps"
	"slices"
)

// Rule 7, where a request is served: by the replica of this server, for clients
// here and for other servers. What an origin sent is remembered until the
// origin says that it is over, so that a repetition is answered and not done
// again.

// served are the requests of other servers that this one was given, and the
// reads that the state machine is answering.
type served struct {
	origins map[originKey]*origin
	byToken map[Token]*servedRequest
	// queries are reads here or of others, one of the two in each.
	lastQuery QueryID
	queries   map[QueryID]openQuery
}

func newServed() served {
	return served{
		origins: map[originKey]*origin{}, byToken: map[Token]*servedRequest{}, queries: map[QueryID]openQuery{},
	}
}

// originKey is another server in one run.
type originKey struct {
	server ServerID
	run    RunID
}

// origin is what that run sent; low is below every sequence that may still be
// of interest to it.
type origin struct {
	key    originKey
	low    uint64
	served map[uint64]*servedRequest
}

// servedRequest is a request of another server.
type servedRequest struct {
	origin   *origin
	sequence uint64
	shard    ShardID
	kind     RequestKind
	body     []byte
	token    Token
	// ended says that it has its outcome; what was refused stays refused, also if
	// a late copy arrives when this server leads again.
	ended   bool
	outcome Outcome
}

type openQuery struct {
	own    *request
	served *servedRequest
}

// serveForward takes a forwarded request, once.
func (n *Node) serveForward(e Envelope, m Forward) {
	if m.ToRun != n.self.Run || m.OriginRun != e.FromRun {
		// It was meant for an earlier run here, which may have appended it. Only
		// the origin's own deadline can end it.
		return
	}
	o := n.served.origin(originKey{e.From, m.OriginRun})
	n.served.forgetBelow(o, m.Low)
	if m.Sequence < o.low {
		return
	}
	if known := o.served[m.Sequence]; known != nil {
		if known.ended {
			n.replyForward(known)
		}
		return
	}
	if len(o.served) >= n.options.MaxRequests {
		// Dropped, as a transport may; the origin sends it again.
		return
	}
	r := &servedRequest{origin: o, sequence: m.Sequence, shard: e.Shard, kind: m.Kind, body: m.Body}
	o.served[m.Sequence] = r
	s, _ := n.lookup(e.Shard)
	if s == nil || s.replica == nil {
		n.endServed(r, refused(RefusedNotLeader))
		return
	}
	n.requests.lastToken++
	r.token = n.requests.lastToken
	n.served.byToken[r.token] = r
	n.ask(s, r.kind, r.token, r.body)
}

// forgetBelow drops what an origin says is over: number by number, or, where
// most of the numbers between went elsewhere, by looking at what is kept.
func (v *served) forgetBelow(o *origin, low uint64) {
	if low > o.low+uint64(len(o.served)) {
		for sequence := range o.served {
			if sequence < low {
				v.drop(o, sequence)
			}
		}
		o.low = low
	}
	for ; o.low < low; o.low++ {
		v.drop(o, o.low)
	}
}

func (v *served) drop(o *origin, sequence uint64) {
	if r := o.served[sequence]; r != nil {
		delete(v.byToken, r.token)
		delete(o.served, sequence)
	}
}

func (v *served) origin(key originKey) *origin {
	o := v.origins[key]
	if o == nil {
		o = &origin{key: key, served: map[uint64]*servedRequest{}}
		v.origins[key] = o
	}
	return o
}

// forget drops what a run sent that is over; its messages are not read any more.
func (v *served) forget(server ServerID, run RunID) {
	key := originKey{server, run}
	if o := v.origins[key]; o != nil {
		for _, r := range o.served {
			delete(v.byToken, r.token)
		}
		delete(v.origins, key)
	}
}

// ended takes an outcome of the replica here. A confirmed read goes on to the
// state machine. What has neither a request nor a served one is past its
// deadline.
func (n *Node) ended(s *shard, o TokenOutcome) {
	if own := n.requests.byToken[o.Token]; own != nil {
		switch {
		case o.Outcome.Kind == OutcomeDone && own.Kind == RequestRead:
			delete(n.requests.byToken, own.token)
			own.state = querying
			n.query(s, openQuery{own: own}, own.Body)
		case o.Outcome.mayRetry():
			n.retryLater(own, o.Outcome.Refusal)
		default:
			n.end(own, o.Outcome)
		}
		return
	}
	if r := n.served.byToken[o.Token]; r != nil {
		if o.Outcome.Kind == OutcomeDone && r.kind == RequestRead {
			n.query(s, openQuery{served: r}, r.body)
			return
		}
		n.endServed(r, o.Outcome)
	}
}

func (n *Node) query(s *shard, q openQuery, body []byte) {
	n.served.lastQuery++
	n.served.queries[n.served.lastQuery] = q
	n.ports.StateMachine.Query(s.id, n.served.lastQuery, body)
}

// dropQueries gives up the reads that a state machine will not answer. They
// changed nothing, and may be offered again.
func (n *Node) dropQueries(s *shard) {
	for _, id := range slices.Sorted(maps.Keys(n.served.queries)) {
		switch q := n.served.queries[id]; {
		case q.served != nil && q.served.shard == s.id:
			delete(n.served.queries, id)
			n.endServed(q.served, refused(RefusedNotLeader))
		case q.own != nil && q.own.Shard == s.id:
			delete(n.served.queries, id)
			if q.own.state == querying {
				n.retryLater(q.own, RefusedNotLeader)
			}
		}
	}
}

// Answered takes the state machine's answer to a query. One that was given up when
// a state was lost may have been answered before that: it is offered again by now.
func (n *Node) Answered(id QueryID, result []byte) {
	assert(id <= n.served.lastQuery, "query %d was not asked", id)
	q, open := n.served.queries[id]
	if !open {
		return
	}
	delete(n.served.queries, id)
	outcome := Outcome{Kind: OutcomeDone, Result: result}
	switch {
	case q.served != nil:
		n.endServed(q.served, outcome)
	case q.own.state == querying:
		n.end(q.own, outcome)
	}
}

func (n *Node) endServed(r *servedRequest, outcome Outcome) {
	delete(n.served.byToken, r.token)
	r.ended, r.outcome, r.body = true, outcome, nil
	n.replyForward(r)
}

func (n *Node) replyForward(r *servedRequest) {
	m := ForwardReply{OriginRun: r.origin.key.run, Sequence: r.sequence, Outcome: r.outcome}
	if s, _ := n.lookup(r.shard); s != nil {
		m.Term, m.Leader, m.LeaderRun = s.route.term, s.route.leader, s.route.run
	}
	n.send(Envelope{From: n.self.ID, FromRun: n.self.Run, To: r.origin.key.server, Shard: r.shard, Message: m})
}
