package grpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/replication"
)

var (
	errTooLarge = fmt.Errorf("peer transport: a message has more than %d bytes", maxEnvelopeBytes)
	errClosed   = errors.New("peer transport: closed")
)

// Transport carries envelopes between this process and its peers. It implements
// replication.Transport. All methods may be called at the same time.
type Transport struct {
	options  Options
	counters [laneKinds]laneCounters
	events   eventCounters

	// ctx ends when the transport is closed; work counts its goroutines.
	ctx   context.Context
	close context.CancelFunc
	work  sync.WaitGroup

	// mu guards what follows, and the fields of peers and links that say so. Nothing
	// is called while it is held.
	mu     sync.RWMutex
	closed bool
	peers  map[replication.ServerID]*peer
}

// eventCounters count what happened to links.
type eventCounters struct {
	dials, dialFailures, refused, greetingsRefused, linked, gone atomic.Uint64
}

// peer is another process. It is known while it has an address or a link.
type peer struct {
	id    replication.ServerID
	lanes [laneKinds]*lane

	// The transport's mu guards what follows. Dialer makes links to the address; it
	// is nil where there is none.
	address       string
	dialer        *dialer
	own, accepted *link
	// leaving is set while its last link is over and that is not told yet.
	leaving bool
}

// New returns a transport without peers. It has to be closed.
func New(options Options) (*Transport, error) {
	if err := options.prepare(); err != nil {
		return nil, err
	}
	t := &Transport{options: options, peers: map[replication.ServerID]*peer{}}
	t.ctx, t.close = context.WithCancel(context.Background())
	return t, nil
}

// Close ends all links and waits for its goroutines: nothing is delivered, and
// nobody said to be gone, after it. It must not be called from Deliver or Gone. A
// grpc.Server on which the transport is registered does not stop gracefully before.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.close()
	t.work.Wait()
}

// SetPeers says where peers are: host:port by server. Those that are not named are
// not dialed any more; what they dialed themselves stays. Where nothing changed
// nothing happens, so that it may be called as often as one likes.
func (t *Transport) SetPeers(addresses map[replication.ServerID]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(addresses)) {
		if id != t.options.Self.ID && addresses[id] != "" {
			t.peer(id)
		}
	}
	for _, p := range t.peers {
		if address := addresses[p.id]; address != p.address {
			t.setAddress(p, address)
		}
		t.dropStrangers(p)
		t.forget(p)
	}
}

// peer returns the peer of that name, which is known from then on. The caller
// holds mu.
func (t *Transport) peer(id replication.ServerID) *peer {
	p := t.peers[id]
	if p == nil {
		p = &peer{id: id}
		limits := [laneKinds]LaneLimits{t.options.Limits.Control, t.options.Limits.Data, t.options.Limits.Snapshots}
		for kind := range p.lanes {
			p.lanes[kind] = &lane{limits: limits[kind], counters: &t.counters[kind]}
		}
		t.peers[id] = p
	}
	return p
}

// setAddress ends the link to the former address and begins to make one to the new
// one. The caller holds mu.
func (t *Transport) setAddress(p *peer, address string) {
	var before *dialer
	p.address = address
	if before, p.dialer = p.dialer, nil; before != nil {
		if p.own != nil {
			p.own.deliberate = true
		}
		before.stop()
	}
	if address != "" {
		p.dialer = newDialer(t, p, address, before)
		p.dialer.hope(true)
		t.work.Add(1)
		go p.dialer.run()
	}
}

// dropStrangers ends links to a peer that turned out to be of another cluster. The
// caller holds mu.
func (t *Transport) dropStrangers(p *peer) {
	for _, l := range []*link{p.own, p.accepted} {
		if l != nil && t.sameCluster(l.cluster) != nil {
			l.deliberate = true
			l.end()
		}
	}
}

