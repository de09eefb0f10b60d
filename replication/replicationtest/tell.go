package replicationtest

import "github.com/ostraka-db/ostraka/replication"

// tell sends one message that a story needs and that nobody in it would send by
// itself. It comes from the hand, or with as=server from that server's replica
// in its present run. The messages, all but Probe with term=N [id=x]:
//
//	Probe
//	NewTerm [replica=N]
//	AddFollower of=server               with the head that it answered, if any
//	AskElection (without a term: in the document's)
//	CompleteChange ensemble=(s1,s2)
//	CreateReplica [replica=N] incarnation=N
//	DeleteReplica [replica=N]
//	Confirmed round=N
//	HigherTerm
func (s *script) tell(a args) {
	to := a.server(s.cluster, a.word(0))
	replica := replication.ReplicaID(a.number("replica", int(to.replica)))
	var m replication.Message
	switch a.word(1) {
	case "Probe":
		m = replication.Probe{Nonce: 1}
	case "NewTerm":
		m = replication.NewTerm{Term: a.term()}
	case "AddFollower":
		m = s.addFollower(a)
	case "AskElection":
		replica = 0
		term := s.cluster.metadata.documents[Shard].Term
		if a.has("term") {
			term = a.term()
		}
		m = replication.AskElection{Term: term}
	case "CompleteChange":
		m = replication.CompleteChange{Term: a.term(), Ensemble: members(a.servers(s.cluster, "ensemble"))}
	case "DeleteReplica":
		m = replication.DeleteReplica{Term: a.term()}
	case "CreateReplica":
		m = replication.CreateReplica{Incarnation: replication.Incarnation(a.number("incarnation", 0))}
	case "Confirmed":
		m = replication.Confirmed{Term: a.term(), Round: uint64(a.number("round", 0))}
	case "HigherTerm":
		m = replication.HigherTerm{Term: a.term()}
	default:
		a.d.Fatalf(a.t, "tell what? %q", a.word(1))
	}
	if as := a.text("as", ""); as != "" {
		from := a.server(s.cluster, as)
		s.cluster.deliver(flight{envelope: replication.Envelope{
			From: from.id, FromRun: from.run, FromReplica: from.replica,
			To: to.id, ToReplica: replica, Shard: Shard, Message: m,
		}}, " (forged)")
	} else {
		s.cluster.hand.send(to, replica, m)
	}
	s.rest(a)
}

func (s *script) addFollower(a args) replication.AddFollower {
	of := a.server(s.cluster, a.text("of", ""))
	head := replication.MemberHead{Member: replication.Member{Server: of.id, Replica: of.replica}}
	for _, answered := range s.cluster.hand.heads[a.term()] {
		if answered.Member == head.Member {
			head = answered
		}
	}
	return replication.AddFollower{Term: a.term(), Member: head}
}
