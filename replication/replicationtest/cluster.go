package replicationtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Shard is the one shard of a test cluster.
const Shard replication.ShardID = 1

// maxSteps bounds what one command may set off: a protocol that never comes to
// rest is a fault.
const maxSteps = 100_000

// Recorder is told the beginning of each run, and each step of its replicas and
// elections, in the order in which they happen.
type Recorder interface {
	Open(server replication.ServerID, run replication.RunID, shard replication.ShardID, found replication.Recovered)
	Step(run replication.RunID, step replication.TraceStep)
}

// Cluster is a set of nodes and the world around them. Log, if set, is called
// with each line of the story, Record with each step.
type Cluster struct {
	Log    func(string)
	Record Recorder

	options  replication.Options
	now      time.Duration
	servers  []*server
	metadata *metadata
	network  []flight
	// travel, if set, decides when copies of a message arrive, after how long;
	// none if it is lost. Otherwise messages arrive at once and in order.
	travel func(replication.Envelope) []time.Duration
	// laws decide what becomes of a message when its turn comes.
	laws     []law
	kept     []flight
	requests []request
	// lazyFlush keeps what state machines apply in memory until they are told to
	// flush it.
	lazyFlush bool
	// checkEvery is at which offsets, the multiples of it, state machines tell a
	// check; never if zero.
	checkEvery int
	// onOutcome, if set, is told the outcomes instead of the trace.
	onOutcome func(*server, replication.RequestOutcome)
	nextRun   uint64
	// installs counts the snapshots that were installed.
	installs   int
	Invariants *Invariants
	violations int
	hand       *hand
	// first is how many servers the shard is given when it has no document, of those
	// that there are; all if zero.
	first int
}

// server is one server, which may be down.
type server struct {
	cluster     *Cluster
	id          replication.ServerID
	replica     replication.ReplicaID
	coordinates bool
	incarnation replication.Incarnation
	run         replication.RunID
	node        *replication.Node
	disk        *disk
	machine     *machine
	metadata    *metadataPort
	next        replication.Instant
	paused      bool
	shown       string
}

// flight is a message on its way, and when it arrives.
type flight struct {
	envelope replication.Envelope
	at       time.Duration
}

type request struct {
	name   string
	server *server
	id     replication.RequestID
}

// NewCluster returns a cluster without servers.
func NewCluster(options replication.Options) *Cluster {
	c := &Cluster{options: options, now: time.Second, Invariants: newInvariants(),
		metadata: &metadata{documents: map[replication.ShardID]replication.Document{}}}
	c.Invariants.disk = func(id replication.ServerID, shard replication.ShardID) *diskShard {
		return c.server(id).disk.shard(shard)
	}
	c.Invariants.document = func(shard replication.ShardID) replication.Document { return c.metadata.documents[shard] }
	c.hand = newHand(c)
	return c
}

func (c *Cluster) server(id replication.ServerID) *server {
	i := slices.IndexFunc(c.servers, func(s *server) bool { return s.id == id })
	if i < 0 {
		return nil
	}
	return c.servers[i]
}

func (c *Cluster) names() []replication.ServerID {
	names := make([]replication.ServerID, len(c.servers))
	for i, s := range c.servers {
		names[i] = s.id
	}
	return names
}

// firstNames are the servers that a shard begins with.
func (c *Cluster) firstNames() []replication.ServerID {
	if c.first == 0 {
		return c.names()
	}
	return c.names()[:c.first]
}

func (c *Cluster) logf(format string, args ...any) {
	if c.Log != nil {
		c.Log(fmt.Sprintf(format, args...))
	}
}

// addServer adds a server that is down, with an empty disk.
func (c *Cluster) addServer(coordinates bool) *server {
	n := len(c.servers) + 1
	s := &server{
		cluster: c, id: replication.ServerID(fmt.Sprintf("s%d", n)), replica: replication.ReplicaID(n),
		coordinates: coordinates, incarnation: replication.Incarnation(n), disk: newDisk(),
	}
	c.servers = append(c.servers, s)
	return s
}

// start begins a run of a server.
func (s *server) start() {
	c := s.cluster
	c.nextRun++
	c.Invariants.restarted(s.id)
	s.run = replication.RunID(c.nextRun)
	found, settled := s.disk.shard(Shard).recover()
	if found.Damaged != 0 && !s.disk.shard(Shard).hurt {
		c.logf("VIOLATION: %s lost entries up to %d, and its disk is well", s.id, found.Damaged)
		c.violations++
		return
	}
	if settled != nil {
		c.logf("%s disk: %s, to settle it", s.id, renderOp(*settled))
	}
	if c.Record != nil {
		c.Record.Open(s.id, s.run, Shard, found)
	}
	s.machine = newMachine(s)
	s.metadata = &metadataPort{store: c.metadata}
	self := replication.Server{ID: s.id, Run: s.run, Incarnation: s.incarnation}
	s.node = replication.NewNode(self, &c.options, c.names(), replication.Ports{
		Transport: s, Log: s.disk, StateMachine: s.machine, Metadata: s.metadata, Tracer: s,
	})
	if found.Record.Replica != 0 {
		s.node.Open(Shard, found)
	}
	if s.coordinates {
		s.node.Coordinate(Shard, c.firstNames(), c.nextRun)
	}
	s.next = s.clock().Mono
}

// crash ends the run: what was not synced is gone, and so is the memory.
func (s *server) crash() {
	s.node = nil
	s.paused = false
	s.disk.crash()
	s.cluster.requests = slices.DeleteFunc(s.cluster.requests, func(r request) bool { return r.server == s })
}

func (s *server) clock() replication.Time {
	return replication.Time{
		Mono: replication.Instant(s.cluster.now),
		Wall: replication.Timestamp(s.cluster.now.Milliseconds()),
	}
}

