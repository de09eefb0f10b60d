package replication

import "time"

// Message is what travels between servers. The set is closed: a transport
// encodes these and nothing else. Messages are values; what they point to is
// never changed after they were sent.
type Message interface{ message() }

// Envelope is a message with its addresses. From, FromRun and FromReplica are
// the sender's; a replica id is zero where the sender or the receiver is not a
// replica (a coordinator, a server as such).
type Envelope struct {
	From        ServerID
	FromRun     RunID
	To          ServerID
	Shard       ShardID
	FromReplica ReplicaID
	ToReplica   ReplicaID
	Message     Message
}

// Role is what a replica is in its shard at present.
type Role uint8

// The roles. A learner is a follower that its ensemble does not count.
const (
	RoleFenced Role = iota + 1
	RoleFollower
	RoleLeader
	// RoleDeleted is a replica that is being removed. It answers nobody, so that
	// this one never travels.
	RoleDeleted
)

func (r Role) String() string {
	return [...]string{"none", "fenced", "follower", "leader", "deleted"}[r]
}

// Refusal says why something was refused. Whatever was refused did not happen
// and will not.
type Refusal uint8

// The reasons for refusal.
const (
	// RefusedNotLeader: the replica does not lead; the request was never appended.
	RefusedNotLeader Refusal = iota + 1
	// RefusedNotReady: it leads, but its barrier has not committed yet.
	RefusedNotReady
	// RefusedNoQuorum: it leads, but cannot reach a quorum at present.
	RefusedNoQuorum
	// RefusedOverload: a named limit is reached.
	RefusedOverload
	// RefusedNotMember: the replica addressed is not here, or is another one.
	RefusedNotMember
	// RefusedHigherTerm: the replica knows a higher term, or an equal one with
	// another election id.
	RefusedHigherTerm
	// RefusedMayNotLead: the replica may not lead this term (rule 3).
	RefusedMayNotLead
	// RefusedOverwritten: another entry committed in the proposal's place, so it
	// never will.
	RefusedOverwritten
	// RefusedExpired: the deadline passed before it was given to any leader.
	RefusedExpired
	// RefusedIncarnation: the disk is not the one that the replica was made for.
	RefusedIncarnation
)

func (r Refusal) String() string {
	return [...]string{"-", "not-leader", "not-ready", "no-quorum", "overload", "not-member",
		"higher-term", "may-not-lead", "overwritten", "expired", "incarnation"}[r]
}

// Messages of rule 0: questions before an election.
type (
	// Probe asks a replica what it knows of its leader. Nonce ties answers to
	// the question.
	Probe struct{ Nonce uint64 }

	// ProbeReply answers it. Heard is how long ago the replica's server last
	// heard the leader's process, negative if it never did since that process
	// began to lead. A leader that serves has heard itself just now.
	ProbeReply struct {
		Nonce   uint64
		Term    TermID
		Role    Role
		Serving bool
		Leader  Member
		Run     RunID
		Heard   time.Duration
		Head    EntryID
	}

	// AskElection is the leader of a term asking to be replaced, because it does
	// not reach a quorum or is draining.
	AskElection struct{ Term TermID }
)

// Messages of rules 1 to 3: terms, fencing, leader choice.
type (
	// NewTerm fences a replica in a term.
	NewTerm struct{ Term TermID }

	// NewTermReply is sent once the term is durable and everything asked of the
	// log before it is done. With Refused set, Term is the replica's own, and
	// nothing changed. Damaged says that the replica waits to be repaired: its head
	// counts, but it cannot lead. Leaderships and Draining are the server's, for the
	// choice.
	NewTermReply struct {
		Term        TermID
		Head        EntryID
		Refused     Refusal
		Damaged     bool
		Incarnation Incarnation
		Leaderships int
		Draining    bool
	}

	// BecomeLeader makes a fenced replica the leader of its term. Heads are
	// those that the other members answered with, in the order of members. Settings
	// are the document's.
	BecomeLeader struct {
		Term     TermID
		Ensemble []Member
		Joining  []Member
		Learners []Member
		Heads    []MemberHead
		Settings []byte
	}

	// BecomeLeaderReply says that the replica leads the term that it was asked to
	// or, with Refused set, that it does not and will not; Term is then the
	// replica's own. Ready says that its barrier has committed, so that it may be
	// published.
	BecomeLeaderReply struct {
		Asked   TermID
		Term    TermID
		Run     RunID
		Ready   bool
		Refused Refusal
	}

	// AddFollower tells a leader of a member that answered NewTerm late.
	AddFollower struct {
		Term   TermID
		Member MemberHead
	}

	// Assign announces a shard's document to servers after it changed.
	Assign struct{ Document Document }
)

// MemberHead is a member with the head of its log.
type MemberHead struct {
	Member Member
	Head   EntryID
}

