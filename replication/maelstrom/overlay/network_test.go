package overlay

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	ms        = time.Millisecond
	beatEvery = 60 * ms
	latency   = 10 * ms
)

var testOptions = Options{HeardFor: 180 * ms, HelloAfter: 75 * ms, GossipEvery: 50 * ms, FreshFor: 600 * ms}

// link is one direction between two servers.
type link struct{ from, to replication.ServerID }

// message is what the routers' owners send one another.
type message struct {
	origin, to replication.ServerID
	number     int
	hops       int
	sent       replication.Instant
}

// line is what travels over a link.
type line struct {
	link    link
	at      replication.Instant
	vectors []Vector
	mail    []message
}

// network is servers that beat, the links between them, and a clock.
type network struct {
	t       testing.TB
	now     replication.Instant
	servers []replication.ServerID
	routers map[replication.ServerID]*Router
	beatAt  replication.Instant
	cut     map[link]bool
	// travelling are lines, by their arrival.
	travelling []line

	lastNumber int
	// What was counted since the last reset. Copies are by message.
	arrived                map[link]int
	copies                 map[int]int
	relayed, hellos, lines int
	slowest                time.Duration
}

func newNetwork(t testing.TB, n int) *network {
	net := &network{t: t, now: 1, routers: map[replication.ServerID]*Router{}, cut: map[link]bool{}}
	for i := range n {
		net.servers = append(net.servers, replication.ServerID(fmt.Sprintf("n%d", i)))
	}
	for _, id := range net.servers {
		net.start(id, 1)
	}
	net.reset()
	return net
}

func (n *network) start(id replication.ServerID, version uint64) {
	n.routers[id] = New(id, n.servers, version, n.now, testOptions)
}

func (n *network) reset() {
	n.arrived, n.copies = map[link]int{}, map[int]int{}
	n.relayed, n.hellos, n.lines, n.slowest = 0, 0, 0, 0
}

// run lets time pass, millisecond by millisecond.
func (n *network) run(d time.Duration) {
	for end := n.now.Add(d); n.now < end; n.now = n.now.Add(ms) {
		for len(n.travelling) > 0 && n.travelling[0].at <= n.now {
			l := n.travelling[0]
			n.travelling = n.travelling[1:]
			n.receive(l)
		}
		if n.now >= n.beatAt {
			n.beatAt = n.now.Add(beatEvery)
			n.beat()
		}
		for _, id := range n.servers {
			for _, to := range n.routers[id].Hellos(n.now) {
				n.hellos++
				n.send(id, to)
			}
		}
	}
}

// beat sends a message from everybody to everybody.
func (n *network) beat() {
	for _, from := range n.servers {
		for _, to := range n.servers {
			if from != to {
				n.lastNumber++
				m := message{origin: from, to: to, number: n.lastNumber, sent: n.now}
				n.send(from, n.routers[from].Next(n.now, to), m)
			}
		}
	}
}

func (n *network) send(from, to replication.ServerID, mail ...message) {
	vectors := n.routers[from].Gossip(n.now, to)
	n.lines++
	if n.cut[link{from, to}] {
		return
	}
	n.travelling = append(n.travelling, line{link{from, to}, n.now.Add(latency), vectors, mail})
	slices.SortStableFunc(n.travelling, func(a, b line) int { return cmp.Compare(a.at, b.at) })
}

func (n *network) receive(l line) {
	r := n.routers[l.link.to]
	r.Heard(n.now, l.link.from)
	r.Learn(n.now, l.vectors)
	for _, m := range l.mail {
		if m.to == l.link.to {
			n.arrived[link{m.origin, m.to}]++
			n.copies[m.number]++
			n.slowest = max(n.slowest, n.now.Sub(m.sent))
			continue
		}
		next, ok := r.Relay(n.now, m.to, l.link.from, m.origin, m.hops)
		if !ok {
			continue
		}
		n.relayed++
		if m.hops++; m.hops > len(n.servers) {
			n.t.Fatalf("%+v was passed on %d times", m, m.hops)
		}
		n.send(l.link.to, next, m)
	}
}

// connected reports whether there are ways from one server to another and back.
func (n *network) connected(a, b replication.ServerID) bool {
	return n.reachable(a, b) && n.reachable(b, a)
}

// reachable reports whether there is a way over links that work.
func (n *network) reachable(from, to replication.ServerID) bool {
	seen := []replication.ServerID{from}
	for i := 0; i < len(seen); i++ {
		for _, id := range n.servers {
			if !n.cut[link{seen[i], id}] && !slices.Contains(seen, id) {
				seen = append(seen, id)
			}
		}
	}
	return slices.Contains(seen, to)
}

// cutLinks cuts links given as "n0>n1".
func (n *network) cutLinks(links ...string) {
	for _, l := range links {
		n.cut[link{replication.ServerID(l[:2]), replication.ServerID(l[3:])}] = true
	}
}

func (n *network) heal() { n.cut = map[link]bool{} }
