package replication

// Transport carries envelopes between servers. It may drop, delay, duplicate
// and reorder them, and must not corrupt them. Every adapter passes the
// conformance suite of package replicationtest.
type Transport interface {
	// Send takes the envelopes of one step for one server, in order. It does not
	// block: what it cannot take at once it drops.
	Send(to ServerID, batch []Envelope)
}

// Log is one server's durable log, shared by all its shards. Both calls are
// submissions: they do not block, and what comes of them is given to
// Node.Complete by whoever drives the log.
type Log interface {
	// Submit queues an operation. Those of one shard take effect in the order of
	// submission, and LogDone for one says that it and all before it are durable.
	// An operation that fails is never reported: the server stops.
	Submit(shard ShardID, op LogOp)
	// Read asks for entries from offset first on, as many as fit in maxBytes but
	// at least one. It sees every operation submitted before it, durable or not.
	// The answer is EntriesRead with the same ReadID.
	Read(shard ShardID, id ReadID, first Offset, maxBytes int)
}

// LogOpKind says which durable step an operation is.
type LogOpKind uint8

// The durable steps.
const (
	// OpTerm stores the term record: replica id, term, election id.
	OpTerm LogOpKind = iota + 1
	// OpAppend appends entries after the current last one.
	OpAppend
	// OpTruncate drops every entry after an offset.
	OpTruncate
	// OpReset drops the whole log, whose next entry then follows Base (a snapshot
	// was installed).
	OpReset
)

func (k LogOpKind) String() string {
	return [...]string{"none", "term", "append", "truncate", "reset"}[k]
}

// TermRecord is what a replica stores of itself beside its log.
type TermRecord struct {
	Replica ReplicaID
	Term    TermID
}

// LogOp is one durable step that a replica asks for. Sequence counts a
// replica's operations from 1 in each run; only the fields of its kind are set.
type LogOp struct {
	Sequence uint64
	Kind     LogOpKind
	Record   TermRecord
	Entries  []Entry
	Truncate Offset
	Base     EntryID
}

// ReadID ties an answer of the log to the question, within one shard and run.
type ReadID uint64

// StateMachine applies committed entries and answers queries. Both calls are
// submissions, as those of Log.
type StateMachine interface {
	// Apply takes committed entries that follow those of the call before. The
	// answer is Applied with one result for each entry. Only one call for each
	// shard is under way at a time.
	Apply(shard ShardID, entries []Entry)
	// Query reads the state as it is at the call or later. The answer is Answered
	// with the same QueryID.
	Query(shard ShardID, id QueryID, body []byte)
}

// QueryID ties an answer of the state machine to its query, within one run.
type QueryID uint64

// MetadataStore keeps the shards' documents (rule 1). Calls are submissions.
type MetadataStore interface {
	// Load asks for a shard's document; the answer is DocumentLoaded.
	Load(shard ShardID)
	// CompareAndSet stores a document if the stored one's version is
	// document.Version-1, where zero means that there is none. The answer is
	// DocumentStored. What cannot be known (no answer in time) is reported as
	// StoreUnknown and may yet take effect.
	CompareAndSet(shard ShardID, document Document)
}

// StoreOutcome is what became of a compare-and-set.
type StoreOutcome uint8

// The outcomes of a compare-and-set.
const (
	StoreDone StoreOutcome = iota + 1
	StoreConflict
	StoreUnknown
)

func (o StoreOutcome) String() string {
	return [...]string{"none", "done", "conflict", "unknown"}[o]
}
