package grpc

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/replication"
)

// process is one end in tests: a transport with a server on loopback.
type process struct {
	t         testing.TB
	transport *Transport
	server    *grpc.Server
	address   string
	served    chan struct{}
	// plain are the connections that were accepted.
	plain *listener

	mu       sync.Mutex
	arrived  []replication.Envelope
	departed []replication.ServerID
	// changed is closed, and replaced, when one of the two above grows.
	changed chan struct{}
}

// listener remembers what it accepted, to break it as the end of a process does.
type listener struct {
	net.Listener
	mu       sync.Mutex
	accepted []net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.accepted = append(l.accepted, c)
		l.mu.Unlock()
	}
	return c, err
}

// reset breaks all connections.
func (l *listener) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.accepted {
		_ = c.Close()
	}
	l.accepted = nil
}

// patience is how long a test waits for what has to happen; it decides nothing else.
const patience = 20 * time.Second

func start(t testing.TB, id replication.ServerID, run replication.RunID, change func(*Options)) *process {
	t.Helper()
	return startAt(t, "127.0.0.1:0", id, run, change)
}

func startAt(t testing.TB, address string, id replication.ServerID, run replication.RunID, change func(*Options)) *process {
	t.Helper()
	p := &process{t: t, changed: make(chan struct{}), served: make(chan struct{})}
	options := Options{Self: replication.Server{ID: id, Run: run}, Deliver: p.deliver, Gone: p.gone}
	if change != nil {
		change(&options)
	}
	var err error
	if p.transport, err = New(options); err != nil {
		t.Fatal(err)
	}
	plain, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p.plain = &listener{Listener: plain}
	p.address = plain.Addr().String()
	p.server = grpc.NewServer(append(ServerOptions(), grpc.Creds(serverCredentials(&options)))...)
	p.transport.Register(p.server)
	go func() {
		defer close(p.served)
		_ = p.server.Serve(p.plain)
	}()
	t.Cleanup(p.stop)
	return p
}

// serverCredentials are those of a process for the connections that it accepts.
func serverCredentials(o *Options) credentials.TransportCredentials {
	if o.Credentials == nil {
		return insecure.NewCredentials()
	}
	return o.Credentials
}

func (p *process) stop() {
	p.transport.Close()
	p.server.Stop()
	<-p.served
}

func (p *process) deliver(batch []replication.Envelope) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived = append(p.arrived, batch...)
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *process) gone(id replication.ServerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.departed = append(p.departed, id)
	close(p.changed)
	p.changed = make(chan struct{})
}

// until waits for something that is true of what arrived and who departed.
func (p *process) until(what string, is func() bool) {
	p.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond) // for what does not arrive here
	defer tick.Stop()
	for {
		p.mu.Lock()
		done, changed := is(), p.changed
		p.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-late:
			p.t.Fatalf("%s: it has not come to be that %s; %+v", p.transport.options.Self.ID, what, p.transport.Stats())
		}
	}
}

// send sends messages from one process to another.
func (p *process) send(to replication.ServerID, messages ...replication.Message) {
	var batch []replication.Envelope
	for _, m := range messages {
		self := p.transport.options.Self
		batch = append(batch, replication.Envelope{From: self.ID, FromRun: self.Run, To: to, Shard: 1, Message: m})
	}
	p.transport.Send(to, batch)
}

func (p *process) knows(peers ...*process) {
	addresses := map[replication.ServerID]string{}
	for _, o := range peers {
		addresses[o.transport.options.Self.ID] = o.address
	}
	p.transport.SetPeers(addresses)
}

// nonces are those of the probes that arrived from a server.
func (p *process) nonces(from replication.ServerID) []uint64 {
	var all []uint64
	for _, e := range p.arrived {
		if m, ok := e.Message.(replication.Probe); ok && e.From == from {
			all = append(all, m.Nonce)
		}
	}
	return all
}

// sendUntil sends a probe again and again until it arrives. Before a link is there,
// what is sent may be lost.
func (p *process) sendUntil(to *process, nonce uint64) {
	p.t.Helper()
	from := p.transport.options.Self.ID
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		p.send(to.transport.options.Self.ID, replication.Probe{Nonce: nonce})
		to.mu.Lock()
		nonces := to.nonces(from)
		to.mu.Unlock()
		for _, n := range nonces {
			if n == nonce {
				return
			}
		}
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("probe %d from %s has not arrived; %+v", nonce, from, p.transport.Stats())
		}
	}
}
