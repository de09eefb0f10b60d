package replication

// RequestKind tells a forwarded request's kind.
type RequestKind uint8

// The kinds of requests.
const (
	// RequestWrite proposes its body as an entry's payload.
	RequestWrite RequestKind = iota + 1
	// RequestRead queries the state machine with its body, linearizably.
	RequestRead
)

func (k RequestKind) String() string { return [...]string{"none", "write", "read"}[k] }

// RequestID is the caller's name for a request, unique within a Node's run.
type RequestID uint64

// Request is what a client wants of a shard. The node serves it where it leads,
// and otherwise hands it to the server that does.
type Request struct {
	ID    RequestID
	Shard ShardID
	Kind  RequestKind
	Body  []byte
	// Here keeps the request on this server: where the replica here does not lead, or
	// ceases to before it has the request, it is refused as RefusedNotLeader, at once
	// and not at the deadline. Writes of one shard that are kept here are proposed in
	// the order in which they came, also those that had to wait.
	Here bool
	// Deadline is when the caller gives up. The outcome comes by then.
	Deadline Instant
}

// RequestOutcome is the end of a request; each has exactly one.
type RequestOutcome struct {
	ID      RequestID
	Outcome Outcome
}
