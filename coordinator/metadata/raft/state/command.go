package state

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// formatVersion is the meaning of commands and of states. Another meaning is another
// version: members of two releases apply the same commands, to the same state.
const formatVersion = 1

// Lane is one sequence of a member's commands.
type Lane struct {
	Member uint64
	Number uint32
}

// Stamp tells a command from all others of its lane, and which comes later.
type Stamp struct {
	// Run is the run of the member's process; runs ascend.
	Run uint64
	// Sequence ascends within a run, from 1.
	Sequence uint64
}

// After reports whether a command with this stamp comes later than one with the other.
func (s Stamp) After(other Stamp) bool {
	return s.Run > other.Run || s.Run == other.Run && s.Sequence > other.Sequence
}

// EncodeChanges returns the entry of the log that makes changes.
func EncodeChanges(lane Lane, stamp Stamp, changes []metadata.Change) ([]byte, error) {
	command := begin(lane, stamp)
	for _, c := range changes {
		command.Changes = append(command.Changes, &api.RaftChange{Key: c.Key, Value: c.Value, Version: c.Version})
	}
	return proto.Marshal(command)
}

// EncodeLease returns the entry of the log that changes the lease.
func EncodeLease(lane Lane, stamp Stamp, lease metadata.Lease, version int64) ([]byte, error) {
	command := begin(lane, stamp)
	command.Lease = &api.RaftLeaseChange{Lease: leaseText(lease), Version: version}
	return proto.Marshal(command)
}

func begin(lane Lane, stamp Stamp) *api.RaftCommand {
	return &api.RaftCommand{
		Format: formatVersion, Member: lane.Member, Lane: lane.Number, Run: stamp.Run, Sequence: stamp.Sequence,
	}
}

func leaseText(l metadata.Lease) *api.RaftLease {
	return &api.RaftLease{Holder: l.Holder, Address: l.Address, Run: l.Run, Beat: l.Beat, Released: l.Released}
}

func leaseOf(l *api.RaftLease) metadata.Lease {
	return metadata.Lease{
		Holder: l.GetHolder(), Address: l.GetAddress(), Run: l.GetRun(), Beat: l.GetBeat(), Released: l.GetReleased(),
	}
}

// Decode reads an entry of the log. An error says that this release cannot know what
// the others take it to mean: who gets one must stop.
func Decode(data []byte) (*api.RaftCommand, error) {
	command := &api.RaftCommand{}
	if err := proto.Unmarshal(data, command); err != nil {
		return nil, fmt.Errorf("read a command: %w", err)
	}
	if command.Format != formatVersion {
		return nil, fmt.Errorf("read a command of format %d: this release knows %d; use the release that wrote it, or a later one",
			command.Format, formatVersion)
	}
	return command, nil
}
