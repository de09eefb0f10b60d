package sim

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// world is a simulation under way.
type world struct {
	*scheduler
	config   *Config
	options  replication.Options
	trace    *trace
	servers  []*server
	network  *network
	metadata *metadata
	clients  *clients
	laws     *laws
	faults   *faults
	report   Report
	// wishes are the last that each server's coordinator was told, by shard.
	wishes [][][]replication.ServerID
	ticks  int64
	// failure is the first thing that went wrong.
	failure error
}

// Streams of random numbers, each drawn from for one purpose: what is left out of
// one does not shift the others.
const (
	streamConfig uint64 = iota + 1
	streamSchedule
	streamNetwork
	streamMetadata
	streamClients
	streamFaults
	streamServer // and those after it
)

func stream(seed, which uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, which)) }

func newWorld(config *Config, text io.Writer) *world {
	w := &world{scheduler: &scheduler{now: time.Second}, config: config, options: config.Options}
	w.trace = &trace{text: text, now: func() time.Duration { return w.now }}
	w.network = newNetwork(w.scheduler, w.trace, stream(config.Seed, streamNetwork), config.NetworkTakes, config.Servers)
	w.metadata = &metadata{
		scheduler: w.scheduler, random: stream(config.Seed, streamMetadata), base: config.StoreTakes,
		documents: map[replication.ShardID]replication.Document{}, stored: w.stored,
	}
	for i := range config.Servers {
		s := &server{
			scheduler: w.scheduler, world: w, index: i, id: replication.ServerID(fmt.Sprintf("s%d", i+1)),
			random: stream(config.Seed, streamServer+uint64(i)), clock: newClock(w.scheduler), options: &w.options,
		}
		s.disk = newDisk(s)
		w.servers = append(w.servers, s)
	}
	for range config.Shards {
		w.wishes = append(w.wishes, make([][]replication.ServerID, config.Servers))
	}
	w.laws = newLaws(w, config.Servers)
	w.clients = newClients(w, stream(config.Seed, streamClients))
	w.faults = &faults{world: w, random: stream(config.Seed, streamFaults), struck: map[*Fault]*server{}}
	return w
}

// Scenario is one simulation: a configuration, and the faults that the cluster
// meets.
type Scenario struct {
	Config Config
	Faults []Fault
	// Trace, if set, is told what happens, in text.
	Trace io.Writer
}

// Report says what a simulation did.
type Report struct {
	// Hash is a sum of everything that happened, in order.
	Hash uint64
	// Simulated is how much time passed in the simulation.
	Simulated time.Duration
	Events    int
	// Done, Refused and Unknown count requests by their outcome.
	Done, Refused, Unknown int
	// Terms are those that had a leader; Snapshots, Truncations and Deletions those of
	// replicas' logs, and Restarts are starts of processes after the first.
	Terms, Snapshots, Truncations, Deletions, Restarts int
	// Faults counts those that struck, by kind.
	Faults [kinds]int
	// Served is how long after healing every server had a write of every shard done.
	Served time.Duration
	// Unchecked counts histories whose check did not end in time.
	Unchecked int
}

// Run runs a simulation, and returns what is wrong with the cluster, if anything is.
func Run(scenario Scenario) (report Report, err error) {
	w := newWorld(&scenario.Config, scenario.Trace)
	defer w.close()
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("panic: %v\n%s", broken, debug.Stack())
			report = w.summary()
		}
	}()
	w.live(scenario.Faults)
	if w.failure == nil {
		w.settle()
	}
	w.clients.abandon()
	if w.failure == nil {
		w.check()
	}
	return w.summary(), w.failure
}

// live runs the cluster while faults happen.
func (w *world) live(schedule []Fault) {
	for _, s := range w.servers {
		if err := s.start(); err != nil {
			w.fail(fmt.Errorf("%s does not start: %w", s.id, err))
		}
	}
	w.clients.start()
	w.keepHouse()
	begin := w.now
	for i := range schedule {
		if f := &schedule[i]; f.At < w.config.For {
			w.faults.schedule(begin, f)
		}
	}
	w.runUntil(begin+w.config.For, w.failed)
}

func (w *world) failed() bool { return w.failure != nil }

