package maelstrom

import (
	"reflect"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/wellformed"
)

// messageKind is a type of message: its name on the wire, and its decoder.
type messageKind struct {
	name   string
	of     reflect.Type
	decode func([]byte) (replication.Message, error)
}

// messageKinds are all that the core sends, in the order of its rules.
var messageKinds = []messageKind{
	kindOf[replication.Probe]("probe"),
	kindOf[replication.ProbeReply]("probe_reply"),
	kindOf[replication.AskElection]("ask_election"),
	kindOf[replication.NewTerm]("new_term"),
	kindOf[replication.NewTermReply]("new_term_reply"),
	kindOf[replication.BecomeLeader]("become_leader"),
	kindOf[replication.BecomeLeaderReply]("become_leader_reply"),
	kindOf[replication.AddFollower]("add_follower"),
	kindOf[replication.Assign]("assign"),
	kindOf[replication.Append]("append"),
	kindOf[replication.Ack]("ack"),
	kindOf[replication.Mismatch]("mismatch"),
	kindOf[replication.Quarantine]("quarantine"),
	kindOf[replication.HigherTerm]("higher_term"),
	kindOf[replication.Confirm]("confirm"),
	kindOf[replication.Confirmed]("confirmed"),
	kindOf[replication.Forward]("forward"),
	kindOf[replication.ForwardReply]("forward_reply"),
	kindOf[replication.CompleteChange]("complete_change"),
	kindOf[replication.ChangeCompleted]("change_completed"),
	kindOf[replication.CreateReplica]("create_replica"),
	kindOf[replication.ReplicaCreated]("replica_created"),
	kindOf[replication.DeleteReplica]("delete_replica"),
	kindOf[replication.ReplicaDeleted]("replica_deleted"),
	kindOf[replication.NotMember]("not_member"),
	kindOf[replication.SnapshotChunk]("snapshot_chunk"),
	kindOf[replication.SnapshotAck]("snapshot_ack"),
	kindOf[replication.Beat]("beat"),
}

var (
	kindsByName = map[string]messageKind{}
	kindsByType = map[reflect.Type]messageKind{}
)

func init() {
	for _, k := range messageKinds {
		kindsByName[k.name], kindsByType[k.of] = k, k
	}
}

// kindOf makes the table's row for a type of message.
func kindOf[M replication.Message](name string) messageKind {
	return messageKind{name: name, of: reflect.TypeFor[M](), decode: func(b []byte) (replication.Message, error) {
		var m M
		if err := decodeStrictly(b, &m); err != nil {
			return nil, err
		}
		if err := wellformed.Message(m); err != nil {
			return nil, err
		}
		return m, nil
	}}
}
