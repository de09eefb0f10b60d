package raft

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// event is what links tell the loop of.
type event interface{ happen(l *loop) }

// unreachable says that what was sent to a member may be lost.
type unreachable struct{ member uint64 }

func (e unreachable) happen(l *loop) { l.node.ReportUnreachable(e.member) }

// snapshotSent says what became of a snapshot.
type snapshotSent struct {
	member uint64
	taken  bool
}

func (e snapshotSent) happen(l *loop) {
	status := raft.SnapshotFailure
	if e.taken {
		status = raft.SnapshotFinish
	}
	l.node.ReportSnapshot(e.member, status)
}

// hurry is on while there is reason to believe that nobody leads: the member has just
// begun, or the process of the leader has ended.
type hurry struct {
	on bool
	// without is the leader whose process has ended, if that is the reason.
	without uint64
	ticks   int
}

// refused says that the machine at a member's address refuses connections.
type refused struct{ member uint64 }

// happen lets go of a leader that is gone, so that this member grants others its vote at
// once, and may ask for theirs.
func (e refused) happen(l *loop) {
	if e.member == raft.None || e.member != l.node.BasicStatus().Lead {
		return
	}
	l.m.options.Logger.Info("the process of the member that leads the metadata store has ended", "member", fmt.Sprintf("%x", e.member))
	l.check(l.node.ForgetLeader())
	l.hurry = hurry{on: true, without: e.member}
	l.campaign()
}

// hurryOn asks for votes without waiting for the time that a leader may be silent. The
// members do so in turns, in the order of their ids, so that they do not get into each
// other's way; each asks at two ticks, since not all are in a hurry from the same
// moment. Members that hear a leader do not listen.
func (l *loop) hurryOn() {
	if !l.hurry.on {
		return
	}
	if l.hurry.ticks++; l.hurry.ticks >= hurryTicks {
		l.hurry = hurry{}
		return
	}
	l.campaign()
}

func (l *loop) campaign() {
	voters := slices.Sorted(slices.Values(l.log.configuration.GetVoters()))
	voters = slices.DeleteFunc(voters, func(id uint64) bool { return id == l.hurry.without })
	turn := slices.Index(voters, l.self)
	if turn >= 0 && l.hurry.ticks/2%len(voters) == turn {
		l.check(l.node.Campaign())
	}
}

// greeted says who answered at an address.
type greeted struct {
	meeting *api.RaftMeeting
	// dialed says that this member called that address, so that who answered is who is
	// there. Otherwise it was called, by somebody who says so.
	dialed bool
}

// happen has the former member of an address replaced, if a new one is there now; and
// ends this member, if it was replaced itself.
func (e greeted) happen(l *loop) {
	members, since := l.log.state.Members()
	if e.meeting.Cluster != 0 {
		if e.dialed && e.meeting.Since > since && !slices.ContainsFunc(e.meeting.Members, l.isSelf) {
			l.check(l.m.errReplaced())
		}
		return
	}
	if !e.dialed || l.node.BasicStatus().RaftState != raft.StateLeader || l.sinceReplace < replaceTicks {
		return
	}
	for id, address := range members {
		if address == e.meeting.Address && id != e.meeting.Member && id != l.self && members[e.meeting.Member] == "" {
			l.sinceReplace = 0
			l.replace(id, &api.RaftMember{Member: e.meeting.Member, Address: address})
		}
	}
}

func (l *loop) isSelf(one *api.RaftMember) bool { return one.Member == l.self }

// replace proposes that a member be replaced by another at the same address, which is
// empty and remembers nothing. Until that is settled, most of the members before and
// most of those after decide together. If another such change is under way, the library
// drops this one.
func (l *loop) replace(gone uint64, by *api.RaftMember) {
	context, err := proto.Marshal(by)
	if err != nil {
		l.check(err)
		return
	}
	change := &pb.ConfChangeV2{
		Changes: []*pb.ConfChangeSingle{
			{Type: pb.ConfChangeAddNode.Enum(), NodeId: new(by.Member)},
			{Type: pb.ConfChangeRemoveNode.Enum(), NodeId: new(gone)},
		},
		Context: context,
	}
	if err := l.node.ProposeConfChange(change); err != nil {
		l.m.options.Logger.Warn("a member that came back without its directory cannot be taken in yet", "address", by.Address, "error", err)
	}
}
