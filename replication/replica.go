package replication

import (
	"slices"
	"time"
)

// Replica is one server's part in one shard: a plain struct that takes an event
// and the time, and returns effects. One Step is one action of the
// specification. It is not safe for concurrent use, and needs no Close.
type Replica struct {
	shard   ShardID
	self    Member
	run     RunID
	options *Options

	// term is the replica's term, maybe not durable yet.
	term TermID

	log     replicaLog
	commit  Offset
	applied Offset
	// applying is the last offset given to the state machine; above applied
	// while it is at work.
	applying  Offset
	applyRead ReadID
	// incoming is the snapshot that arrives, if one does.
	incoming incoming

	// needs is how far a snapshot has to go, at least, before entries can be applied
	// again; no further than applied while the replica is whole.
	needs Offset
	// suspect is set when the state is to be dropped as soon as what is being
	// applied is; discarding counts the drops without an answer.
	suspect    bool
	discarding int
	// checks are the newest of the state.
	checks checks

	// role is the one place for what only a leader, a follower or a fenced
	// replica has.
	role role

	// pending are the proposals made here that have no outcome yet, by offset. They
	// outlive the role: what commits at their offset decides, whoever leads.
	pending []pendingProposal

	// silent are servers not heard for a while; those never mentioned are
	// presumed to be there.
	silent []ServerID

	out *Effects
	now Time
}

// role is one of *fencedRole, *followerRole, *leaderRole, *deletedRole.
type role interface{ kind() Role }

// fencedRole is a replica of a term that has no leader that it knows of.
type fencedRole struct {
	// answer are the coordinators that wait for NewTermReply until the
	// operations up to after are done.
	answer []ServerID
	after  uint64
	// creators are those that wait for the replica itself to be durable.
	creators []ServerID
	// voters are those whom a leader that was told of a higher term asks for an
	// election, at askAt and again, until it is fenced or follows: nobody else may
	// have noticed that the shard has no leader.
	voters []Member
	askAt  Instant
	// mayLead is set by the NewTerm that made this role, and by nothing else:
	// what was recovered, or stepped down, does not lead its term (rule 3).
	mayLead bool
}

// followerRole has heard from its term's leader.
type followerRole struct {
	leader    Member
	leaderRun RunID
	// matched is the offset up to which the log is the same as the leader's.
	matched Offset
	// acked is the offset last acked; owes is set when an answer waits for the
	// log.
	acked Offset
	owes  bool
	// installed is the snapshot whose leader waits to hear that it is held here;
	// zero if none.
	installed EntryID
	// early are Appends whose Prev is beyond the head, by Prev's offset.
	early []Append
}

func (*fencedRole) kind() Role   { return RoleFenced }
func (*followerRole) kind() Role { return RoleFollower }

// NewReplica returns the replica of a shard as it was recovered, or newly made
// (a Record with only the replica id); what was recovered must be settled. It is
// fenced in its term, and has no leader and no way to lead until a higher term. Of
// one that was deleted it is the end: the state machine is being asked.
func NewReplica(shard ShardID, server ServerID, run RunID, options *Options, found Recovered) *Replica {
	assert(found.Record.Replica != 0, "a replica without an id")
	head := found.History.Head()
	base := found.History.Base().Offset
	assert(found.History.Contains(found.Applied) || found.Damaged >= base && found.Applied == EntryID{},
		"applied %v, log holds %v", found.Applied, &found.History)
	assert(head.Term <= found.Record.Term.Term, "head %v above term %v", head, found.Record.Term)
	var role role = &fencedRole{}
	if found.Record.Deleted {
		role = &deletedRole{dropping: true}
	}
	return &Replica{
		shard:    shard,
		self:     Member{Server: server, Replica: found.Record.Replica},
		run:      run,
		options:  options,
		term:     found.Record.Term,
		log:      replicaLog{history: found.History.Clone(), durable: head.Offset, lost: found.Damaged},
		needs:    found.Damaged,
		commit:   max(found.Applied.Offset, base),
		applied:  found.Applied.Offset,
		applying: found.Applied.Offset,
		role:     role,
	}
}

// Step takes one event and appends what is to be done to out.
func (r *Replica) Step(now Time, event Event, out *Effects) {
	r.now, r.out = now, out
	if role, deleted := r.role.(*deletedRole); deleted {
		r.stepDeleted(role, event)
		r.out = nil
		return
	}
	switch ev := event.(type) {
	case Receive:
		r.receive(ev)
	case Propose:
		r.propose(ev.Proposals)
	case ReadIndex:
		r.readIndex(ev.Tokens)
	case LogDone:
		r.logDone(ev.Sequence)
	case EntriesRead:
		r.entriesRead(ev)
	case Applied:
		r.appliedBatch(ev)
	case Exported:
		r.exported(ev)
	case Imported:
		r.imported(ev)
	case StateLost:
		r.stateLost()
	case Trim:
		r.trim(ev.To)
	case Create:
		r.create(ev.Coordinator)
	case Delete:
		r.delete(ev)
	case Deleted:
		r.stateDropped()
	case StepAside:
		if l, leads := r.role.(*leaderRole); leads {
			r.askElection(l.voters.Voters())
		}
	case PeerHeard:
		r.peerHeard(ev.Server)
	case PeerSilent:
		r.peerSilent(ev.Server)
	case PeerDied:
		// The run that follows it is heard at once, and replication begins anew.
	case Tick:
		r.tick()
	default:
		assert(false, "a replica was stepped with %T", event)
	}
	if l, leads := r.role.(*leaderRole); leads {
		r.watchProgress(l)
	}
	r.out = nil
}

