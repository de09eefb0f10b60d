package raft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// peer is the way to the member at an address.
type peer struct {
	m       *Member
	address string
	// member is who is there: who was met last, or is a member since; 0 at first.
	member atomic.Uint64
	wake   chan struct{}
	// hopeful has a signal when a link is likelier to come about than it was.
	hopeful chan struct{}
	// complained is the last failure that was logged.
	complained string
	sending    atomic.Bool // a snapshot is under way

	mu sync.Mutex // guards what follows
	// linked says that what is sent has a way to go.
	linked  bool
	waiting [][]byte
	bytes   int
}

func newPeer(m *Member, address string) *peer {
	return &peer{m: m, address: address, wake: make(chan struct{}, 1), hopeful: make(chan struct{}, 1)}
}

// send sends a message to whom it is for, or drops it: Raft sends again.
func (m *Member) send(message *pb.Message) {
	if !m.options.alive() {
		return
	}
	for _, p := range m.peers {
		if p.member.Load() == message.GetTo() {
			p.send(message)
			return
		}
	}
}

func (p *peer) send(message *pb.Message) {
	encoded, err := proto.Marshal(message)
	if err != nil {
		p.m.fail(fmt.Errorf("encode a message: %w", err))
		return
	}
	if message.GetType() == pb.MsgSnap {
		p.sendSnapshot(message.GetTo(), encoded)
		return
	}
	p.mu.Lock()
	fits := p.linked && len(p.waiting) < maxQueued && (p.bytes+len(encoded) <= maxQueuedBytes || p.bytes == 0)
	if fits {
		p.waiting, p.bytes = append(p.waiting, encoded), p.bytes+len(encoded)
	}
	p.mu.Unlock()
	if fits {
		signal(p.wake)
	}
}

// take returns what waits, one frame after the other.
func (p *peer) take() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, size := 0, 0
	for n < len(p.waiting) && (n == 0 || size+len(p.waiting[n]) <= messageBytes) {
		size += len(p.waiting[n])
		n++
	}
	taken := p.waiting[:n]
	p.waiting, p.bytes = p.waiting[n:], p.bytes-size
	return taken
}

// link says whether messages are to be kept.
func (p *peer) link(linked bool) {
	p.mu.Lock()
	p.linked, p.waiting, p.bytes = linked, nil, 0
	p.mu.Unlock()
}

// tell gives an event to the loop.
func (m *Member) tell(ctx context.Context, e event) {
	select {
	case m.events <- e:
	case <-ctx.Done():
	case <-m.over:
	}
}

// run links to the address again and again, until the member closes.
func (p *peer) run() {
	wait := backoffLeast
	for p.m.ctx.Err() == nil {
		began := time.Now()
		err := p.linkOnce()
		if p.m.ctx.Err() != nil {
			return
		}
		p.complain(err)
		if errors.Is(err, syscall.ECONNREFUSED) {
			p.m.tell(p.m.ctx, refused{p.member.Load()})
		}
		if time.Since(began) > backoffMost {
			wait = 0 // that it is refused now would be news
		}
		pause := time.NewTimer(wait/2 + rand.N(wait+1))
		select {
		case <-pause.C:
		case <-p.hopeful:
			wait = 0
		case <-p.m.ctx.Done():
		}
		pause.Stop()
		wait = min(max(2*wait, backoffLeast), backoffMost)
	}
}

// complain logs a failure that is another than the last one.
func (p *peer) complain(err error) {
	if text := err.Error(); text != p.complained {
		p.complained = text
		p.m.options.Logger.Warn("no link to a member of the metadata store", "address", p.address, "error", err)
	}
}

var errNotMember = errors.New("it is not in the cluster yet, or this member is not")

// linkOnce makes a link, and returns why it is over.
func (p *peer) linkOnce() error {
	ctx, cancel := context.WithCancel(p.m.ctx)
	defer cancel()
	var failure atomic.Pointer[error]
	conn, err := p.dial(&failure)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing can be done about it
	client := api.NewRaftPeerClient(conn)
	met, err := p.meet(ctx, client)
	if err != nil {
		if cause := failure.Load(); cause != nil {
			return *cause
		}
		return err
	}
	own := p.m.identity.Load()
	if met.Cluster == 0 || met.Cluster != own.Cluster {
		return errNotMember
	}
	stream, err := client.Messages(outgoing(ctx, &api.RaftGreeting{Cluster: own.Cluster, From: own.Member, To: met.Member}))
	if err != nil {
		return err
	}
	p.member.Store(met.Member)
	p.link(true)
	defer p.link(false)
	if p.complained != "" {
		p.complained = ""
		p.m.options.Logger.Info("linked to a member of the metadata store", "address", p.address)
	}
	ended := make(chan error, 1)
	p.m.running.Go(func() {
		_, err := recvDone(stream)
		ended <- err
		cancel()
	})
	err = p.carry(ctx, client, stream, met.Member)
	cancel()
	if reason := <-ended; err == nil || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		err = reason
	}
	p.m.tell(p.m.ctx, unreachable{met.Member})
	return err
}

