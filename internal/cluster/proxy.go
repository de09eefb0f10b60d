package cluster

import (
	"errors"
	"net"
	"sync"
	"time"
)

// proxy stands before a port of a process, and lets through what the links allow. A
// cut link is silent: connections stay as they are, and what was sent meanwhile
// arrives when it heals, as TCP's repetitions would.
type proxy struct {
	to       string
	target   string
	links    *links
	owner    func(net.Addr) string
	listener net.Listener
	done     chan struct{}
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// dialWithin bounds how long a process may take to accept; on loopback that is at
// once or never.
const dialWithin = 5 * time.Second

// chunk is how much is in the hands of a proxy for each direction of a connection.
const chunk = 64 << 10

// newProxy listens on a port of its own on loopback, and accepts nobody before it is
// started. Owner names the process that has the other end of a connection, by its
// address.
func newProxy(to, target string, links *links, owner func(net.Addr) string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		to: to, target: target, links: links, owner: owner, listener: listener,
		done: make(chan struct{}), conns: map[net.Conn]bool{},
	}
	return p, nil
}

func (p *proxy) start() { p.running.Go(p.accept) }

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && p.keep(conn) {
			p.running.Go(func() { p.serve(conn) })
		}
	}
}

// keep remembers a connection, to be closed with the proxy.
func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		conn.Close()
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	// A reset and not a farewell: what a process that died leaves behind.
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

func (p *proxy) serve(inner net.Conn) {
	defer p.drop(inner)
	from := p.owner(inner.RemoteAddr())
	if !p.links.wait(from, p.to, p.done) {
		return
	}
	outer, err := net.DialTimeout("tcp", p.target, dialWithin)
	if err != nil || !p.keep(outer) {
		return
	}
	defer p.drop(outer)
	over := make(chan struct{}, 2)
	p.running.Go(func() { p.copy(outer, inner, from, p.to); over <- struct{}{} })
	p.running.Go(func() { p.copy(inner, outer, p.to, from); over <- struct{}{} })
	// When one end is gone, so is the other: gRPC closes no half of a connection. The
	// end of a connection crosses no cut link either: copy saw to that.
	<-over
}

// copy carries one direction of a connection. An end of it is carried too.
func (p *proxy) copy(to, from net.Conn, sender, receiver string) {
	buffer := make([]byte, chunk)
	for {
		n, err := from.Read(buffer)
		if !p.links.wait(sender, receiver, p.done) {
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				// The receiver is gone, which the sender hears in its turn.
				p.links.wait(receiver, sender, p.done)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close ends the proxy and every connection through it.
func (p *proxy) close() error {
	close(p.done)
	err := p.listener.Close()
	p.mu.Lock()
	for conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.running.Wait()
	return err
}