// receive dispatches a peer's message, in the order of the protocol's rules.
// Unknown terms are each case's own business: they differ.
func (r *Replica) receive(ev Receive) {
	from := ev.Envelope
	switch m := from.Message.(type) {
	case Probe:
		r.probe(from, m, ev.Heard)
	case NewTerm:
		r.newTerm(from, m)
	case BecomeLeader:
		r.becomeLeader(from, m)
	case AddFollower:
		r.addFollower(m)
	case CompleteChange:
		r.completeChange(from, m)
	case NotMember:
		r.notMember(from)
	case Append:
		r.handleAppend(from, m)
	case Ack:
		r.ack(from, m)
	case Mismatch:
		r.mismatch(from, m)
	case Quarantine:
		r.quarantined(from, m)
	case HigherTerm:
		r.higherTerm(m.Term)
	case Confirm:
		r.confirm(from, m)
	case Confirmed:
		r.confirmed(from, m)
	case SnapshotChunk:
		r.snapshotChunk(from, m)
	case SnapshotAck:
		r.snapshotAck(from, m)
	default:
		assert(false, "a replica received %T", m)
	}
}

// Deadline is when the replica next needs a Tick; Never while it is quiet.
func (r *Replica) Deadline() Instant {
	switch role := r.role.(type) {
	case *fencedRole:
		return role.askAt
	case *leaderRole:
		return r.leaderDeadline(role)
	}
	return Never
}

// tick does what is due.
func (r *Replica) tick() {
	switch role := r.role.(type) {
	case *fencedRole:
		if due(role.askAt, r.now.Mono) {
			role.askAt = r.askElection(role.voters)
		}
	case *leaderRole:
		r.leaderTick(role)
	}
}

// reply answers an envelope's sender.
func (r *Replica) reply(to Envelope, m Message) { r.send(to.From, to.FromReplica, m) }

func (r *Replica) send(to ServerID, replica ReplicaID, m Message) {
	r.out.Messages = append(r.out.Messages, Envelope{
		From: r.self.Server, FromRun: r.run, FromReplica: r.self.Replica,
		To: to, ToReplica: replica, Shard: r.shard, Message: m,
	})
}

// logDone is the end of durable steps: acks, fence answers and the leader's own
// vote wait for it, and for nothing less.
func (r *Replica) logDone(sequence uint64) {
	r.log.complete(sequence)
	switch role := r.role.(type) {
	case *fencedRole:
		r.answerFenced(role)
	case *followerRole:
		r.answerInstalled(role)
		r.ackDurable(role)
	case *leaderRole:
		r.advanceCommit(role)
	}
	// What is durable can be read back, whether it is applied or not.
	r.log.shrinkTail(r.options.TailBytes, r.log.durable)
	r.apply()
}

// create stores a new replica's term record, which is empty but for its id.
// Asked again, it answers again.
func (r *Replica) create(coordinator ServerID) {
	role, ok := r.role.(*fencedRole)
	if !ok {
		return
	}
	if r.term.Term == 0 && r.log.asked == 0 {
		r.log.persist(TermRecord{Replica: r.self.Replica}, r.out)
		role.after = r.log.asked
	}
	role.creators = append(role.creators, coordinator)
	r.answerFenced(role)
}

// peerSilent and peerHeard keep the set of silent servers. A leader cares: it
// stops serving without a quorum, and does not send to those that are gone.
func (r *Replica) peerSilent(server ServerID) {
	if slices.Contains(r.silent, server) {
		return
	}
	r.silent = append(r.silent, server)
	slices.Sort(r.silent)
	if l, ok := r.role.(*leaderRole); ok {
		r.lostPeer(l)
	}
}

func (r *Replica) peerHeard(server ServerID) {
	r.silent = slices.DeleteFunc(r.silent, func(s ServerID) bool { return s == server })
	if l, ok := r.role.(*leaderRole); ok {
		r.foundPeer(l, server)
	}
}

// Member returns who this replica is.
func (r *Replica) Member() Member { return r.self }

// Leader returns the term's leader as far as this replica knows it, and its run.
// The leader is zero while the replica is fenced.
func (r *Replica) Leader() (TermID, Member, RunID) {
	switch role := r.role.(type) {
	case *followerRole:
		return r.term, role.leader, role.leaderRun
	case *leaderRole:
		return r.term, r.self, r.run
	}
	return r.term, Member{}, 0
}

// Serves reports whether the replica leads and would take requests now.
func (r *Replica) Serves() bool {
	_, why := r.serving()
	return why == 0
}

func (r *Replica) isSilent(server ServerID) bool { return slices.Contains(r.silent, server) }

// probe answers a coordinator's question (rule 0). It changes nothing.
func (r *Replica) probe(from Envelope, m Probe, heard time.Duration) {
	answer := ProbeReply{Nonce: m.Nonce, Term: r.term, Role: r.role.kind(), Heard: -1, Head: r.log.head()}
	switch role := r.role.(type) {
	case *followerRole:
		answer.Leader, answer.Run, answer.Heard = role.leader, role.leaderRun, heard
	case *leaderRole:
		answer.Leader, answer.Run, answer.Heard = r.self, r.run, 0
		answer.Serving = r.serves(role) == 0
	}
	r.reply(from, answer)
}
