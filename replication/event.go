package replication

import "time"

// Event is what a Replica or an Election is stepped with. The set is closed.
type Event interface{ event() }

// Events of a replica, and some of an election too.
type (
	// Receive is the arrival of a peer's message. Heard is set for a Probe: how
	// long ago this server heard the process of the replica's leader.
	Receive struct {
		Envelope Envelope
		Heard    time.Duration
	}

	// Create makes a new replica durable (rule 9), for the coordinator that asked.
	Create struct{ Coordinator ServerID }

	// Tick says only that time passed.
	Tick struct{}

	// PeerHeard says that a server that was silent, or not known, or another run
	// before, was heard.
	PeerHeard struct {
		Server      ServerID
		Run         RunID
		Incarnation Incarnation
	}

	// PeerSilent says that nothing was heard of a server for the silence limit.
	PeerSilent struct{ Server ServerID }

	// PeerDied says that a run of a server's process is known to be over.
	PeerDied struct {
		Server ServerID
		Run    RunID
	}

	// StepAside makes a leader ask for an election, because its server is about to
	// stop. It leads until it is fenced.
	StepAside struct{}

	// LogDone says that the replica's log operations up to Sequence are durable.
	LogDone struct{ Sequence uint64 }

	// EntriesRead answers Log.Read.
	EntriesRead struct {
		ID      ReadID
		Entries []Entry
	}

	// Applied answers StateMachine.Apply, with a result for each entry.
	Applied struct{ Results [][]byte }

	// Propose asks a leader to append. Tokens are the caller's names for what
	// becomes of each.
	Propose struct{ Proposals []Proposal }

	// ReadIndex asks a leader to confirm that it leads, for reads.
	ReadIndex struct{ Tokens []Token }
)

// Events of an election alone.
type (
	// TermSeen says that the replica on the coordinator's server is in a term.
	TermSeen struct{ Term Term }

	// DocumentLoaded answers MetadataStore.Load. Failed says that there was no
	// answer; otherwise Found tells whether there is a document.
	DocumentLoaded struct {
		Document Document
		Found    bool
		Failed   bool
	}

	// DocumentStored answers MetadataStore.CompareAndSet. Version and Term are the
	// document's, so that an answer that comes late is not taken for another's.
	DocumentStored struct {
		Version int64
		Term    TermID
		Outcome StoreOutcome
	}
)

// Token names a request within one Node and run.
type Token uint64

// Proposal is one payload to be appended, and the name of its outcome.
type Proposal struct {
	Token   Token
	Payload []byte
}

func (Receive) event()        {}
func (Create) event()         {}
func (Tick) event()           {}
func (PeerHeard) event()      {}
func (PeerSilent) event()     {}
func (PeerDied) event()       {}
func (StepAside) event()      {}
func (LogDone) event()        {}
func (EntriesRead) event()    {}
func (Applied) event()        {}
func (Propose) event()        {}
func (ReadIndex) event()      {}
func (TermSeen) event()       {}
func (DocumentLoaded) event() {}
func (DocumentStored) event() {}
