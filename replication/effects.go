package replication

// Effects is what a step asks its caller to do. The slices are in the order in
// which the step asked; the caller submits log operations in that order. Those
// of different kinds are independent of each other, because whatever needs
// another to be done first waits for that one's own event.
type Effects struct {
	Messages []Envelope
	Log      []LogOp
	// Reads are to be asked of the log.
	Reads []LogRead
	// Apply is the next run of committed entries; nil if there is none.
	Apply []Entry
	// Exports are parts of snapshots to be asked of the state machine, Import the
	// part that it is to take; nil if there is none.
	Exports []ExportAsk
	Import  *SnapshotPart
	// Delete asks the state machine to drop the shard.
	Delete bool
	// Outcomes are proposals and reads that ended.
	Outcomes []TokenOutcome
	// Load and Store are an election's calls of the metadata store.
	Load  bool
	Store *Document
	// Learned is a document that this step learned or made, newer than any before.
	Learned *Document
}

// LogRead is a question to the log.
type LogRead struct {
	ID       ReadID
	First    Offset
	MaxBytes int
}

// TokenOutcome is what became of the request that the token names.
type TokenOutcome struct {
	Token   Token
	Outcome Outcome
}

// OutcomeKind tells the three ways in which a request ends (rule 7).
type OutcomeKind uint8

// The ways in which a request ends.
const (
	// OutcomeDone: a proposal committed and was applied here, or a read was
	// confirmed and may be answered.
	OutcomeDone OutcomeKind = iota + 1
	// OutcomeRefused: it did not happen, and never will.
	OutcomeRefused
	// OutcomeUnknown: it may have happened, may yet happen, or never.
	OutcomeUnknown
)

func (k OutcomeKind) String() string {
	return [...]string{"none", "done", "refused", "unknown"}[k]
}

// Outcome is the end of a request.
type Outcome struct {
	Kind    OutcomeKind
	Refusal Refusal
	// Offset is the entry's, for a proposal that committed.
	Offset Offset
	// Result is what the state machine made of it.
	Result []byte
}

func refused(why Refusal) Outcome { return Outcome{Kind: OutcomeRefused, Refusal: why} }