func (s *server) up() bool { return s.node != nil && !s.paused }

// Send implements replication.Transport.
func (s *server) Send(_ replication.ServerID, batch []replication.Envelope) {
	for _, e := range batch {
		s.cluster.post(e)
	}
}

// Trace implements replication.Tracer: it shows what a reader of a story wants
// to see of a step beside the messages.
func (s *server) Trace(step replication.TraceStep) {
	s.cluster.Invariants.Trace(step)
	if s.cluster.Record != nil {
		s.cluster.Record.Step(s.run, step)
	}
	if step.Replica == nil {
		return
	}
	text := fmt.Sprintf("%v %v", step.Replica.Role, step.Replica.Term)
	if step.Replica.Role == replication.RoleFollower {
		text += fmt.Sprintf(" of %v", step.Replica.Leader)
	}
	if step.Replica.Serving {
		text += ", serves"
	}
	if text != s.shown {
		s.shown = text
		s.cluster.logf("%v is %s", step.Replica.Member, text)
	}
}

// stabilize steps, syncs and delivers until nothing happens any more, without
// time passing.
func (c *Cluster) stabilize() {
	for range maxSteps {
		worked := false
		for _, s := range c.servers {
			worked = s.work() || worked
		}
		if c.deliverNext() {
			worked = true
		}
		if !worked {
			return
		}
	}
	c.logf("VIOLATION: no rest after %d steps", maxSteps)
	c.violations++
}

// work steps a server's node if there is anything for it, and completes what it
// submitted. It reports whether there was anything.
func (s *server) work() bool {
	if !s.up() {
		return false
	}
	worked := s.complete()
	if worked || (s.next != replication.Never && s.next <= s.clock().Mono) {
		s.step()
		return true
	}
	return false
}

func (s *server) step() {
	defer func() {
		switch broken := recover().(type) {
		case nil:
		default:
			panic(broken)
		case replication.Violation:
			s.cluster.logf("VIOLATION at %s: %s", s.id, broken.Text)
			s.cluster.violations++
			s.crash()
		}
	}()
	outcomes, next := s.node.Step(s.clock())
	s.next = next
	for _, o := range outcomes {
		s.cluster.ended(s, o)
	}
	if err := s.cluster.Invariants.Err(); err != nil {
		s.cluster.logf("VIOLATION: %v", err)
		s.cluster.violations++
		s.cluster.Invariants.broken = ""
	}
}

// complete gives the node what came of its submissions.
func (s *server) complete() bool {
	worked := s.completeDisk()
	worked = s.machine.work() || worked
	calls := s.metadata.calls
	s.metadata.calls = nil
	for _, call := range calls {
		event := s.metadata.answer(call)
		s.showMetadata(call, event)
		s.node.Complete(call.shard, event)
		worked = true
	}
	return worked
}

func (s *server) completeDisk() bool {
	shard := s.disk.shard(Shard)
	worked := false
	for _, read := range shard.reads {
		s.node.Complete(Shard, shard.read(read))
		worked = true
	}
	shard.reads = nil
	if s.disk.stuck {
		return worked
	}
	return s.sync(-1) || worked
}

// sync makes operations of a server's disk durable, and tells the node.
func (s *server) sync(count int) bool {
	done := s.disk.shard(Shard).sync(count)
	for _, op := range done {
		s.cluster.logf("%s disk: %s", s.id, renderOp(op))
	}
	if len(done) == 0 {
		return false
	}
	s.node.Complete(Shard, replication.LogDone{Sequence: done[len(done)-1].Sequence})
	return true
}

func (s *server) showMetadata(call metadataCall, event replication.Event) {
	switch ev := event.(type) {
	case replication.DocumentStored:
		s.cluster.logf("%s metadata: store %v: %v", s.id, call.write, ev.Outcome)
	case replication.DocumentLoaded:
		switch {
		case ev.Failed:
			s.cluster.logf("%s metadata: load: no answer", s.id)
		case !ev.Found:
			s.cluster.logf("%s metadata: load: none", s.id)
		default:
			s.cluster.logf("%s metadata: load %v", s.id, &ev.Document)
		}
	}
}

// advance lets time pass, stopping at every instant at which a server wants it.
func (c *Cluster) advance(d time.Duration) {
	end := c.now + d
	for {
		c.stabilize()
		next := end
		for _, s := range c.servers {
			if s.up() && s.next != replication.Never {
				next = min(next, time.Duration(s.next))
			}
		}
		for _, f := range c.network {
			next = min(next, f.at)
		}
		if c.now >= end {
			return
		}
		c.now = max(c.now, next)
	}
}

func (c *Cluster) ended(s *server, o replication.RequestOutcome) {
	if c.onOutcome != nil {
		c.onOutcome(s, o)
		return
	}
	i := slices.IndexFunc(c.requests, func(r request) bool { return r.server == s && r.id == o.ID })
	c.logf("%s: %v", c.requests[i].name, o.Outcome)
	c.requests = slices.Delete(c.requests, i, i+1)
}

func offsets(entries []replication.Entry) string {
	first, last := entries[0].ID.Offset, entries[len(entries)-1].ID.Offset
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d to %d", first, last)
}

func renderOp(op replication.LogOp) string {
	switch op.Kind {
	case replication.OpTerm:
		return fmt.Sprintf("term %v", op.Record.Term)
	case replication.OpAppend:
		text := "append"
		for _, e := range op.Entries {
			text += " " + replication.RenderEntry(e)
		}
		return text
	case replication.OpTruncate:
		return fmt.Sprintf("truncate to %d", op.Truncate)
	case replication.OpDelete:
		return "delete"
	default:
		return fmt.Sprintf("%v to %v", op.Kind, op.Base)
	}
}
