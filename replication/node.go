package replication

import (
	"cmp"
	"slices"
)

// Node is one server's replicas, elections and clients' requests, without any
// goroutine: its driver gives it what arrived (Deliver, Complete, Request) and
// calls Step, which submits effects through the interfaces and tells when it
// next needs time. All calls must come from one goroutine at a time.
type Node struct {
	self    Server
	options *Options
	ports   Ports

	shards  []*shard
	alarms  alarms[*shard]
	ready   []*shard
	peers   []*peer
	arrived []Envelope
	outbox  []outgoing

	// coordinators hold elections too, beside the voters' servers.
	coordinators []ServerID

	requests requests
	served   served
	outcomes []RequestOutcome
	// draining is set for good by Drain; asideAt is when leaders are next told.
	draining bool
	asideAt  Instant
	// leaderships is how many shards this server leads, tally who leads those that are
	// coordinated here.
	leaderships int
	tally       tally

	now Time
}

// Ports are what a node is driven against. Tracer and Reigns may be nil.
type Ports struct {
	Transport    Transport
	Log          Log
	StateMachine StateMachine
	Metadata     MetadataStore
	Tracer       Tracer
	Reigns       Reigns
}

// shard is what a node has of one shard: a replica, an election, or both.
type shard struct {
	id       ShardID
	replica  *Replica
	election *Election

	// mail and elections wait to be stepped through, in order.
	mail      []Event
	elections []Event
	proposals []Proposal
	reads     []Token
	queued    bool
	alarm     *alarm[*shard]
	// held are this server's own requests that nobody has, sent those that
	// another server was sent, by sequence.
	held []*request
	sent map[uint64]*request
	// route is the newest leader known.
	route route
	// told is the highest term in use, of the replica here or of a leader that this
	// server was told of, that the election here knows.
	told Term
	// served is the term in which the local replica served after its last step; zero
	// if it did not.
	served Term

	// operations and questions are how many a deleted replica, the last one here,
	// asked of the log in this run; the present one's are numbered on from them.
	operations uint64
	questions  ReadID
	// deleted is the highest id of a replica that was removed, or was to be and was
	// not here.
	deleted ReplicaID
}

// NewNode returns a node without shards. Peers are the servers with which it
// exchanges liveness; others become peers when they are first heard. Options
// must be valid.
func NewNode(self Server, options *Options, peers []ServerID, ports Ports) *Node {
	n := &Node{self: self, options: options, ports: ports, requests: newRequests(), served: newServed(), tally: tally{}}
	for _, id := range peers {
		if id != self.ID {
			n.addPeer(id)
		}
	}
	return n
}

// Open hosts a replica that was recovered from this server's disk, or ends the
// removal of one that was deleted.
func (n *Node) Open(id ShardID, found Recovered) {
	s := n.shard(id)
	assert(s.replica == nil, "shard %d is open already", id)
	s.replica = NewReplica(id, n.self.ID, n.self.Run, n.options, found)
	if found.Record.Deleted {
		s.deleted = found.Record.Replica
		n.ports.StateMachine.Delete(id)
	}
	n.introduce(s)
}

// Drain makes the server give its leaderships away, and decline new ones where
// another replica can lead. It is under way from the next Step on, and done when
// Leaderships is zero, which it may never be: the caller bounds its patience.
func (n *Node) Drain() { n.draining, n.asideAt = true, n.now.Mono }

// stepAside lets leaders of a draining server ask for elections, until they are
// heard.
func (n *Node) stepAside() {
	if !n.draining || n.now.Mono < n.asideAt {
		return
	}
	n.asideAt = n.now.Mono.Add(n.options.SilentAfter)
	for _, s := range n.shards {
		if s.leads() {
			n.mailReplica(s, StepAside{})
		}
	}
}

// Deliver takes a peer's message. It is looked at in the next Step.
func (n *Node) Deliver(e Envelope) { n.arrived = append(n.arrived, e) }

// Complete takes what came of a submission for a shard: LogDone, EntriesRead,
// Applied, Exported, Imported, Deleted, StateLost, DocumentLoaded or DocumentStored.
func (n *Node) Complete(id ShardID, event Event) {
	s := n.shard(id)
	switch event.(type) {
	case DocumentLoaded, DocumentStored:
		// An election that was withdrawn does not want its answers any more.
		if s.election != nil {
			n.mailElection(s, event)
		}
	case LogDone, EntriesRead, Applied, Exported, Imported, Deleted:
		n.completeReplica(s, event)
	case StateLost:
		n.dropQueries(s)
		n.completeReplica(s, event)
	default:
		assert(false, "completed with %T", event)
	}
}

