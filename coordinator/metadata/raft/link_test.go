package raft

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

func TestOptionsThatAreRefused(t *testing.T) {
	three := []string{"a:1", "b:1", "c:1"}
	for want, o := range map[string]Options{
		"there are 0 bootstrap nodes":                    {Address: "a:1", Dir: "d"},
		"there are 2 bootstrap nodes":                    {Address: "a:1", Dir: "d", Bootstrap: three[:2]},
		`bootstrap node "b": must be host:port`:          {Address: "a:1", Dir: "d", Bootstrap: []string{"a:1", "b", "c:1"}},
		`bootstrap node ":1": must be host:port`:         {Address: "a:1", Dir: "d", Bootstrap: []string{":1"}},
		`bootstrap node "b:1" is named twice`:            {Address: "a:1", Dir: "d", Bootstrap: []string{"a:1", "b:1", "b:1"}},
		`address "x:1" is not among the bootstrap nodes`: {Address: "x:1", Dir: "d", Bootstrap: three},
		"the Raft directory has no name":                 {Address: "a:1", Bootstrap: three},
		"free it":                                        {Address: "a:1", Dir: "d", Bootstrap: three, Bind: "256.0.0.1:1"},
	} {
		o.fs = vfs.NewMem()
		m, err := Open(o)
		if err == nil {
			_ = m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// told gathers what is logged.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *told) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *told) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// Members that were told different bootstrap nodes say so, both, and form nothing; once
// they were told the same, they do.
func TestBootstrapNodesHaveToAgree(t *testing.T) {
	addresses := freeAddresses(t, 4)
	c := &cluster{t: t}
	logs := map[string]*told{}
	for i, address := range addresses[:3] {
		nodes := addresses[:3]
		if i == 2 {
			nodes = addresses[1:]
		}
		c.members = append(c.members, &node{c: c, address: address, nodes: nodes, fs: vfs.NewCrashableMem(), conns: map[net.Conn]bool{}})
	}
	for _, n := range c.members {
		o := n.options()
		logs[n.address] = &told{}
		o.Logger = slog.New(slog.NewTextHandler(logs[n.address], nil))
		m, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		n.Member = m
		t.Cleanup(n.close)
	}
	for _, address := range addresses[1:3] {
		eventually(t, "complaint of "+address, func() bool { return logs[address].has("tell all members the same") })
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.members[0].List(short, ""); err == nil || !strings.Contains(err.Error(), "has not formed yet") {
		t.Errorf("it answers, or does not say why not: %v", err)
	}
	wrong := c.members[2]
	wrong.close()
	wrong.nodes = addresses[:3]
	wrong.start()
	c.put(wrong, "x", value(1), 0)
	// From then on the directory knows them.
	wrong.close()
	wrong.nodes = addresses[1:]
	if m, err := Open(wrong.options()); err == nil || !strings.Contains(err.Error(), "name those who formed the cluster") {
		t.Errorf("opened with other bootstrap nodes: %v", err)
		if err == nil {
			_ = m.Close()
		}
	}
}

// Two clusters whose members were told each other's addresses stay two.
func TestForeignMembersAreRefused(t *testing.T) {
	c := newCluster(t, 3)
	c.put(c.leader(), "x", value(1), 0)
	n := c.follower()
	other := &cluster{t: t}
	// It was alone in a cluster of its own, at the same address.
	n.close()
	own := n.fs
	lone := &node{c: other, address: n.address, nodes: []string{n.address}, fs: vfs.NewCrashableMem(), conns: map[net.Conn]bool{}}
	lone.start()
	other.put(lone, "x", value(7), 0)
	// Nobody is taken in who is in a cluster, whatever the others are told.
	if err := n.c.leader().Update(c.ctx(), []metadata.Change{{Key: "x", Value: value(2), Version: 1}})[0]; err != nil {
		t.Error(err)
	}
	other.want(lone, "x", value(7), 1)
	lone.close()
	n.fs = own
	n.start()
	c.want(n, "x", value(2), 2)
}

func call(t *testing.T, n *node) api.RaftPeerClient {
	t.Helper()
	conn, err := grpc.NewClient(n.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return api.NewRaftPeerClient(conn)
}

// Who does not say that it is a member of this cluster, and means this member, is not
// listened to; nor who says what members do not say.
func TestStrangersAreNotListenedTo(t *testing.T) {
	c := newCluster(t, 3)
	leader := c.leader()
	n := c.follower()
	own, sender := n.identity.Load(), leader.identity.Load().Member
	client := call(t, n)
	good := &api.RaftGreeting{Cluster: own.Cluster, From: sender, To: own.Member}
	encoded := func(m *pb.Message) []byte {
		text, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	heartbeat := encoded(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(sender), To: new(own.Member)})
	for name, one := range map[string]struct {
		ctx     context.Context
		message []byte
		want    codes.Code
	}{
		"nobody":          {t.Context(), heartbeat, codes.InvalidArgument},
		"no greeting":     {outgoing(t.Context(), &api.RaftGreeting{}), heartbeat, codes.InvalidArgument},
		"another cluster": {outgoing(t.Context(), &api.RaftGreeting{Cluster: 1, From: sender, To: own.Member}), heartbeat, codes.FailedPrecondition},
		"another member":  {outgoing(t.Context(), &api.RaftGreeting{Cluster: own.Cluster, From: sender, To: 1}), heartbeat, codes.FailedPrecondition},
		"itself":          {outgoing(t.Context(), &api.RaftGreeting{Cluster: own.Cluster, From: own.Member, To: own.Member}), heartbeat, codes.InvalidArgument},
		"garbage":         {outgoing(t.Context(), good), []byte("garbage"), codes.InvalidArgument},
		"a local message": {outgoing(t.Context(), good), encoded(&pb.Message{Type: pb.MsgHup.Enum(), From: new(sender), To: new(own.Member)}), codes.InvalidArgument},
		"another's word":  {outgoing(t.Context(), good), encoded(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(uint64(3)), To: new(own.Member)}), codes.InvalidArgument},
		"a snapshot":      {outgoing(t.Context(), good), encoded(&pb.Message{Type: pb.MsgSnap.Enum(), From: new(sender), To: new(own.Member)}), codes.InvalidArgument},
		"a long message":  {outgoing(t.Context(), good), make([]byte, maxFrameBytes+1), codes.ResourceExhausted},
	} {
		stream, err := client.Messages(one.ctx)
		if err == nil {
			// The stream may have ended before.
			if err = stream.Send(&api.RaftMessages{Messages: [][]byte{one.message}}); err == nil || errors.Is(err, io.EOF) {
				err = stream.RecvMsg(&api.RaftDone{})
			}
		}
		if status.Code(err) != one.want {
			t.Errorf("%s: %v, want %v", name, err, one.want)
		}
	}
	// A snapshot that was damaged on its way.
	data, err := leader.state.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	snapshot := snapshotAt(1000, 1, &pb.ConfState{Voters: []uint64{1}})
	snapshot.Data = data
	stream, err := client.Snapshot(outgoing(t.Context(), good))
	if err == nil {
		err = stream.Send(&api.RaftPart{Data: encoded(&pb.Message{Type: pb.MsgSnap.Enum(), From: new(sender), To: new(own.Member), Snapshot: snapshot})})
	}
	if err == nil {
		_, err = stream.CloseAndRecv()
	}
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a damaged snapshot: %v", err)
	}
	c.put(n, "x", value(1), 0)
}

// A connection on which nothing is said is closed.
func TestSilentConnectionsAreClosed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := newCluster(t, 1)
	conn, err := net.Dial("tcp", c.members[0].address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("it was not closed: %v", err)
	}
}

func FuzzDecodeGreeting(f *testing.F) {
	encoded, err := proto.Marshal(&api.RaftGreeting{Cluster: 1, From: 2, To: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if g, err := decodeGreeting(encoded); err == nil && (g.Cluster == 0 || g.From == g.To || !isMember(g.From)) {
			t.Errorf("accepted %v", g)
		}
	})
}

// Whatever bytes a link brings, what is taken of them is a message that members send.
func FuzzMessage(f *testing.F) {
	g := &api.RaftGreeting{Cluster: 1, From: 2, To: 3}
	for _, message := range []*pb.Message{
		{Type: pb.MsgHeartbeat.Enum(), Term: new(uint64(2)), Commit: new(uint64(9))},
		{Type: pb.MsgApp.Enum(), Term: new(uint64(2)), Index: new(uint64(1)), LogTerm: new(uint64(1)), Entries: []*pb.Entry{{Index: new(uint64(2)), Term: new(uint64(2))}}},
		{Type: pb.MsgVote.Enum(), Term: new(uint64(3)), Index: new(uint64(1)), LogTerm: new(uint64(1))},
	} {
		message.From, message.To = new(g.From), new(g.To)
		encoded, err := proto.Marshal(message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		message, err := decodeMessage(encoded, g, isForMembers)
		if err == nil && (message.GetFrom() != g.From || message.GetTo() != g.To || !isForMembers(message.GetType())) {
			t.Errorf("accepted %v", message)
		}
	})
}

// A message that could not be, of a member that lies or is broken, ends the member with
// a reason, and not the process.
func TestImpossibleMessageEndsTheMember(t *testing.T) {
	c := newCluster(t, 3)
	n := c.follower()
	members, _ := n.state.Members()
	var sender uint64
	for id := range members {
		if id != n.identity.Load().Member {
			sender = id
		}
	}
	self := n.identity.Load().Member
	snapshot := snapshotAt(1000, 100, &pb.ConfState{Voters: []uint64{self, sender}, Learners: []uint64{sender}})
	data, err := n.state.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	snapshot.Data = data
	n.inbox <- &pb.Message{Type: pb.MsgSnap.Enum(), From: new(sender), To: new(self), Term: new(uint64(100)), Snapshot: snapshot}
	eventually(t, "end of the member", func() bool {
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := n.Read(short, []string{"x"})
		return err != nil && strings.Contains(err.Error(), "the Raft library cannot go on")
	})
}