// fail ends the simulation.
func (w *world) fail(err error) {
	if w.failure == nil {
		w.failure = fmt.Errorf("after %v: %w", w.now, err)
		w.trace.printf("WRONG: %v", err)
	}
}

// excuse ends the simulation if a disk failed that had no reason to.
func (w *world) excuse(s *server, err error) {
	if !s.suspect && beyondHelp(err) && !errors.Is(err, errDying) {
		w.fail(fmt.Errorf("%s: %w", s.id, err))
	}
}

func (w *world) close() {
	for _, s := range w.servers {
		if s.process != nil {
			s.disk.silence()
			_ = s.process.disk.Close()
		}
	}
}

func (w *world) summary() Report {
	r := w.report
	r.Hash, r.Simulated, r.Events = w.trace.hash.Sum64(), w.now-time.Second, w.ran
	r.Terms = len(w.laws.leaders)
	r.Done = w.clients.counts[replication.OutcomeDone]
	r.Refused = w.clients.counts[replication.OutcomeRefused]
	r.Unknown = w.clients.counts[replication.OutcomeUnknown]
	return r
}

// tick numbers what clients do and learn, in order.
func (w *world) tick() int64 {
	w.ticks++
	return w.ticks
}

func (w *world) names() []replication.ServerID {
	names := make([]replication.ServerID, len(w.servers))
	for i, s := range w.servers {
		names[i] = s.id
	}
	return names
}

func (w *world) server(id replication.ServerID) *server {
	i := slices.IndexFunc(w.servers, func(s *server) bool { return s.id == id })
	if i < 0 {
		return nil
	}
	return w.servers[i]
}

// firstServers are those that a shard begins on.
func (w *world) firstServers(shard int) []replication.ServerID {
	names := w.names()
	first := make([]replication.ServerID, 0, w.config.Replicas)
	for i := range w.config.Replicas {
		first = append(first, names[(shard+i)%len(names)])
	}
	return first
}

// coordinates reports whether a server is a coordinator candidate of a shard.
func (w *world) coordinates(server, shard int) bool {
	return (server-shard+len(w.servers)*w.config.Shards)%len(w.servers) < w.config.Coordinators
}

// keepHouse lets each server flush and trim from time to time.
func (w *world) keepHouse() {
	if w.config.FlushEvery == 0 {
		return
	}
	for _, s := range w.servers {
		var next func()
		next = func() {
			s.inRun(s.process, func() { s.process.trim(w.config.KeepEntries, true) })
			w.after(w.config.FlushEvery, next)
		}
		w.after(time.Duration(s.random.Int64N(int64(w.config.FlushEvery))), next)
	}
}

// trim flushes the state, if it is to, and trims the logs up to what is flushed, but
// for some entries.
func (p *process) trim(keep replication.Offset, flush bool) {
	if flush && !p.flush() {
		return
	}
	for shard := range p.server.world.config.Shards {
		id := replication.ShardID(shard)
		if _, hosted := p.node.Replica(id); !hosted {
			continue
		}
		flushed, err := p.disk.Flushed(id)
		if err != nil {
			p.server.fails(err)
			return
		}
		p.server.world.laws.flushed(p.server, id, flushed)
		if to := flushed.Offset - keep; to > 0 {
			p.node.Trim(id, to)
		}
	}
	p.stepSoon()
}

// tookMessage enters a message that reached a server into the trace.
func (w *world) tookMessage(s *server, e replication.Envelope) {
	w.trace.message(s.index, &e)
	if w.trace.reads() {
		if _, beat := e.Message.(replication.Beat); !beat {
			w.trace.printf("%s > %s shard %d: %s", e.From, e.To, e.Shard, replication.Render(e.Message))
		}
	}
}

// tookEvent enters what came of a submission into the trace.
func (w *world) tookEvent(s *server, shard replication.ShardID, event replication.Event) {
	w.trace.event(s.index, shard, event)
	if w.trace.reads() {
		w.trace.printf("%s shard %d: %s", s.id, shard, describe(event))
	}
}

// stored enters a document that the metadata store took into the trace.
func (w *world) stored(shard replication.ShardID, before, after *replication.Document) {
	w.trace.printf("metadata shard %d: %v", shard, after)
	if after.Term.Term < before.Term.Term {
		w.fail(fmt.Errorf("shard %d: document %v follows %v", shard, after, before))
	}
}
