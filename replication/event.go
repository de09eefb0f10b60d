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

	// Delete removes the replica for good (rule 8), for the coordinator that asked
	// and named a term; for nobody if that is empty.
	Delete struct {
		Coordinator ServerID
		Term        TermID
	}

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

	// PeerDied says that a run of a server's process is known to be over. It is told
	// once for each, unless the run spoke after it was taken for over.
	PeerDied struct {
		Server ServerID
		Run    RunID
	}

	// StepAside makes a leader ask for an election, because its server is about to
	// stop. It leads until it is fenced.
	StepAside struct{}

	// LogDone says that the replica's log operations up to Sequence are durable.
	LogDone struct{ Sequence uint64 }

	// EntriesRead answers Log.Read. Damaged is the highest offset of an entry that
	// was asked for and cannot be read back, zero if none is.
	EntriesRead struct {
		ID      ReadID
		Entries []Entry
		Damaged Offset
	}

	// Applied answers StateMachine.Apply, with a result for each entry. Check is the
	// newest check of the state, zero if there is none yet.
	Applied struct {
		Results [][]byte
		Check   Check
	}

	// Exported answers StateMachine.Export. Gone says that the snapshot that was
	// asked for is not open any more; one that begins is never Gone.
	Exported struct {
		ID   ReadID
		Part SnapshotPart
		Gone bool
	}

	// Imported answers StateMachine.Import. Position is how many bytes of the
	// snapshot are kept in this run; Installed says that the state is now the
	// snapshot's, durably.
	Imported struct {
		Last      EntryID
		Position  int64
		Installed bool
	}

	// Trim lets the replica drop its log up to and including an entry. Whoever
	// asks has made sure that the state machine holds everything up to there
	// durably: what is only in its memory is lost in a crash, and comes back from
	// the log alone.
	Trim struct{ To Offset }

	// Deleted answers StateMachine.Delete, once for each call.
	Deleted struct{}

	// StateLost says that the state machine cannot read a shard's state: a disk
	// failed below it. Calls of Apply, Import and Query for the shard that it has not
	// answered have no other answer, and further ones none at all until the Delete
	// that follows.
	StateLost struct{}

	// Propose asks a leader to append. Tokens are the caller's names for what
	// becomes of each.
	Propose struct{ Proposals []Proposal }

	// ReadIndex asks a leader to confirm that it leads, for reads.
	ReadIndex struct{ Tokens []Token }
)

// Events of an election alone.
type (
	// ChangeEnsemble is the planner's wish: the servers that are to hold the shard's
	// replicas, each once; empty for no wish. It stands until another replaces it,
	// and may be repeated at any time.
	ChangeEnsemble struct{ Servers []ServerID }

	// ChangeSettings replaces the settings of the shard's state machine (above nil).
	// They go into the document with the next term that this coordinator claims.
	ChangeSettings struct{ Settings []byte }

	// Transfer asks for a new leader at once: the server named, if it votes and holds
	// enough; whoever is best if none is. It is for a shard at rest, and has no effect
	// otherwise: who needs it asks again.
	Transfer struct{ To ServerID }

	// EndShard says that the shard is to be no more, for good: its replicas are deleted
	// on all servers, as they are heard. Nothing is left once the document has
	// StatusDeleted and no Removed.
	EndShard struct{}

	// Recover makes the voters on some servers the whole ensemble, for when the others
	// are lost for good. What was committed by the others alone is lost, which is why only a
	// person may ask for it. It has no effect where none of the servers has a voter, or
	// while the document is being written: who needs it asks again.
	Recover struct{ Servers []ServerID }

	// PeerRemoved says that a server left the cluster: it is told of nothing any more.
	PeerRemoved struct{ Server ServerID }

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
func (Delete) event()         {}
func (Tick) event()           {}
func (PeerHeard) event()      {}
func (PeerSilent) event()     {}
func (PeerDied) event()       {}
func (StepAside) event()      {}
func (LogDone) event()        {}
func (EntriesRead) event()    {}
func (Applied) event()        {}
func (Exported) event()       {}
func (Imported) event()       {}
func (Trim) event()           {}
func (Deleted) event()        {}
func (StateLost) event()      {}
func (Propose) event()        {}
func (ReadIndex) event()      {}
func (ChangeEnsemble) event() {}
func (ChangeSettings) event() {}
func (Transfer) event()       {}
func (PeerRemoved) event()    {}
func (EndShard) event()       {}
func (Recover) event()        {}
func (TermSeen) event()       {}
func (DocumentLoaded) event() {}
func (DocumentStored) event() {}
