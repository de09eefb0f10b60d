package wire

import "github.com/ostraka-db/ostraka/replication"

// The fields of the messages of api/peer.proto, in its order. What stands in line
// there (the two halves of a term, of an entry's id, of a member) is visited in pairs,
// whose first number is given.

const (
	// MaxEntries bounds the entries of an Append, MaxMembers each list of members.
	// More are an error on either side.
	MaxEntries = 1 << 18
	MaxMembers = 1 << 12
)

func termFields(c *coder, num fieldNumber, t *replication.TermID) {
	varint(c, num, &t.Term)
	fixed64(c, num+1, &t.Election)
}

func idFields(c *coder, num fieldNumber, id *replication.EntryID) {
	varint(c, num, &id.Term)
	varint(c, num+1, &id.Offset)
}

func memberPair(c *coder, num fieldNumber, m *replication.Member) {
	text(c, num, &m.Server)
	varint(c, num+1, &m.Replica)
}

func checkPair(c *coder, num fieldNumber, check *replication.Check) {
	varint(c, num, &check.Offset)
	fixed64(c, num+1, &check.Sum)
}

func memberFields(c *coder, m *replication.Member) { memberPair(c, 1, m) }

func memberHeadFields(c *coder, m *replication.MemberHead) {
	memberPair(c, 1, &m.Member)
	idFields(c, 3, &m.Head)
}

func documentMemberFields(c *coder, m *replication.DocumentMember) {
	memberPair(c, 1, &m.Member)
	fixed64(c, 3, &m.Incarnation)
}

func documentFields(c *coder, d *replication.Document) {
	varint(c, 1, &d.Version)
	termFields(c, 2, &d.Term)
	varint(c, 4, &d.Status)
	repeated(c, 5, &d.Ensemble, MaxMembers, documentMemberFields)
	repeated(c, 6, &d.Joining, MaxMembers, documentMemberFields)
	repeated(c, 7, &d.Learners, MaxMembers, documentMemberFields)
	repeated(c, 8, &d.Removed, MaxMembers, documentMemberFields)
	memberPair(c, 9, &d.Leader)
	varint(c, 11, &d.LeaderRun)
	varint(c, 12, &d.LastReplica)
	payload(c, 13, &d.Settings)
}

func beatFields(c *coder, m *replication.Beat) { fixed64(c, 1, &m.Incarnation) }

func appendFields(c *coder, m *replication.Append) {
	termFields(c, 1, &m.Term)
	idFields(c, 3, &m.Prev)
	varint(c, 5, &m.Commit)
	flag(c, 6, &m.Probing)
	repeated(c, 7, &m.Entries, MaxEntries, entryFields)
}

// entryFields leaves out the offset, which follows from those before.
func entryFields(c *coder, e *replication.Entry) {
	varint(c, 1, &e.ID.Term)
	varint(c, 2, &e.Timestamp)
	payload(c, 3, &e.Payload)
}

// numberEntries gives entries that were read their offsets.
func numberEntries(m *replication.Append) {
	for i := range m.Entries {
		m.Entries[i].ID.Offset = m.Prev.Offset + 1 + replication.Offset(i)
	}
}

func ackFields(c *coder, m *replication.Ack) {
	termFields(c, 1, &m.Term)
	varint(c, 3, &m.Match)
	varint(c, 4, &m.Commit)
	varint(c, 5, &m.Needs)
	checkPair(c, 6, &m.Check)
}

func confirmFields(c *coder, m *replication.Confirm) {
	termFields(c, 1, &m.Term)
	varint(c, 3, &m.Round)
	varint(c, 4, &m.Commit)
}

func confirmedFields(c *coder, m *replication.Confirmed) {
	termFields(c, 1, &m.Term)
	varint(c, 3, &m.Round)
	varint(c, 4, &m.Commit)
}

func forwardFields(c *coder, m *replication.Forward) {
	varint(c, 1, &m.OriginRun)
	varint(c, 2, &m.ToRun)
	varint(c, 3, &m.Sequence)
	varint(c, 4, &m.Low)
	varint(c, 5, &m.Kind)
	payload(c, 6, &m.Body)
}

func forwardReplyFields(c *coder, m *replication.ForwardReply) {
	varint(c, 1, &m.OriginRun)
	varint(c, 2, &m.Sequence)
	varint(c, 3, &m.Outcome.Kind)
	varint(c, 4, &m.Outcome.Refusal)
	varint(c, 5, &m.Outcome.Offset)
	payload(c, 6, &m.Outcome.Result)
	varint(c, 7, &m.Term)
	memberPair(c, 8, &m.Leader)
	varint(c, 10, &m.LeaderRun)
}

