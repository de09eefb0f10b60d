package raft

import (
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// apply applies committed entries, and lets the disk follow: it need not be durable, as
// the log is.
func (l *loop) apply(m *pb.Message) {
	var rows []disk.Row
	for _, entry := range m.GetEntries() {
		more, err := l.applyEntry(entry)
		if err != nil {
			l.check(fmt.Errorf("apply entry %d: %w", entry.GetIndex(), err))
			return
		}
		rows = append(rows, more...)
		l.log.applied, l.log.term = entry.GetIndex(), entry.GetTerm()
	}
	l.settle()
	l.check(l.log.trim())
	text, err := l.log.text()
	l.check(err)
	l.writer.put(write{to: disk.Write{Rows: rows, Applied: text}})
	l.deliver(m.GetResponses())
}

func (l *loop) applyEntry(entry *pb.Entry) ([]disk.Row, error) {
	switch entry.GetType() {
	case pb.EntryNormal:
		if len(entry.GetData()) == 0 {
			return nil, nil // a leader began
		}
		command, err := state.Decode(entry.GetData())
		if err != nil {
			return nil, err
		}
		return l.rowsOf(l.log.state.Apply(command))
	case pb.EntryConfChangeV2:
		change := &pb.ConfChangeV2{}
		if err := proto.Unmarshal(entry.GetData(), change); err != nil {
			return nil, fmt.Errorf("read a change of the members: %w", err)
		}
		return l.applyMembers(entry.GetIndex(), change)
	default:
		return nil, fmt.Errorf("it is of kind %v, which this release does not write: use the release that wrote it, or a later one", entry.GetType())
	}
}

func (l *loop) rowsOf(e state.Effects) ([]disk.Row, error) {
	if !e.Applied {
		return nil, nil
	}
	rows := make([]disk.Row, 0, len(e.Keys)+2)
	for _, key := range e.Keys {
		rows = append(rows, disk.DocumentRow(key, l.log.state.Document(key)))
	}
	if e.Lease {
		row, err := disk.LeaseRow(l.log.state.Lease())
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		l.m.tellChanged()
	}
	row, err := disk.OutcomeRow(e.Of, l.log.state.Outcome(e.Of))
	return append(rows, row), err
}

// applyMembers changes who the members are. A change without changes ends the time in
// which the former and the new members decide together.
func (l *loop) applyMembers(index uint64, change *pb.ConfChangeV2) ([]disk.Row, error) {
	l.log.configuration = l.node.ApplyConfChange(change)
	if len(change.GetChanges()) == 0 {
		return nil, nil
	}
	added := &api.RaftMember{}
	if err := proto.Unmarshal(change.GetContext(), added); err != nil {
		return nil, fmt.Errorf("read who the new member is: %w", err)
	}
	members, _ := l.log.state.Members()
	for _, one := range change.GetChanges() {
		if one.GetType() == pb.ConfChangeRemoveNode {
			delete(members, one.GetNodeId())
		} else {
			members[one.GetNodeId()] = added.Address
		}
	}
	var rows []disk.Row
	for _, lane := range l.log.state.SetMembers(members, index) {
		rows = append(rows, disk.NoOutcomeRow(lane))
	}
	l.m.options.Logger.Warn("the metadata store has another member at an address", "address", added.Address, "member", fmt.Sprintf("%x", added.Member))
	l.settleMembers()
	return rows, nil
}

// settleMembers lets messages go to those who are members now.
func (l *loop) settleMembers() {
	members, _ := l.log.state.Members()
	for id, address := range members {
		if p := l.m.peers[address]; p != nil {
			p.member.Store(id)
		}
	}
}
