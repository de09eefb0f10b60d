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
	// The answer is EntriesRead with the same ReadID, without entries if first was
	// trimmed or dropped meanwhile.
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
	// OpTrim drops every entry up to and including Base, which is in the log.
	OpTrim
	// OpDelete drops the log, for good: a replica that left its shard is removed.
	// Its Record, which takes the place of the one before, keeps only that. The
	// next operation, if there is any, is the first of a new replica.
	OpDelete
)

func (k LogOpKind) String() string {
	return [...]string{"none", "term", "append", "truncate", "reset", "trim", "delete"}[k]
}

// TermRecord is what a replica stores of itself beside its log. Deleted says that
// it was removed, and nothing else is left of it: that much has to be remembered,
// lest a request that comes very late make it again, empty and without the terms
// that it was fenced in.
type TermRecord struct {
	Replica ReplicaID
	Term    TermID
	Deleted bool
}

// LogOp is one durable step that a replica asks for. Sequence counts a shard's
// operations from 1 in each run, those of a deleted replica and of the one that
// comes after it together (it is zero where nobody waits for LogDone: see
// Recovered.Settle); only the fields of its kind are set.
type LogOp struct {
	Sequence uint64
	Kind     LogOpKind
	Record   TermRecord
	Entries  []Entry
	Truncate Offset
	Base     EntryID
}

// ReadID ties an answer of the log, or the answer to an ExportAsk, to the
// question, within one shard and run.
type ReadID uint64

// StateMachine applies committed entries, answers queries, and makes and installs
// snapshots. Its calls are submissions, as those of Log. What Apply and Import ask
// of one shard takes effect, and is answered, in the order of submission; what was
// asked of a shard before a Delete is answered from the state before it, and
// before Deleted.
type StateMachine interface {
	// Apply takes committed entries that follow those of the call before. The
	// answer is Applied with one result for each entry. Only one call for each
	// shard is under way at a time.
	Apply(shard ShardID, entries []Entry)
	// Query reads the state as it is at the call or later. The answer is Answered
	// with the same QueryID.
	Query(shard ShardID, id QueryID, body []byte)
	// Export asks for a part of a snapshot of the shard. The answer is Exported
	// with the same ReadID, when it suits the state machine: nothing but the
	// snapshot waits for it. Several exports of a shard may be open, one for each
	// member that needs a snapshot; any may be closed at any time.
	Export(shard ShardID, ask ExportAsk)
	// Import takes the next part of a snapshot, or the first one of another, at
	// position 0, which takes the place of what was kept. The state stays as it is
	// until the Final part: with that, the whole state becomes the snapshot's,
	// durably and at once, together with Last as its applied entry, and only then
	// is the answer Imported with Installed set. A snapshot that turns out to be
	// damaged is dropped: Imported then says that zero bytes are kept. Only one
	// call for each shard is under way at a time.
	Import(shard ShardID, part SnapshotPart)
	// Delete drops all state of a shard: its replica left, and the log's OpDelete
	// is durable; or the state differs from the other members', and a snapshot is
	// to take its place. The answer is Deleted, once a crash could not bring the
	// state back. Where there is no state, that is true at once.
	Delete(shard ShardID)
}

// ExportAsk asks for a part of a snapshot: with Last zero, for the first part of
// a new one, of the state as it is; otherwise for the part that begins at
// Position in the snapshot whose last entry is Last, which may have been asked
// for before. MaxBytes bounds the part's Data (above zero).
type ExportAsk struct {
	ID       ReadID
	Last     EntryID
	Position int64
	MaxBytes int
}

// SnapshotPart is a part of a shard's state up to and including the entry Last:
// the bytes from Position on. Final marks the last part, whose Data may be empty.
// In one run, all snapshots with the same Last are the same bytes, however they
// are cut into parts.
type SnapshotPart struct {
	Last     EntryID
	Position int64
	Data     []byte
	Final    bool
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

// Reigns is told, within Step, when the replica here begins and ceases to serve as
// the leader of a shard, for what else a server does only then. It must not call the
// node.
type Reigns interface {
	// Serving says that the leader of a term serves now: its barrier is committed, and
	// it reaches a quorum. Serving may end and begin again within a term.
	Serving(shard ShardID, term Term)
	// NotServing ends what Serving began.
	NotServing(shard ShardID, term Term)
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
