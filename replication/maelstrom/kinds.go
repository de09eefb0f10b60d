package maelstrom

import (
	"reflect"

	"github.com/ostraka-db/ostraka/replication"
)

// messageKind is a type of message: its name on the wire, and its decoder.
type messageKind struct {
	name   string
	of     reflect.Type
	decode func([]byte) (replication.Message, error)
}

// messageKinds are all that the core sends, in the order of its rules.
var messageKinds = []messageKind{
	kindOf("probe", unchecked[replication.Probe]),
	kindOf("probe_reply", checkProbeReply),
	kindOf("ask_election", unchecked[replication.AskElection]),
	kindOf("new_term", unchecked[replication.NewTerm]),
	kindOf("new_term_reply", checkNewTermReply),
	kindOf("become_leader", unchecked[replication.BecomeLeader]),
	kindOf("become_leader_reply", checkBecomeLeaderReply),
	kindOf("add_follower", unchecked[replication.AddFollower]),
	kindOf("assign", checkAssign),
	kindOf("append", checkAppend),
	kindOf("ack", unchecked[replication.Ack]),
	kindOf("mismatch", unchecked[replication.Mismatch]),
	kindOf("higher_term", unchecked[replication.HigherTerm]),
	kindOf("confirm", unchecked[replication.Confirm]),
	kindOf("confirmed", unchecked[replication.Confirmed]),
	kindOf("forward", checkForward),
	kindOf("forward_reply", checkForwardReply),
	kindOf("create_replica", unchecked[replication.CreateReplica]),
	kindOf("replica_created", checkReplicaCreated),
	kindOf("delete_replica", unchecked[replication.DeleteReplica]),
	kindOf("replica_deleted", unchecked[replication.ReplicaDeleted]),
	kindOf("not_member", unchecked[replication.NotMember]),
	kindOf("snapshot_chunk", unchecked[replication.SnapshotChunk]),
	kindOf("snapshot_ack", unchecked[replication.SnapshotAck]),
	kindOf("beat", unchecked[replication.Beat]),
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
func kindOf[M replication.Message](name string, check func(M) error) messageKind {
	return messageKind{name: name, of: reflect.TypeFor[M](), decode: func(b []byte) (replication.Message, error) {
		var m M
		if err := decodeStrictly(b, &m); err != nil {
			return nil, err
		}
		if err := check(m); err != nil {
			return nil, err
		}
		return m, nil
	}}
}

// unchecked is for types of which every value is well-formed.
func unchecked[M replication.Message](M) error { return nil }
