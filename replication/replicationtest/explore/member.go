package explore

import "github.com/ostraka-db/ostraka/replication"

// What of a Node replicas cannot be made and removed without (rules 8 and 9): a
// message reaches the replica that it names, and no other.

// incarnation is that of every disk.
const incarnation replication.Incarnation = 1

// receive gives a message to the replica that it is for.
func (t *transition) receive(e replication.Envelope) {
	s := &t.server
	switch m := e.Message.(type) {
	case replication.CreateReplica:
		t.create(e)
	case replication.DeleteReplica:
		t.remove(e, m)
	case replication.NotMember:
		if s.here(e.ToReplica) && s.replica.State().Role == replication.RoleLeader {
			t.step(replication.Receive{Envelope: e})
		}
	default:
		if s.here(e.ToReplica) {
			t.step(replication.Receive{Envelope: e})
			return
		}
		t.answer(e, replication.NotMember{Incarnation: incarnation})
	}
}

// here reports whether a replica is on the server, and is not being removed.
func (s *server) here(id replication.ReplicaID) bool {
	if s.replica == nil {
		return false
	}
	state := s.replica.State()
	return state.Member.Replica == id && state.Role != replication.RoleDeleted
}

// answer answers in the name of the replica that a message is for.
func (t *transition) answer(e replication.Envelope, m replication.Message) {
	t.sent = append(t.sent, replication.Envelope{
		From: e.To, FromRun: t.server.run, FromReplica: e.ToReplica, To: e.From, ToReplica: e.FromReplica, Shard: shard, Message: m,
	})
}

// create makes a replica where there is none, and none was removed after it.
func (t *transition) create(e replication.Envelope) {
	s := &t.server
	if e.ToReplica <= s.deleted || s.replica != nil && !s.here(e.ToReplica) {
		t.answer(e, replication.ReplicaCreated{Incarnation: incarnation, Refused: replication.RefusedNotMember})
		return
	}
	if s.replica == nil {
		s.replica = replication.NewReplica(shard, e.To, s.run, &t.x.options,
			replication.Recovered{Record: replication.TermRecord{Replica: e.ToReplica}})
		s.acked = replication.EntryID{}
	}
	t.step(replication.Create{Coordinator: e.From})
}

// remove begins the removal of a replica, and answers at once for one that is
// not here.
func (t *transition) remove(e replication.Envelope, m replication.DeleteReplica) {
	s := &t.server
	s.deleted = max(s.deleted, e.ToReplica)
	if s.replica == nil || s.replica.State().Member.Replica != e.ToReplica {
		t.answer(e, replication.ReplicaDeleted(m))
		return
	}
	t.step(replication.Delete{Coordinator: e.From, Term: m.Term})
}

// drop removes the state of a replica whose log is gone, at once, and lets go of
// it.
func (t *transition) drop() {
	s := &t.server
	s.machine, s.applying, s.importing, s.questions, s.exports = nil, 0, nil, nil, nil
	t.step(replication.Deleted{})
	s.replica, s.acked = nil, replication.EntryID{}
}