// Messages of rule 5: replication.
type (
	// Append carries entries to a follower, and the commit offset. Prev is the id
	// of the entry before the first. With Probing set the leader does not know
	// whether Prev is in the follower's log and wants an answer at once; without
	// it, a message that came too early may be kept until its turn.
	Append struct {
		Term    TermID
		Prev    EntryID
		Entries []Entry
		Commit  Offset
		Probing bool
	}

	// Ack says that every entry up to Match is durable in this follower's log and
	// the same as the leader's. Commit is the follower's commit offset. Needs is
	// the offset up to which a snapshot has to go, at least, to repair a damaged
	// follower; zero if it is whole. Check is the newest one of its state.
	Ack struct {
		Term   TermID
		Match  Offset
		Commit Offset
		Needs  Offset
		Check  Check
	}

	// Quarantine tells a follower that most members' states differ from its own
	// at this check, which is one that it told.
	Quarantine struct {
		Term  TermID
		Check Check
	}

	// Mismatch says that Prev is not in the follower's log; Have is the newest
	// entry there that may also be in the leader's.
	Mismatch struct {
		Term TermID
		Prev EntryID
		Have EntryID
	}

	// HigherTerm tells a sender that its term is over.
	HigherTerm struct{ Term TermID }
)

// Messages of rule 6: read rounds.
type (
	// Confirm asks a voter whether the term still stands, for one numbered round.
	Confirm struct {
		Term   TermID
		Round  uint64
		Commit Offset
	}

	// Confirmed answers one round. Commit is the voter's commit offset.
	Confirmed struct {
		Term   TermID
		Round  uint64
		Commit Offset
	}
)

// Messages of rule 7: requests forwarded to the leader's server, and outcomes.
type (
	// Forward carries a client's request from the server that has the client
	// (Origin, in run OriginRun) to the one that leads (in run ToRun: another run
	// must not serve it, because the earlier one may have appended it). Sequence
	// numbers an origin's requests; all below Low are over and may be forgotten.
	Forward struct {
		OriginRun RunID
		ToRun     RunID
		Sequence  uint64
		Low       uint64
		Kind      RequestKind
		Body      []byte
	}

	// ForwardReply carries the outcome back. Leader and Term are a hint where to
	// go, if Refused says that this server is not the one.
	ForwardReply struct {
		OriginRun RunID
		Sequence  uint64
		Outcome   Outcome
		Term      Term
		Leader    Member
		LeaderRun RunID
	}
)

// Messages of rules 8 to 10: ensemble changes, replicas and snapshots.
type (
	// CompleteChange tells the leader of a term that began under two ensembles
	// that the joining one, which it names, has become the shard's ensemble.
	CompleteChange struct {
		Term     TermID
		Ensemble []Member
	}

	// ChangeCompleted says that this leader counts the named ensemble alone from
	// now on, or began its term under it.
	ChangeCompleted struct{ Term TermID }

	// CreateReplica makes the member that the envelope addresses on a server
	// whose disk is the named incarnation, and on no other.
	CreateReplica struct{ Incarnation Incarnation }

	// ReplicaCreated says that the replica is durable or, with Refused set, that
	// it was not made; Incarnation is the server's. The envelope names the replica
	// that was to be made as its sender.
	ReplicaCreated struct {
		Incarnation Incarnation
		Refused     Refusal
	}

	// DeleteReplica removes the addressed replica, which left the shard by the
	// given term, for good.
	DeleteReplica struct{ Term TermID }

	// ReplicaDeleted answers it once nothing is left of the replica, also where
	// there was none. The envelope names the replica as its sender.
	ReplicaDeleted struct{ Term TermID }

	// NotMember says that the addressed replica, which the envelope names as its
	// sender, is not on this server. Deleted says that it never will be again.
	NotMember struct {
		Incarnation Incarnation
		Deleted     bool
	}

	// SnapshotChunk carries a part of a state machine's snapshot, up to and
	// including the entry Last. Position counts bytes; Final marks the end.
	SnapshotChunk struct {
		Term     TermID
		Last     EntryID
		Position int64
		Data     []byte
		Final    bool
	}

	// SnapshotAck says how many bytes of the snapshot are kept, so that a
	// transfer resumes where it stopped, and, with Installed, that the replica's
	// head is now Last.
	SnapshotAck struct {
		Term      TermID
		Last      EntryID
		Position  int64
		Installed bool
	}
)

// Beat is sent to a peer to which nothing else was sent for a while. What a
// server is told of its peers' liveness, runs and disks comes from it and from
// the envelopes.
type Beat struct{ Incarnation Incarnation }

func (Probe) message()             {}
func (ProbeReply) message()        {}
func (AskElection) message()       {}
func (NewTerm) message()           {}
func (NewTermReply) message()      {}
func (BecomeLeader) message()      {}
func (BecomeLeaderReply) message() {}
func (AddFollower) message()       {}
func (Assign) message()            {}
func (Append) message()            {}
func (Ack) message()               {}
func (Quarantine) message()        {}
func (Mismatch) message()          {}
func (HigherTerm) message()        {}
func (Confirm) message()           {}
func (Confirmed) message()         {}
func (Forward) message()           {}
func (ForwardReply) message()      {}
func (CompleteChange) message()    {}
func (ChangeCompleted) message()   {}
func (CreateReplica) message()     {}
func (ReplicaCreated) message()    {}
func (DeleteReplica) message()     {}
func (ReplicaDeleted) message()    {}
func (NotMember) message()         {}
func (SnapshotChunk) message()     {}
func (SnapshotAck) message()       {}
func (Beat) message()              {}