func snapshotChunkFields(c *coder, m *replication.SnapshotChunk) {
	termFields(c, 1, &m.Term)
	idFields(c, 3, &m.Last)
	varint(c, 5, &m.Position)
	payload(c, 6, &m.Data)
	flag(c, 7, &m.Final)
}

func snapshotAckFields(c *coder, m *replication.SnapshotAck) {
	termFields(c, 1, &m.Term)
	idFields(c, 3, &m.Last)
	varint(c, 5, &m.Position)
	flag(c, 6, &m.Installed)
}

func probeFields(c *coder, m *replication.Probe) { varint(c, 1, &m.Nonce) }

func probeReplyFields(c *coder, m *replication.ProbeReply) {
	varint(c, 1, &m.Nonce)
	termFields(c, 2, &m.Term)
	varint(c, 4, &m.Role)
	flag(c, 5, &m.Serving)
	memberPair(c, 6, &m.Leader)
	varint(c, 8, &m.Run)
	zigzag(c, 9, &m.Heard)
	idFields(c, 10, &m.Head)
}

func mismatchFields(c *coder, m *replication.Mismatch) {
	termFields(c, 1, &m.Term)
	idFields(c, 3, &m.Prev)
	idFields(c, 5, &m.Have)
}

func higherTermFields(c *coder, m *replication.HigherTerm) { termFields(c, 1, &m.Term) }

func askElectionFields(c *coder, m *replication.AskElection) { termFields(c, 1, &m.Term) }

func newTermFields(c *coder, m *replication.NewTerm) { termFields(c, 1, &m.Term) }

func newTermReplyFields(c *coder, m *replication.NewTermReply) {
	termFields(c, 1, &m.Term)
	idFields(c, 3, &m.Head)
	varint(c, 5, &m.Refused)
	flag(c, 6, &m.Damaged)
	fixed64(c, 7, &m.Incarnation)
	varint(c, 8, &m.Leaderships)
	flag(c, 9, &m.Draining)
}

func becomeLeaderFields(c *coder, m *replication.BecomeLeader) {
	termFields(c, 1, &m.Term)
	repeated(c, 3, &m.Ensemble, MaxMembers, memberFields)
	repeated(c, 4, &m.Joining, MaxMembers, memberFields)
	repeated(c, 5, &m.Learners, MaxMembers, memberFields)
	repeated(c, 6, &m.Heads, MaxMembers, memberHeadFields)
	payload(c, 7, &m.Settings)
}

func becomeLeaderReplyFields(c *coder, m *replication.BecomeLeaderReply) {
	termFields(c, 1, &m.Asked)
	termFields(c, 3, &m.Term)
	varint(c, 5, &m.Run)
	flag(c, 6, &m.Ready)
	varint(c, 7, &m.Refused)
}

func addFollowerFields(c *coder, m *replication.AddFollower) {
	termFields(c, 1, &m.Term)
	nested(c, 3, &m.Member, memberHeadFields)
}

func assignFields(c *coder, m *replication.Assign) { nested(c, 1, &m.Document, documentFields) }

func quarantineFields(c *coder, m *replication.Quarantine) {
	termFields(c, 1, &m.Term)
	checkPair(c, 3, &m.Check)
}

func completeChangeFields(c *coder, m *replication.CompleteChange) {
	termFields(c, 1, &m.Term)
	repeated(c, 3, &m.Ensemble, MaxMembers, memberFields)
}

func changeCompletedFields(c *coder, m *replication.ChangeCompleted) { termFields(c, 1, &m.Term) }

func createReplicaFields(c *coder, m *replication.CreateReplica) { fixed64(c, 1, &m.Incarnation) }

func replicaCreatedFields(c *coder, m *replication.ReplicaCreated) {
	fixed64(c, 1, &m.Incarnation)
	varint(c, 2, &m.Refused)
}

func deleteReplicaFields(c *coder, m *replication.DeleteReplica) { termFields(c, 1, &m.Term) }

func replicaDeletedFields(c *coder, m *replication.ReplicaDeleted) { termFields(c, 1, &m.Term) }

func notMemberFields(c *coder, m *replication.NotMember) {
	fixed64(c, 1, &m.Incarnation)
	flag(c, 2, &m.Deleted)
}
