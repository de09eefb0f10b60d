package sim

import (
	"math/rand/v2"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// clients are all clients of a cluster. Each has one request at a time, and thinks
// in between.
type clients struct {
	world    *world
	random   *rand.Rand
	all      []*client
	open     map[replication.RequestID]*request
	last     replication.RequestID
	values   int
	history  histories
	lists    map[replication.ShardID]*lists
	sessions map[replication.ShardID][]*session
	// resting is set when no new requests are to be made.
	resting bool
	// counts are requests by outcome.
	counts [4]int
}

// client is one of them. It prefers one server until that fails it.
type client struct {
	*clients
	index  int
	server *server
	// seen is what the client last saw of each register: for conditional writes.
	seen map[register]sighting
}

// request is what a client wants, until it knows what became of it.
type request struct {
	id      replication.RequestID
	client  *client
	shard   replication.ShardID
	work    work
	called  int64
	outcome replication.OutcomeKind
	// done is called once, with the end of the request, if it is set.
	done func(replication.OutcomeKind)
}

func newClients(w *world, random *rand.Rand) *clients {
	c := &clients{world: w, random: random, open: map[replication.RequestID]*request{}}
	for i := range w.config.Clients {
		c.all = append(c.all, &client{clients: c, index: i, seen: map[register]sighting{}})
	}
	return c
}

func (c *clients) start() {
	for _, one := range c.all {
		one.think()
	}
}

// think makes the next request after a while.
func (c *client) think() {
	takes := time.Duration(c.random.ExpFloat64() * float64(c.world.config.Think))
	c.world.after(takes, func() {
		if !c.resting {
			shard := replication.ShardID(c.random.IntN(c.world.config.Shards))
			c.ask(shard, c.choose(), c.draw(shard), func(replication.OutcomeKind) { c.think() })
		}
	})
}

// choose returns the server that the client prefers.
func (c *client) choose() *server {
	if c.server == nil || c.random.IntN(16) == 0 {
		c.server = c.world.servers[c.random.IntN(len(c.world.servers))]
	}
	return c.server
}

// ask sends a request to a server.
func (c *client) ask(shard replication.ShardID, to *server, work work, done func(replication.OutcomeKind)) {
	c.last++
	r := &request{id: c.last, client: c, shard: shard, work: work, called: c.world.tick(), done: done}
	c.open[r.id] = r
	w := c.world
	w.trace.printf("client %d asks %s #%d shard %d: %v", c.index, to.id, r.id, shard, work)
	w.after(c.travels(), func() {
		if to.process == nil {
			w.after(c.travels(), func() { c.end(r, replication.Outcome{Kind: replication.OutcomeRefused}) })
			return
		}
		to.inRun(to.process, func() {
			to.process.node.Request(replication.Request{
				ID: r.id, Shard: shard, Kind: work.kind, Body: work.body,
				Deadline: to.clock.read().Add(w.config.ClientTimeout),
			})
			to.process.stepSoon()
		})
	})
	// Whoever hears nothing at all gives up, and knows nothing.
	w.after(3*w.config.ClientTimeout, func() { c.end(r, replication.Outcome{Kind: replication.OutcomeUnknown}) })
}

func (c *clients) travels() time.Duration {
	mean := int64(c.world.config.NetworkTakes)
	return time.Duration(mean/2 + c.random.Int64N(mean))
}

// ended takes the end of a request from a server, to the client.
func (c *clients) ended(s *server, o replication.RequestOutcome) {
	c.world.trace.note(endedRequest, o.Outcome.Result, uint64(s.index), uint64(o.ID), uint64(o.Outcome.Kind))
	c.world.after(c.travels(), func() {
		if r := c.open[o.ID]; r != nil {
			r.client.end(r, o.Outcome)
		}
	})
}

// end tells the client what became of its request.
func (c *client) end(r *request, o replication.Outcome) {
	if c.open[r.id] == nil {
		return
	}
	delete(c.open, r.id)
	if o.Kind == replication.OutcomeUnknown && r.work.kind == replication.RequestRead {
		o.Kind = replication.OutcomeRefused // nothing happened that anybody could see
	}
	c.counts[o.Kind]++
	r.outcome = o.Kind
	if o.Kind != replication.OutcomeDone {
		c.server = nil
	}
	if err := r.work.ended(c, r, o, c.world.tick()); err != nil {
		c.world.fail(err)
	}
	if c.world.trace.reads() {
		c.world.trace.printf("client %d knows of #%d: %v", c.index, r.id, o.Kind)
	}
	if r.done != nil {
		r.done(o.Kind)
	}
}

// abandon ends what is still open at the end of a simulation.
func (c *clients) abandon() {
	for id := replication.RequestID(1); id <= c.last; id++ {
		if r := c.open[id]; r != nil {
			r.done = nil
			r.client.end(r, replication.Outcome{Kind: replication.OutcomeUnknown})
		}
	}
}
