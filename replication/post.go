package replication

// The post: what arrives is handed to the part of the node that it is for, and
// what leaves is gathered, so that a step sends one batch to each peer.

// outgoing is what the current step sends to one server.
type outgoing struct {
	to    ServerID
	batch []Envelope
}

// receive hands a peer's message to whom it is for.
func (n *Node) receive(e Envelope) {
	if e.To != n.self.ID || (e.From != n.self.ID && !n.hear(e)) {
		return
	}
	switch m := e.Message.(type) {
	case Beat:
		// It has done its work by being heard.
	case Forward:
		n.serveForward(e, m)
	case ForwardReply:
		n.forwardEnded(e, m)
	case CreateReplica:
		n.createReplica(e, m)
	case DeleteReplica:
		n.deleteReplica(e, m)
	case Assign:
		n.dropOrphan(e.Shard, &m.Document)
		n.learnDocument(e.Shard, &m.Document)
		n.receiveElection(e)
	case NotMember:
		n.receiveElection(e)
		n.noMemberThere(e)
	case Probe, NewTerm, BecomeLeader, AddFollower, CompleteChange, Append, Ack, Mismatch, Quarantine, HigherTerm,
		Confirm, Confirmed, SnapshotChunk, SnapshotAck:
		n.receiveReplica(e)
	case ProbeReply, AskElection, NewTermReply, BecomeLeaderReply, ChangeCompleted, ReplicaCreated, ReplicaDeleted:
		n.receiveElection(e)
	default:
		assert(false, "received %T", m)
	}
}

// receiveReplica checks that the replica addressed is the one here (rule 9);
// for any other there is one answer, and no effect.
func (n *Node) receiveReplica(e Envelope) {
	s, _ := n.lookup(e.Shard)
	if s == nil || !s.holds(e.ToReplica) {
		n.send(Envelope{
			From: n.self.ID, FromRun: n.self.Run, FromReplica: e.ToReplica,
			To: e.From, ToReplica: e.FromReplica, Shard: e.Shard,
			Message: NotMember{Incarnation: n.self.Incarnation, Deleted: s != nil && e.ToReplica <= s.deleted},
		})
		return
	}
	if len(s.mail) < n.options.MaxMail {
		n.mailReplica(s, Receive{Envelope: e})
	}
}

// noMemberThere tells a leader here that a member is not where it sends to.
func (n *Node) noMemberThere(e Envelope) {
	s, _ := n.lookup(e.Shard)
	if s != nil && s.leads() && s.replica.self.Replica == e.ToReplica && len(s.mail) < n.options.MaxMail {
		n.mailReplica(s, Receive{Envelope: e})
	}
}

func (n *Node) receiveElection(e Envelope) {
	s, _ := n.lookup(e.Shard)
	if s != nil && s.election != nil && len(s.elections) < n.options.MaxMail {
		n.mailElection(s, Receive{Envelope: e})
	}
}

// createReplica makes the addressed replica, if the request names this disk and
// there is no other.
func (n *Node) createReplica(e Envelope, m CreateReplica) {
	s := n.shard(e.Shard)
	answer := ReplicaCreated{Incarnation: n.self.Incarnation}
	switch {
	case m.Incarnation != n.self.Incarnation || e.ToReplica == 0:
		answer.Refused = RefusedIncarnation
	case e.ToReplica <= s.deleted, s.replica != nil && !s.holds(e.ToReplica):
		// Ids ascend: what comes for one that is over is late, and what comes while
		// an earlier one is here has to wait for its removal.
		answer.Refused = RefusedNotMember
	}
	if answer.Refused != 0 {
		n.send(Envelope{
			From: n.self.ID, FromRun: n.self.Run, FromReplica: e.ToReplica,
			To: e.From, Shard: e.Shard, Message: answer,
		})
		return
	}
	if s.replica == nil {
		record := TermRecord{Replica: e.ToReplica}
		s.replica = NewReplica(e.Shard, n.self.ID, n.self.Run, n.options, Recovered{Record: record})
		for _, p := range n.peers {
			if p.silent {
				n.mailReplica(s, PeerSilent{Server: p.id})
			}
		}
	}
	n.mailReplica(s, Create{Coordinator: e.From})
}

// send puts an envelope into the outbox, or, for this very server, back among
// what arrived: the path is the same, the network is not.
func (n *Node) send(e Envelope) {
	switch m := e.Message.(type) {
	case NewTermReply:
		m.Incarnation, m.Leaderships, m.Draining = n.self.Incarnation, n.Leaderships(), n.draining
		e.Message = m
	case ReplicaCreated:
		m.Incarnation = n.self.Incarnation
		e.Message = m
	}
	if e.To == n.self.ID {
		n.receive(e)
		return
	}
	for i := range n.outbox {
		if n.outbox[i].to == e.To {
			n.outbox[i].batch = append(n.outbox[i].batch, e)
			return
		}
	}
	n.outbox = append(n.outbox, outgoing{to: e.To, batch: []Envelope{e}})
}

// flush sends one batch to each peer.
func (n *Node) flush() {
	for _, out := range n.outbox {
		n.peer(out.to).sent = n.now.Mono
		n.ports.Transport.Send(out.to, out.batch)
	}
	n.outbox = nil
}

// Leaderships counts the shards that this server leads, serving or not yet.
func (n *Node) Leaderships() int { return n.leaderships }

// holds reports whether a replica is here, and is not being removed.
func (s *shard) holds(id ReplicaID) bool {
	return s.replica != nil && s.replica.self.Replica == id && s.replica.role.kind() != RoleDeleted
}

func (s *shard) leads() bool { return s.replica != nil && s.replica.role.kind() == RoleLeader }