// completeReplica gives a replica what came of its submissions, under its own
// numbers. What was asked by one that is gone has nobody to wait for it.
func (n *Node) completeReplica(s *shard, event Event) {
	switch ev := event.(type) {
	case LogDone:
		if ev.Sequence <= s.operations {
			return
		}
		event = LogDone{Sequence: ev.Sequence - s.operations}
	case EntriesRead:
		if ev.ID <= s.questions {
			return
		}
		ev.ID -= s.questions
		event = ev
	case Exported:
		if ev.ID <= s.questions {
			return
		}
		ev.ID -= s.questions
		event = ev
	}
	n.mailReplica(s, event)
}

// Trim lets a shard's log be dropped up to and including an offset, as the event
// Trim says. It is under way from the next Step on.
func (n *Node) Trim(id ShardID, to Offset) {
	if s, _ := n.lookup(id); s != nil && s.replica != nil {
		n.mailReplica(s, Trim{To: to})
	}
}

// Step does everything that can be done now. It returns the requests that ended
// and when it next needs to be called if nothing arrives before.
func (n *Node) Step(now Time) ([]RequestOutcome, Instant) {
	assert(now.Mono > Never && now.Mono >= n.now.Mono, "time went back from %d to %d", n.now.Mono, now.Mono)
	n.now = now
	n.readArrived()
	n.watchPeers()
	n.expireRequests()
	n.stepAside()
	n.run()
	for s, ok := n.alarms.pop(now.Mono); ok; s, ok = n.alarms.pop(now.Mono) {
		n.tickShard(s)
	}
	n.run()
	n.beat()
	n.flush()
	outcomes := n.outcomes
	n.outcomes = nil
	return outcomes, n.deadline()
}

func (n *Node) readArrived() {
	arrived := n.arrived
	n.arrived = nil
	for _, e := range arrived {
		n.receive(e)
	}
}

// run steps every shard that has mail until none has.
func (n *Node) run() {
	for len(n.ready) > 0 {
		s := n.ready[0]
		n.ready = n.ready[1:]
		s.queued = false
		n.stepShard(s)
	}
}

// stepShard takes a shard through everything that waits for it. Proposals and
// reads go last and together, so that a busy shard batches by itself.
func (n *Node) stepShard(s *shard) {
	elections := s.elections
	s.elections = nil
	for _, ev := range elections {
		n.stepElection(s, ev)
	}
	mail := s.mail
	s.mail = nil
	for _, ev := range mail {
		if s.replica != nil {
			n.stepReplica(s, ev)
		}
	}
	if s.replica == nil {
		n.refuseWaiting(s)
	}
	if len(s.proposals) > 0 {
		proposals := s.proposals
		s.proposals = nil
		n.stepReplica(s, Propose{Proposals: proposals})
	}
	if len(s.reads) > 0 {
		reads := s.reads
		s.reads = nil
		n.stepReplica(s, ReadIndex{Tokens: reads})
	}
	n.alarms.set(s.alarm, s.deadline())
}

// deadline is when a shard next needs time.
func (s *shard) deadline() Instant {
	next := Never
	if s.replica != nil {
		next = s.replica.Deadline()
	}
	if s.election != nil {
		next = earliest(next, s.election.Deadline())
	}
	return next
}

// tickShard lets what is due in a shard have its time.
func (n *Node) tickShard(s *shard) {
	if s.replica != nil && due(s.replica.Deadline(), n.now.Mono) {
		n.mailReplica(s, Tick{})
	}
	if s.election != nil && due(s.election.Deadline(), n.now.Mono) {
		n.mailElection(s, Tick{})
	}
}

func (n *Node) stepReplica(s *shard, ev Event) {
	if receive, ok := ev.(Receive); ok {
		if _, ok := receive.Envelope.Message.(Probe); ok {
			_, leader, run := s.replica.Leader()
			receive.Heard = n.heardAgo(leader.Server, run)
			ev = receive
		}
	}
	var out Effects
	led := s.leads()
	s.replica.Step(n.now, ev, &out)
	switch leads := s.leads(); {
	case leads && !led:
		n.leaderships++
	case led && !leads:
		n.leaderships--
	}
	if n.ports.Tracer != nil {
		state := s.replica.State()
		n.ports.Tracer.Trace(TraceStep{
			Server: n.self.ID, Shard: s.id, Now: n.now, Event: ev, Effects: &out, Replica: &state,
		})
	}
	n.carryOut(s, &out)
	n.reroute(s)
	n.forgetDeleted(s)
}

func (n *Node) stepElection(s *shard, ev Event) {
	var out Effects
	s.election.Step(n.now, ev, &out)
	if n.ports.Tracer != nil {
		state := s.election.State()
		n.ports.Tracer.Trace(TraceStep{
			Server: n.self.ID, Shard: s.id, Now: n.now, Event: ev, Effects: &out, Election: &state,
		})
	}
	n.carryOut(s, &out)
	if out.Learned != nil {
		n.learnDocument(s.id, out.Learned)
	}
}

