package replication

import "slices"

// Status is where a shard's document stands.
type Status uint8

// The statuses of a document.
const (
	// StatusElecting: a term was claimed, and its leader is not known to serve.
	StatusElecting Status = iota + 1
	// StatusSteady: the leader of the term was published.
	StatusSteady
	// StatusDeleted: the shard is no more. It has no members, and those that it had are
	// removed.
	StatusDeleted
)

func (s Status) String() string { return [...]string{"none", "electing", "steady", "deleted"}[s] }

// DocumentMember is a member as the shard's document names it, with the
// incarnation of the disk that its replica was, or will be, made on.
type DocumentMember struct {
	Member
	// Incarnation is zero until the coordinator first hears the server. It is
	// then set once, and only a disk of that incarnation may hold the replica.
	Incarnation Incarnation
}

// Document is all that the metadata store keeps of a shard (rule 1). It changes
// by compare-and-set of its Version only.
type Document struct {
	// Version counts the changes, from 1. The metadata store compares it.
	Version int64
	Term    TermID
	Status  Status
	// Ensemble votes; Joining votes too while an ensemble change is under way,
	// which is only while Status is electing.
	Ensemble []DocumentMember
	Joining  []DocumentMember
	Learners []DocumentMember
	// Removed are replicas that left the shard and are not known to be deleted.
	Removed []DocumentMember
	// Leader is set when Status is steady, with the run of the process that
	// leads: another run of it does not.
	Leader    Member
	LeaderRun RunID
	// LastReplica is the highest replica id ever given out for the shard.
	LastReplica ReplicaID
	// Settings are the state machine's: what it is to be like in this shard. Every
	// term begins with them (rule 4), and the core does not look at them. They are
	// never changed in place.
	Settings []byte
}

// Clone returns a copy that shares nothing.
func (d Document) Clone() Document {
	d.Ensemble = slices.Clone(d.Ensemble)
	d.Joining = slices.Clone(d.Joining)
	d.Learners = slices.Clone(d.Learners)
	d.Removed = slices.Clone(d.Removed)
	return d
}

// Members returns every replica that belongs to the shard, voters first.
func (d *Document) Members() []DocumentMember {
	members := slices.Clone(d.Ensemble)
	for _, m := range slices.Concat(d.Joining, d.Learners) {
		if !slices.Contains(members, m) {
			members = append(members, m)
		}
	}
	return members
}

func bareMembers(members []DocumentMember) []Member {
	bare := make([]Member, len(members))
	for i, m := range members {
		bare[i] = m.Member
	}
	return bare
}
