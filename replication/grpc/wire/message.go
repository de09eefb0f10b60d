package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ostraka-db/ostraka/replication"
)

type fieldNumber = protowire.Number

// visit visits the fields of a message that is there to be sized or written, and
// returns the message's number in an envelope, zero if it is of no known type. Each
// case has a variable of its own, so that none has to be allocated.
func visit(c *coder, m replication.Message) fieldNumber {
	switch m := m.(type) {
	case replication.Beat:
		beatFields(c, &m)
		return numBeat
	case replication.Append:
		appendFields(c, &m)
		return numAppend
	case replication.Ack:
		ackFields(c, &m)
		return numAck
	case replication.Confirm:
		confirmFields(c, &m)
		return numConfirm
	case replication.Confirmed:
		confirmedFields(c, &m)
		return numConfirmed
	case replication.Forward:
		forwardFields(c, &m)
		return numForward
	case replication.ForwardReply:
		forwardReplyFields(c, &m)
		return numForwardReply
	case replication.SnapshotChunk:
		snapshotChunkFields(c, &m)
		return numSnapshotChunk
	case replication.SnapshotAck:
		snapshotAckFields(c, &m)
		return numSnapshotAck
	}
	return visitRare(c, m)
}

// visitRare does the same for the messages of elections and changes.
func visitRare(c *coder, m replication.Message) fieldNumber {
	switch m := m.(type) {
	case replication.Probe:
		probeFields(c, &m)
		return numProbe
	case replication.ProbeReply:
		probeReplyFields(c, &m)
		return numProbeReply
	case replication.Mismatch:
		mismatchFields(c, &m)
		return numMismatch
	case replication.HigherTerm:
		higherTermFields(c, &m)
		return numHigherTerm
	case replication.AskElection:
		askElectionFields(c, &m)
		return numAskElection
	case replication.NewTerm:
		newTermFields(c, &m)
		return numNewTerm
	case replication.NewTermReply:
		newTermReplyFields(c, &m)
		return numNewTermReply
	case replication.BecomeLeader:
		becomeLeaderFields(c, &m)
		return numBecomeLeader
	case replication.BecomeLeaderReply:
		becomeLeaderReplyFields(c, &m)
		return numBecomeLeaderReply
	case replication.AddFollower:
		addFollowerFields(c, &m)
		return numAddFollower
	case replication.Assign:
		assignFields(c, &m)
		return numAssign
	case replication.Quarantine:
		quarantineFields(c, &m)
		return numQuarantine
	}
	return visitChange(c, m)
}

func visitChange(c *coder, m replication.Message) fieldNumber {
	switch m := m.(type) {
	case replication.CompleteChange:
		completeChangeFields(c, &m)
		return numCompleteChange
	case replication.ChangeCompleted:
		changeCompletedFields(c, &m)
		return numChangeCompleted
	case replication.CreateReplica:
		createReplicaFields(c, &m)
		return numCreateReplica
	case replication.ReplicaCreated:
		replicaCreatedFields(c, &m)
		return numReplicaCreated
	case replication.DeleteReplica:
		deleteReplicaFields(c, &m)
		return numDeleteReplica
	case replication.ReplicaDeleted:
		replicaDeletedFields(c, &m)
		return numReplicaDeleted
	case replication.NotMember:
		notMemberFields(c, &m)
		return numNotMember
	}
	return 0
}

// The numbers of messages in an envelope.
const (
	numBeat fieldNumber = iota + 4
	numAppend
	numAck
	numConfirm
	numConfirmed
	numForward
	numForwardReply
	numSnapshotChunk
	numSnapshotAck
	numProbe
	numProbeReply
	numMismatch
	numHigherTerm
	numAskElection
	numNewTerm
	numNewTermReply
	numBecomeLeader
	numBecomeLeaderReply
	numAddFollower
	numAssign
	numQuarantine
	numCompleteChange
	numChangeCompleted
	numCreateReplica
	numReplicaCreated
	numDeleteReplica
	numReplicaDeleted
	numNotMember
	numEnd
)

// readers read the body of a message, by its number.
var readers = [numEnd]func(*coder) replication.Message{
	numBeat:              reader(beatFields),
	numAppend:            readAppend,
	numAck:               reader(ackFields),
	numConfirm:           reader(confirmFields),
	numConfirmed:         reader(confirmedFields),
	numForward:           reader(forwardFields),
	numForwardReply:      reader(forwardReplyFields),
	numSnapshotChunk:     reader(snapshotChunkFields),
	numSnapshotAck:       reader(snapshotAckFields),
	numProbe:             reader(probeFields),
	numProbeReply:        reader(probeReplyFields),
	numMismatch:          reader(mismatchFields),
	numHigherTerm:        reader(higherTermFields),
	numAskElection:       reader(askElectionFields),
	numNewTerm:           reader(newTermFields),
	numNewTermReply:      reader(newTermReplyFields),
	numBecomeLeader:      reader(becomeLeaderFields),
	numBecomeLeaderReply: reader(becomeLeaderReplyFields),
	numAddFollower:       reader(addFollowerFields),
	numAssign:            reader(assignFields),
	numQuarantine:        reader(quarantineFields),
	numCompleteChange:    reader(completeChangeFields),
	numChangeCompleted:   reader(changeCompletedFields),
	numCreateReplica:     reader(createReplicaFields),
	numReplicaCreated:    reader(replicaCreatedFields),
	numDeleteReplica:     reader(deleteReplicaFields),
	numReplicaDeleted:    reader(replicaDeletedFields),
	numNotMember:         reader(notMemberFields),
}

func reader[M replication.Message](fields func(*coder, *M)) func(*coder) replication.Message {
	return func(c *coder) replication.Message {
		var m M
		for c.next() {
			fields(c, &m)
		}
		return m
	}
}

func readAppend(c *coder) replication.Message {
	var m replication.Append
	for c.next() {
		appendFields(c, &m)
	}
	numberEntries(&m)
	return m
}