// carryOut submits a step's effects.
func (n *Node) carryOut(s *shard, out *Effects) {
	for _, e := range out.Messages {
		n.send(e)
	}
	n.askCoordinators(out.Messages)
	for _, op := range out.Log {
		op.Sequence += s.operations
		n.ports.Log.Submit(s.id, op)
	}
	for _, rd := range out.Reads {
		n.ports.Log.Read(s.id, rd.ID+s.questions, rd.First, rd.MaxBytes)
	}
	if out.Apply != nil {
		n.ports.StateMachine.Apply(s.id, out.Apply)
	}
	for _, ask := range out.Exports {
		ask.ID += s.questions
		n.ports.StateMachine.Export(s.id, ask)
	}
	if out.Import != nil {
		n.ports.StateMachine.Import(s.id, *out.Import)
	}
	if out.Delete {
		n.ports.StateMachine.Delete(s.id)
	}
	for _, o := range out.Outcomes {
		n.ended(s, o)
	}
	if out.Load {
		n.ports.Metadata.Load(s.id)
	}
	if out.Store != nil {
		n.ports.Metadata.CompareAndSet(s.id, *out.Store)
	}
}

// askCoordinators asks for an election, where a replica asks the voters for one, also
// those who hold elections and are no voters.
func (n *Node) askCoordinators(messages []Envelope) {
	if len(n.coordinators) == 0 {
		return
	}
	i := slices.IndexFunc(messages, func(e Envelope) bool { _, asks := e.Message.(AskElection); return asks })
	if i < 0 {
		return
	}
	for _, id := range n.coordinators {
		e := messages[i]
		e.To = id
		n.send(e)
	}
}

// introduce tells a new replica or election what the node knows of its peers.
func (n *Node) introduce(s *shard) {
	for _, p := range n.peers {
		if p.run != 0 {
			n.tellShard(s, PeerHeard{Server: p.id, Run: p.run, Incarnation: p.incarnation})
		}
		if p.silent {
			n.tellShard(s, PeerSilent{Server: p.id})
		}
	}
}

func (n *Node) tellShard(s *shard, ev Event) {
	if s.replica != nil {
		n.mailReplica(s, ev)
	}
	if s.election != nil {
		n.mailElection(s, ev)
	}
}

func (n *Node) mailReplica(s *shard, ev Event) {
	assert(s.replica != nil, "shard %d has no replica for %T", s.id, ev)
	s.mail = append(s.mail, ev)
	n.enqueue(s)
}

func (n *Node) mailElection(s *shard, ev Event) {
	assert(s.election != nil, "shard %d has no election for %T", s.id, ev)
	s.elections = append(s.elections, ev)
	n.enqueue(s)
}

func (n *Node) enqueue(s *shard) {
	if !s.queued {
		s.queued = true
		n.ready = append(n.ready, s)
	}
}

func (n *Node) shard(id ShardID) *shard {
	s, i := n.lookup(id)
	if s == nil {
		s = &shard{id: id, sent: map[uint64]*request{}}
		s.alarm = n.alarms.add(s)
		n.shards = slices.Insert(n.shards, i, s)
	}
	return s
}

func (n *Node) lookup(id ShardID) (*shard, int) {
	i, found := slices.BinarySearchFunc(n.shards, id, func(s *shard, id ShardID) int {
		return cmp.Compare(s.id, id)
	})
	if !found {
		return nil, i
	}
	return n.shards[i], i
}

// deadline is when the node next needs time.
func (n *Node) deadline() Instant {
	next := earliest(n.alarms.next(), earliest(n.peersDeadline(), n.requests.alarms.next()))
	if n.draining && n.Leaderships() > 0 {
		next = earliest(next, n.asideAt)
	}
	return next
}

// Shards returns the shards of which a replica is here, in ascending order.
func (n *Node) Shards() []ShardID {
	var ids []ShardID
	for _, s := range n.shards {
		if s.replica != nil {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// Replica returns a picture of a shard's replica, and whether there is one.
func (n *Node) Replica(id ShardID) (ReplicaState, bool) {
	s, _ := n.lookup(id)
	if s == nil || s.replica == nil {
		return ReplicaState{}, false
	}
	return s.replica.State(), true
}

// Election returns a picture of a shard's election, and whether there is one.
func (n *Node) Election(id ShardID) (ElectionState, bool) {
	s, _ := n.lookup(id)
	if s == nil || s.election == nil {
		return ElectionState{}, false
	}
	return s.election.State(), true
}
