package replication

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
