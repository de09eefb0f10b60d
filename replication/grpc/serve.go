package grpc

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
)

// service is what peers call.
type service struct {
	api.UnimplementedPeersServer
	transport *Transport
}

// Register lets peers make links to this process through a server, which was made
// with ServerOptions.
func (t *Transport) Register(server grpc.ServiceRegistrar) {
	api.RegisterPeersServer(server, service{transport: t})
}

// Control implements api.PeersServer.
func (s service) Control(raw grpc.BidiStreamingServer[api.PeerFrame, api.PeerFrame]) error {
	return s.transport.acceptControl(raw)
}

// Data implements api.PeersServer.
func (s service) Data(raw grpc.BidiStreamingServer[api.PeerFrame, api.PeerFrame]) error {
	return s.transport.acceptOther(laneData, raw)
}

// Snapshots implements api.PeersServer.
func (s service) Snapshots(raw grpc.BidiStreamingServer[api.PeerFrame, api.PeerFrame]) error {
	return s.transport.acceptOther(laneSnapshots, raw)
}

// errOver is what a caller is told whose stream this process ended.
var errOver = status.Error(codes.Unavailable, "the link is over")

// acceptControl takes a peer's new link, which begins with its control stream.
func (t *Transport) acceptControl(raw grpc.ServerStream) error {
	g, err := t.greetedBy(raw.Context())
	if err != nil {
		t.events.greetingsRefused.Add(1)
		t.options.Logger.Warn("refused a link", "peer", g.server, "error", err)
		return err
	}
	l := newLink(t.ctx, nil, false)
	defer l.end()
	l.run, l.cluster = g.run, g.cluster
	if err := t.open(g.server, l); err != nil {
		return err
	}
	s := newStream(l, laneControl, raw)
	if err := raw.SendHeader(t.say(g.server)); err != nil {
		s.end() // carry finds it ended
	}
	go func() {
		defer t.work.Done()
		t.over(l, t.carry(s))
	}()
	t.options.Logger.Info("accepted a link", "peer", g.server, "run", g.run)
	<-s.ctx.Done()
	return errOver
}

// acceptOther takes another stream of a link that a peer made.
func (t *Transport) acceptOther(kind laneKind, raw grpc.ServerStream) error {
	g, err := t.greetedBy(raw.Context())
	if err != nil {
		return err
	}
	l := t.join(g)
	if l == nil {
		return status.Errorf(codes.Unavailable, "%q has no control stream here in run %d", g.server, g.run)
	}
	s := newStream(l, kind, raw)
	if err := raw.SendHeader(t.say(g.server)); err != nil {
		s.end()
	}
	go func() {
		defer l.streams.Done()
		_ = t.carry(s) // the control stream tells why a link ends
	}()
	<-s.ctx.Done()
	return errOver
}

// join returns the link that a peer made, for one more stream.
func (t *Transport) join(g greeting) *link {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peers[g.server]
	if t.closed || p == nil || p.accepted == nil || p.accepted.over || p.accepted.run != g.run {
		return nil
	}
	p.accepted.streams.Add(1)
	return p.accepted
}
