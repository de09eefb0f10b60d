package replication

import "fmt"

// Tracer is given every step of a node's replicas and elections, after it was
// taken. What it is given must not be changed, and not be kept beyond the call
// without copying. A nil Tracer costs nothing.
type Tracer interface{ Trace(TraceStep) }

// TraceStep is one step: who took it, on what event, with what effects, and
// the state that it led to.
type TraceStep struct {
	Server  ServerID
	Shard   ShardID
	Now     Time
	Event   Event
	Effects *Effects
	// Replica is the state after a replica's step, Election after an election's;
	// the other is nil.
	Replica  *ReplicaState
	Election *ElectionState
}

// ReplicaState is what a replica shows of itself, to traces, status and tests.
type ReplicaState struct {
	Member  Member
	Term    TermID
	Role    Role
	Leader  Member
	Serving bool
	Head    EntryID
	Durable Offset
	Commit  Offset
	Applied Offset
	Pending int
	Reads   int
}

// State returns a picture of the replica.
func (r *Replica) State() ReplicaState {
	_, leader, _ := r.Leader()
	s := ReplicaState{
		Member: r.self, Term: r.term, Role: r.role.kind(), Leader: leader, Serving: r.Serves(),
		Head: r.log.head(), Durable: r.log.durable, Commit: r.commit, Applied: r.applied,
		Pending: len(r.pending),
	}
	if l, leads := r.role.(*leaderRole); leads {
		s.Reads = l.reads.count()
	}
	return s
}

func (s ReplicaState) String() string {
	return fmt.Sprintf("%v %v %v head=%v durable=%d commit=%d applied=%d",
		s.Member, s.Role, s.Term, s.Head, s.Durable, s.Commit, s.Applied)
}

// ElectionState is what an election shows of itself.
type ElectionState struct {
	Phase    string
	Document Document
	Mine     TermID
}

// State returns a picture of the election.
func (e *Election) State() ElectionState {
	return ElectionState{Phase: e.phase.String(), Document: e.doc.Clone(), Mine: e.mine}
}