// recvDone waits for the other end to end the stream.
func recvDone(stream grpc.ClientStreamingClient[api.RaftMessages, api.RaftDone]) (*api.RaftDone, error) {
	done := &api.RaftDone{}
	if err := stream.RecvMsg(done); err != nil {
		return nil, err
	}
	return done, errors.New("the member ended the link")
}

// dial makes a connection, with the first call. Failure comes to be why there is none.
func (p *peer) dial(failure *atomic.Pointer[error]) (*grpc.ClientConn, error) {
	credentials := p.m.options.ClientCredentials
	if credentials == nil {
		credentials = insecure.NewCredentials()
	}
	return grpc.NewClient("passthrough:///"+p.address,
		grpc.WithTransportCredentials(credentials),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := p.m.options.dial(ctx, address)
			if err != nil {
				failure.Store(&err)
			}
			return conn, err
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: idleConnection, Timeout: pingWithin}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxFrameBytes)),
	)
}

// meet finds out who is there, and tells the loop.
func (p *peer) meet(ctx context.Context, client api.RaftPeerClient) (*api.RaftMeeting, error) {
	if !p.m.options.alive() {
		return nil, errors.New("killed")
	}
	meeting, cancel := context.WithTimeout(ctx, meetWithin)
	defer cancel()
	met, err := client.Meet(meeting, p.m.meeting())
	if err != nil {
		return nil, err
	}
	if met.Address != p.address {
		return nil, fmt.Errorf("at %s is the member %q: look at the members' own addresses", p.address, met.Address)
	}
	if err := p.m.acceptable(met); err != nil {
		return nil, err
	}
	p.m.tell(ctx, greeted{meeting: met, dialed: true})
	return met, nil
}

// carry sends what waits, until the link is over.
func (p *peer) carry(ctx context.Context, client api.RaftPeerClient, stream grpc.ClientStreamingClient[api.RaftMessages, api.RaftDone], to uint64) error {
	again := time.NewTicker(meetEvery)
	defer again.Stop()
	for {
		if taken := p.take(); len(taken) > 0 {
			if err := stream.Send(&api.RaftMessages{Messages: taken}); err != nil {
				return err
			}
			continue
		}
		select {
		case <-p.wake:
		case <-again.C:
			met, err := p.meet(ctx, client)
			if err != nil {
				return err
			}
			if met.Member != to {
				return errNotMember
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sendSnapshot sends a message with a snapshot, in a goroutine of its own, unless one is
// under way.
func (p *peer) sendSnapshot(to uint64, encoded []byte) {
	if len(encoded) > maxSnapshotBytes || !p.sending.CompareAndSwap(false, true) {
		p.m.running.Go(func() { p.m.tell(p.m.ctx, snapshotSent{member: to}) })
		return
	}
	p.m.running.Go(func() {
		defer p.sending.Store(false)
		ctx, cancel := context.WithTimeout(p.m.ctx, snapshotWithin)
		defer cancel()
		err := p.trySnapshot(ctx, to, encoded)
		if err != nil && p.m.ctx.Err() == nil {
			p.m.options.Logger.Warn("a snapshot was not taken by a member of the metadata store", "address", p.address, "bytes", len(encoded), "error", err)
		}
		p.m.tell(p.m.ctx, snapshotSent{member: to, taken: err == nil})
	})
}

func (p *peer) trySnapshot(ctx context.Context, to uint64, encoded []byte) error {
	var failure atomic.Pointer[error]
	conn, err := p.dial(&failure)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing can be done about it
	own := p.m.identity.Load()
	stream, err := api.NewRaftPeerClient(conn).Snapshot(outgoing(ctx, &api.RaftGreeting{Cluster: own.Cluster, From: own.Member, To: to}))
	if err != nil {
		return err
	}
	for len(encoded) > 0 && err == nil {
		n := min(len(encoded), partBytes)
		err = stream.Send(&api.RaftPart{Data: encoded[:n]})
		encoded = encoded[n:]
	}
	if err != nil && !errors.Is(err, io.EOF) { // the reason follows
		return err
	}
	_, err = stream.CloseAndRecv()
	return err
}

// isForMembers reports whether members send each other messages of a type.
func isForMembers(t pb.MessageType) bool { return !raft.IsLocalMsg(t) && t != pb.MsgSnap }
