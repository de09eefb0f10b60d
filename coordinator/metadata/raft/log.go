package raft

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// log is the log in memory, as far as it is durable, and how far it is applied. The
// library reads it. It is the loop's.
type log struct {
	*raft.MemoryStorage
	state   *state.State
	hard    *pb.HardState
	applied uint64
	// term is that of the entry applied last.
	term uint64
	// removed is the last entry that is not in the log any more.
	removed, removedTerm uint64
	configuration        *pb.ConfState
	// bytes is how much the log has, about.
	bytes int
	// keepEntries and keepBytes are how much is kept when it is trimmed.
	keepEntries, keepBytes int
}

// openLog returns the log of a directory, which keeps that much when it is trimmed.
func openLog(c *disk.Content, keepEntries, keepBytes int) (*log, error) {
	l := &log{
		MemoryStorage: raft.NewMemoryStorage(), state: c.State, hard: c.HardState,
		applied: c.Applied.Index, term: c.Applied.Term, removed: c.Applied.RemovedIndex, removedTerm: c.Applied.RemovedTerm,
		configuration: &pb.ConfState{}, keepEntries: keepEntries, keepBytes: keepBytes,
	}
	if err := proto.Unmarshal(c.Applied.Configuration, l.configuration); err != nil {
		return nil, fmt.Errorf("read who the members are: %w", err)
	}
	// What is applied was committed, whether or not that was written down.
	l.hard.Commit = new(max(l.hard.GetCommit(), l.applied))
	if l.removed > 0 {
		if err := l.ApplySnapshot(snapshotAt(l.removed, l.removedTerm, l.configuration)); err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
	}
	return l, l.add(c.Entries)
}

func snapshotAt(index, term uint64, configuration *pb.ConfState) *pb.Snapshot {
	return &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: new(index), Term: new(term), ConfState: configuration}}
}

// add takes entries that are durable.
func (l *log) add(entries []*pb.Entry) error {
	for _, e := range entries {
		l.bytes += len(e.GetData())
	}
	if err := l.Append(entries); err != nil {
		return fmt.Errorf("add to the log: %w", err)
	}
	return nil
}

// install puts a snapshot in the place of the log.
func (l *log) install(s *pb.Snapshot) error {
	meta := s.GetMetadata()
	if err := l.ApplySnapshot(snapshotAt(meta.GetIndex(), meta.GetTerm(), meta.GetConfState())); err != nil {
		return fmt.Errorf("install a snapshot: %w", err)
	}
	l.applied, l.term, l.removed, l.removedTerm = meta.GetIndex(), meta.GetTerm(), meta.GetIndex(), meta.GetTerm()
	l.configuration, l.bytes = meta.GetConfState(), 0
	return nil
}

// trim lets go of entries that nobody needs but members that lag, if there are many.
func (l *log) trim() error {
	entries := l.applied - l.removed
	if entries <= 2*uint64(l.keepEntries) && (l.bytes <= 2*l.keepBytes || entries < 2) {
		return nil
	}
	all, err := l.Entries(l.removed+1, l.applied+1, uint64(2*l.bytes+maxFrameBytes))
	if err != nil {
		return fmt.Errorf("trim the log: %w", err)
	}
	// The newest of the entries that are applied are kept, as far as they fit; at least one.
	kept, size := 1, len(all[len(all)-1].GetData())
	for kept < min(len(all)-1, l.keepEntries) {
		next := len(all[len(all)-1-kept].GetData())
		if size+next > l.keepBytes {
			break
		}
		kept, size = kept+1, size+next
	}
	gone := all[:len(all)-kept]
	for _, e := range gone {
		l.bytes -= len(e.GetData())
	}
	last := gone[len(gone)-1]
	l.removed, l.removedTerm = last.GetIndex(), last.GetTerm()
	if err := l.Compact(l.removed); err != nil {
		return fmt.Errorf("trim the log: %w", err)
	}
	return nil
}

// text is how far the log is applied, as the directory keeps it.
func (l *log) text() (*api.RaftApplied, error) {
	configuration, err := proto.Marshal(l.configuration)
	if err != nil {
		return nil, fmt.Errorf("encode who the members are: %w", err)
	}
	members, since := l.state.Members()
	return &api.RaftApplied{
		Index: l.applied, Term: l.term, Configuration: configuration,
		RemovedIndex: l.removed, RemovedTerm: l.removedTerm, Members: state.EncodeMembers(members), Since: since,
	}, nil
}

// InitialState implements raft.Storage.
func (l *log) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return l.hard, pb.EnsureConfState(proto.CloneOf(l.configuration)), nil
}

// Snapshot implements raft.Storage: it is made when it is needed, of the state as it is.
func (l *log) Snapshot() (*pb.Snapshot, error) {
	data, err := l.state.Snapshot()
	if err != nil {
		return nil, err
	}
	s := snapshotAt(l.applied, l.term, pb.EnsureConfState(proto.CloneOf(l.configuration)))
	s.Data = data
	return s, nil
}
