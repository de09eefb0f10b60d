package grpc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/api"
)

// dialer makes links to one address of a peer, one after the other, until it is
// stopped.
type dialer struct {
	transport *Transport
	peer      *peer
	address   string
	ctx       context.Context
	stop      context.CancelFunc
	// before is the dialer of the former address, if there is one; done is closed when
	// this one is over.
	before *dialer
	done   chan struct{}
	// wake has a signal when an attempt is likelier to succeed than it was.
	wake chan struct{}
	// complained is the last failure that was logged.
	complained string
}

func newDialer(t *Transport, p *peer, address string, before *dialer) *dialer {
	d := &dialer{
		transport: t, peer: p, address: address, before: before,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	d.ctx, d.stop = context.WithCancel(t.ctx)
	return d
}

func (d *dialer) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default: // one signal is enough
	}
}

func (d *dialer) run() {
	defer d.transport.work.Done()
	defer close(d.done)
	defer d.stop()
	defer d.hope(false)
	if d.before != nil {
		<-d.before.done
		d.before = nil
	}
	var wait backoff
	for d.ctx.Err() == nil {
		lived, err := d.link()
		if d.ctx.Err() != nil {
			return
		}
		if err != nil {
			d.complain(err)
		}
		if lived >= steadyAfter {
			wait = backoff{}
			continue // that it is refused now would be news
		}
		wait.pause(d.ctx, d.wake)
	}
}

// hope says whether what is sent is worth keeping.
func (d *dialer) hope(hopeful bool) {
	for _, queue := range d.peer.lanes {
		queue.hope(hopeful)
	}
}

// complain logs a failure that is another than the last one.
func (d *dialer) complain(err error) {
	if text := err.Error(); text != d.complained {
		d.complained = text
		d.transport.options.Logger.Warn("cannot link to a peer", "peer", d.peer.id, "address", d.address, "error", err)
	}
}

// link makes a link, and returns when it is over, with how long it lived, or with the
// reason why there was none.
func (d *dialer) link() (lived time.Duration, err error) {
	t, p := d.transport, d.peer
	d.hope(true)
	defer d.hope(false)
	l := newLink(d.ctx, p, true)
	defer l.end()
	t.events.dials.Add(1)
	s, conn, err := d.open(l, laneControl)
	if err == nil {
		defer conn.close()
		err = t.open(p.id, l)
	}
	if err != nil {
		t.events.dialFailures.Add(1)
		if errors.Is(err, syscall.ECONNREFUSED) {
			t.refused(p, d)
		}
		return 0, err
	}
	began := time.Now()
	d.complained = ""
	t.options.Logger.Info("linked", "peer", p.id, "run", l.run, "address", d.address)
	for _, kind := range []laneKind{laneData, laneSnapshots} {
		l.streams.Add(1)
		go d.keep(l, kind)
	}
	t.over(l, t.carry(s))
	return time.Since(began), nil
}

// keep keeps another stream of a link open as long as the link lives.
func (d *dialer) keep(l *link, kind laneKind) {
	defer l.streams.Done()
	queue := d.peer.lanes[kind]
	var wait backoff
	for l.ctx.Err() == nil {
		queue.hope(true)
		if s, conn, err := d.open(l, kind); err == nil {
			wait = backoff{}
			_ = d.transport.carry(s) // what ends a link is told of its control stream
			conn.close()
		}
		if l.ctx.Err() == nil {
			queue.hope(false)
			wait.pause(l.ctx, nil)
		}
	}
}

// open makes a connection and a stream on it, and greets. The connection is to be
// closed when the stream is over.
func (d *dialer) open(l *link, kind laneKind) (*stream, *connection, error) {
	s := newStream(l, kind, nil)
	late := time.AfterFunc(greetWithin, s.end)
	g, conn, err := d.greet(s)
	if !late.Stop() && l.ctx.Err() == nil {
		err = fmt.Errorf("no answer within %v", greetWithin)
	}
	if err == nil && kind != laneControl && g.run != l.run {
		err = fmt.Errorf("run %d answers, and the link is to run %d", g.run, l.run)
	}
	if err != nil {
		s.end()
		if conn != nil {
			conn.close()
		}
		return nil, nil, err
	}
	if kind == laneControl {
		l.run, l.cluster = g.run, g.cluster
	}
	return s, conn, nil
}

// connection is gRPC's, and what it is made of, which gRPC may not have come to use.
type connection struct {
	*grpc.ClientConn
	plain net.Conn
}

func (c *connection) close() {
	_ = c.ClientConn.Close()
	_ = c.plain.Close() // mostly closed already
}

// connect makes a connection. It is made before gRPC sees it, to learn at once and
// for certain when it is refused.
func (d *dialer) connect(ctx context.Context) (*connection, error) {
	plain, err := (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	made := make(chan net.Conn, 1)
	made <- plain
	secured := d.transport.options.Credentials
	if secured == nil {
		secured = insecure.NewCredentials()
	}
	conn, err := grpc.NewClient("passthrough:///"+d.address,
		grpc.WithTransportCredentials(secured),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			select {
			case c := <-made:
				return c, nil
			default:
				return nil, errOnce
			}
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: deadAfter}),
		grpc.WithInitialWindowSize(streamWindow), grpc.WithInitialConnWindowSize(connWindow),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxFrameBytes), grpc.CallContentSubtype(codecName)),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(), grpc.WithIdleTimeout(0),
	)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	return &connection{conn, plain}, nil
}

// errOnce keeps gRPC from making connections: whoever owns the link decides when.
var errOnce = errors.New("a connection is made once")

// greet makes a connection, opens the stream's call and exchanges greetings. The
// connection has to be closed also where there is an error.
func (d *dialer) greet(s *stream) (greeting, *connection, error) {
	conn, err := d.connect(s.ctx)
	if err != nil {
		return greeting{}, nil, err
	}
	ctx := metadata.NewOutgoingContext(s.ctx, d.transport.say(d.peer.id))
	raw, err := call(ctx, api.NewPeersClient(conn), s.kind)
	if err != nil {
		return greeting{}, conn, err
	}
	s.raw = raw
	header, err := raw.Header()
	if err == nil && header == nil {
		// The call is over already, and tells why.
		err = raw.RecvMsg(&inFrame{})
	}
	if err != nil {
		return greeting{}, conn, err
	}
	g, err := greeted(header)
	if err == nil && g.server != d.peer.id {
		err = fmt.Errorf("%q answers in the place of %q", g.server, d.peer.id)
	}
	if err == nil {
		err = d.transport.sameCluster(g.cluster)
	}
	return g, conn, err
}

func call(ctx context.Context, peers api.PeersClient, kind laneKind) (grpc.ClientStream, error) {
	switch kind {
	case laneControl:
		return peers.Control(ctx)
	case laneData:
		return peers.Data(ctx)
	default:
		return peers.Snapshots(ctx)
	}
}

// backoff is the time between attempts: twice as long after each, and at random
// lest all servers try at the same time.
type backoff struct{ mean time.Duration }

// pause waits, until it is woken or the context ends.
func (b *backoff) pause(ctx context.Context, wake <-chan struct{}) {
	b.mean = min(max(2*b.mean, backoffLeast), backoffMost)
	timer := time.NewTimer(b.mean/2 + rand.N(b.mean))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
		b.mean = 0
	case <-ctx.Done():
	}
}
