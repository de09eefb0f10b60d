package raft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// greetingKey is where in metadata who opens a stream says who it is.
const greetingKey = "ostraka-raft-bin"

func outgoing(ctx context.Context, g *api.RaftGreeting) context.Context {
	encoded, err := proto.Marshal(g)
	if err != nil {
		panic(err) // three numbers
	}
	return metadata.AppendToOutgoingContext(ctx, greetingKey, string(encoded))
}

// serve listens, and answers the other members until the member closes.
func (m *Member) serve() error {
	listener, err := net.Listen("tcp", m.options.Bind)
	if err != nil {
		return fmt.Errorf("listen for the other members of the metadata store: %w; name the address of this machine, or free it", err)
	}
	options := []grpc.ServerOption{
		grpc.ConnectionTimeout(handshakeWithin),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxRecvMsgSize(maxFrameBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingLeast, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: idleConnection, Timeout: pingWithin}),
	}
	if m.options.ServerCredentials != nil {
		options = append(options, grpc.Creds(m.options.ServerCredentials))
	}
	m.server = grpc.NewServer(options...)
	api.RegisterRaftPeerServer(m.server, service{m: m})
	m.running.Go(func() {
		if err := m.server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			m.fail(fmt.Errorf("serve the other members of the metadata store: %w", err))
		}
	})
	return nil
}

// service is what other members call.
type service struct {
	api.UnimplementedRaftPeerServer
	m *Member
}

// Meet implements api.RaftPeerServer.
func (s service) Meet(ctx context.Context, said *api.RaftMeeting) (*api.RaftMeeting, error) {
	if !s.m.options.alive() {
		return nil, status.Error(codes.Unavailable, "killed")
	}
	if err := s.m.acceptable(said); err != nil {
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	s.m.tell(ctx, greeted{meeting: said})
	signal(s.m.peers[said.Address].hopeful) // it is there, and acceptable: one of the others
	return s.m.meeting(), nil
}

// greetedBy says who opens a stream, if that is a member and means this one.
func (s service) greetedBy(ctx context.Context) (*api.RaftGreeting, error) {
	values := metadata.ValueFromIncomingContext(ctx, greetingKey)
	if len(values) != 1 {
		return nil, status.Error(codes.InvalidArgument, "there is no greeting: is this a coordinator of Ostraka?")
	}
	g, err := decodeGreeting([]byte(values[0]))
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	own := s.m.identity.Load()
	if own.Cluster == 0 || g.Cluster != own.Cluster || g.To != own.Member {
		return nil, status.Errorf(codes.FailedPrecondition, "this is member %x of cluster %x, and not %x of %x",
			own.Member, own.Cluster, g.To, g.Cluster)
	}
	return g, nil
}

func decodeGreeting(encoded []byte) (*api.RaftGreeting, error) {
	g := &api.RaftGreeting{}
	if err := proto.Unmarshal(encoded, g); err != nil {
		return nil, fmt.Errorf("read a greeting: %w", err)
	}
	if g.Cluster == 0 || !isMember(g.From) || !isMember(g.To) || g.From == g.To {
		return nil, fmt.Errorf("a greeting of member %x of cluster %x to %x", g.From, g.Cluster, g.To)
	}
	return g, nil
}

// Messages implements api.RaftPeerServer.
func (s service) Messages(stream grpc.ClientStreamingServer[api.RaftMessages, api.RaftDone]) error {
	g, err := s.greetedBy(stream.Context())
	if err != nil {
		return err
	}
	for {
		frame, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&api.RaftDone{})
		}
		if err != nil {
			return err
		}
		for _, encoded := range frame.Messages {
			message, err := decodeMessage(encoded, g, isForMembers)
			if err != nil {
				return status.Error(codes.InvalidArgument, err.Error())
			}
			if err := s.take(stream.Context(), message); err != nil {
				return err
			}
		}
	}
}

// take gives a message to the loop.
func (s service) take(ctx context.Context, message *pb.Message) error {
	if !s.m.options.alive() {
		return nil
	}
	select {
	case s.m.inbox <- message:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.m.over:
		return status.Error(codes.Unavailable, "this member has stopped")
	}
}

// decodeMessage reads a message of the library, which has to be of whom it came from,
// for this member, and of a type that is allowed there.
func decodeMessage(encoded []byte, g *api.RaftGreeting, allowed func(pb.MessageType) bool) (*pb.Message, error) {
	message := &pb.Message{}
	if err := proto.Unmarshal(encoded, message); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	if message.GetFrom() != g.From || message.GetTo() != g.To || !allowed(message.GetType()) {
		return nil, fmt.Errorf("a message of type %v from member %x to %x, on a link from %x to %x",
			message.GetType(), message.GetFrom(), message.GetTo(), g.From, g.To)
	}
	for i, entry := range message.Entries {
		if entry == nil || message.GetType() == pb.MsgApp && entry.GetIndex() != message.GetIndex()+uint64(i)+1 {
			return nil, fmt.Errorf("a message from member %x with entries that do not follow each other", g.From)
		}
	}
	return message, nil
}

// Snapshot implements api.RaftPeerServer.
func (s service) Snapshot(stream grpc.ClientStreamingServer[api.RaftPart, api.RaftDone]) error {
	g, err := s.greetedBy(stream.Context())
	if err != nil {
		return err
	}
	var encoded []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(encoded)+len(part.Data) > maxSnapshotBytes {
			return status.Errorf(codes.ResourceExhausted, "a snapshot of more than %d bytes", maxSnapshotBytes)
		}
		encoded = append(encoded, part.Data...)
	}
	message, err := decodeMessage(encoded, g, func(t pb.MessageType) bool { return t == pb.MsgSnap })
	if err == nil {
		_, err = state.DecodeSnapshot(message.GetSnapshot().GetData())
	}
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if err := s.take(stream.Context(), message); err != nil {
		return err
	}
	return stream.SendAndClose(&api.RaftDone{})
}