// forget drops a peer that has neither address nor link. The caller holds mu.
func (t *Transport) forget(p *peer) {
	if p.address == "" && p.own == nil && p.accepted == nil {
		delete(t.peers, p.id)
	}
}

// Send implements replication.Transport. Envelopes that are not of this process, not
// for that server, or not well-formed are dropped, like those for which there is no
// room.
func (t *Transport) Send(to replication.ServerID, batch []replication.Envelope) {
	t.mu.RLock()
	p := t.peers[to]
	t.mu.RUnlock()
	for len(batch) > 0 {
		kind := laneOf(batch[0].Message)
		n := 1
		for n < len(batch) && laneOf(batch[n].Message) == kind {
			n++
		}
		if err := t.post(p, to, kind, batch[:n]); err != nil {
			t.options.Logger.Error("a message cannot be sent", "peer", to, "error", err)
		}
		batch = batch[n:]
	}
}

// post hands envelopes to a peer's lane; p is nil if the peer is not known.
func (t *Transport) post(p *peer, to replication.ServerID, kind laneKind, batch []replication.Envelope) error {
	for i := range batch {
		if e := &batch[i]; e.To != to || e.From != t.options.Self.ID || e.FromRun != t.options.Self.Run {
			t.counters[kind].invalid.Add(uint64(len(batch)))
			return fmt.Errorf("peer transport: sent to %q an envelope from %q in run %d to %q", to, e.From, e.FromRun, e.To)
		}
	}
	if p == nil {
		t.counters[kind].unlinked.Add(uint64(len(batch)))
		return nil
	}
	return p.lanes[kind].put(batch)
}

// open gives a link its place. An error says that it must not be, and is a status.
func (t *Transport) open(id replication.ServerID, l *link) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || l.ctx.Err() != nil {
		return status.Error(codes.Unavailable, errClosed.Error())
	}
	if t.peers[id] == nil && len(t.peers) >= maxPeers {
		return status.Errorf(codes.ResourceExhausted, "there are links to %d peers, which is the most", maxPeers)
	}
	p := t.peer(id)
	l.peer = p
	if l.own {
		p.own = l
	} else {
		if before := p.accepted; before != nil {
			if l.run < before.run {
				return status.Errorf(codes.FailedPrecondition, "run %d of %q is over: run %d has a link here", l.run, id, before.run)
			}
			before.deliberate = true
			before.end()
		}
		p.accepted = l
		t.work.Add(1)
		if p.dialer != nil {
			p.dialer.wakeUp() // who calls can be called
		}
	}
	t.events.linked.Add(1)
	return nil
}

// over ends a link whose control stream is over, and tells if it was the peer's last.
func (t *Transport) over(l *link, why error) {
	l.end()
	t.mu.Lock()
	l.over = true
	t.mu.Unlock()
	l.streams.Wait()

	p := l.peer
	t.mu.Lock()
	if p.own == l {
		p.own = nil
	}
	if p.accepted == l {
		p.accepted = nil
	}
	tell := p.own == nil && p.accepted == nil && !l.deliberate && !t.closed
	p.leaving = p.leaving || tell
	t.forget(p)
	t.mu.Unlock()
	t.options.Logger.Info("a link is over", "peer", p.id, "run", l.run, "own", l.own, "error", why)
	if tell {
		t.events.gone.Add(1)
		t.options.Gone(p.id)
		t.left(p)
	}
}

// left goes on after a peer was said to be gone: whether its process is over is to
// be learnt next.
func (t *Transport) left(p *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.leaving = false
	if p.dialer != nil {
		p.dialer.wakeUp()
	}
}

// refused tells of a peer that refuses connections, unless there is a link to it.
func (t *Transport) refused(p *peer, by *dialer) {
	t.events.refused.Add(1)
	t.mu.RLock()
	tell := p.own == nil && p.accepted == nil && !p.leaving && p.dialer == by && !t.closed
	t.mu.RUnlock()
	if tell {
		t.options.Over(p.id)
	}
}
