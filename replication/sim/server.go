package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// server is a machine with a disk, on which a process may run.
type server struct {
	*scheduler
	world  *world
	index  int
	id     replication.ServerID
	random *rand.Rand
	clock  *clock
	disk   *disk
	// options are the core's; every server has the same.
	options *replication.Options
	// process is what runs; nil while none does.
	process *process
	// paused counts the faults that keep the process from running. What happens to it
	// meanwhile waits.
	paused int
	waits  []func()
	// suspect is set when the disk may have lost what was synced, until it is wiped.
	suspect bool
	// down counts the faults that keep the process from being started.
	down int

	// storeCut, storeDeaf and storeSlow are the faults at work between the server and
	// the metadata store; slowDisk, those of its disk, and slowWork those of its
	// state machine.
	storeCut, storeDeaf, storeSlow []*Fault
	slowDisk                       []*Fault
	slowWork                       []*Fault
}

// process is one run of the server's program.
type process struct {
	server *server
	node   *replication.Node
	disk   *storage.Disk
	// stepsAt is when the node is stepped next; zero if it need not be.
	stepsAt time.Duration
	// syncing is set while a sync of the log is under way, synced if its effect on the
	// disk is there already.
	syncing, synced bool
	// reading is set while reads of the log are under way.
	reading bool
	// worksUntil is when the state machine has done what it was asked.
	worksUntil time.Duration
	// asked is set when the log was asked to read.
	asked bool
	shown string
}

// start begins a run. It fails only if the disk does.
func (s *server) start() error {
	opened, err := s.disk.open()
	if err != nil {
		return err
	}
	found, err := opened.Recovered()
	if err == nil && s.disk.dying {
		err = errDying
	}
	if err != nil {
		s.disk.silence()
		return errors.Join(err, opened.Close())
	}
	p := &process{server: s, disk: opened}
	self := replication.Server{ID: s.id, Run: opened.Log().Run(), Incarnation: opened.Log().Incarnation()}
	s.disk.incarnation = self.Incarnation
	p.node = replication.NewNode(self, s.options, s.world.names(), replication.Ports{
		Transport: p, Log: &logPort{p}, StateMachine: &machinePort{p}, Tracer: p,
		Metadata: &metadataPort{store: s.world.metadata, server: s, process: p},
	})
	s.world.trace.printf("%s starts run %d on disk %x", s.id, self.Run, uint64(self.Incarnation)&0xffff)
	s.process = p
	s.world.laws.recovered(s, found)
	for _, f := range found {
		p.node.Open(f.Shard, f.Found)
	}
	for shard := range s.world.config.Shards {
		if s.world.coordinates(s.index, shard) {
			id := replication.ShardID(shard)
			p.node.Coordinate(id, s.world.firstServers(shard), s.random.Uint64())
			if s.world.config.Settings != nil {
				p.node.ChangeSettings(id, s.world.config.Settings)
			}
		}
	}
	p.stepSoon()
	return nil
}

// inRun does something to a process, if it still runs: at once, or when it is not
// paused any more.
func (s *server) inRun(p *process, do func()) {
	switch {
	case p == nil || s.process != p:
	case s.paused > 0:
		s.waits = append(s.waits, func() { s.inRun(p, do) })
	default:
		do()
	}
}

// resume lets what waited happen.
func (s *server) resume() {
	waits := s.waits
	s.waits = nil
	for _, do := range waits {
		do()
	}
}

// arrive takes envelopes from the network.
func (s *server) arrive(batch []replication.Envelope) {
	s.inRun(s.process, func() {
		for _, e := range batch {
			s.world.tookMessage(s, e)
			s.process.node.Deliver(e)
		}
		s.process.stepSoon()
	})
}

// complete gives the node what came of a submission.
func (p *process) complete(shard replication.ShardID, event replication.Event) {
	p.server.world.tookEvent(p.server, shard, event)
	p.node.Complete(shard, event)
	p.stepSoon()
}

// stepSoon steps the node when what happens at the same time has happened.
func (p *process) stepSoon() { p.stepBy(p.server.now + p.server.world.config.StepTakes) }

// stepBy steps the node at an instant, if nothing makes it happen before.
func (p *process) stepBy(at time.Duration) {
	if p.stepsAt != 0 && p.stepsAt <= at {
		return
	}
	p.stepsAt = at
	p.server.at(at, func() {
		if p.stepsAt == at {
			p.server.inRun(p, func() {
				if p.stepsAt == at {
					p.step()
				}
			})
		}
	})
}

// step steps the node once, and begins what that asked for.
func (p *process) step() {
	s := p.server
	p.stepsAt = 0
	now := s.clock.now()
	outcomes, next := p.node.Step(now)
	next = earliest(next, p.disk.Machine().Work(now.Mono))
	for _, o := range outcomes {
		s.world.clients.ended(s, o)
	}
	if next != replication.Never {
		p.stepBy(s.clock.when(next))
	}
	p.beginWork()
}

// beginWork lets disk and state machine work on what they were asked.
func (p *process) beginWork() {
	s := p.server
	err := p.disk.Machine().Failed()
	if s.disk.dying {
		err = errDying
	}
	if err != nil {
		s.fails(err)
		return
	}
	if p.disk.Log().Queued() && !p.syncing {
		p.beginSync()
	}
	if p.asked && !p.reading {
		p.reading = true
		s.after(s.diskTakes(), func() { s.inRun(p, p.read) })
	}
	done, answered := p.disk.Machine().Take()
	if len(done)+len(answered) == 0 {
		return
	}
	p.worksUntil = max(p.worksUntil, s.now) + s.workTakes()
	s.at(p.worksUntil, func() {
		s.inRun(p, func() {
			for _, c := range done {
				p.complete(c.Shard, c.Event)
			}
			for _, a := range answered {
				p.node.Answered(a.ID, a.Result)
			}
			p.stepSoon()
		})
	})
}

// beginSync begins to sync the log. Its effect is there at some time before it is
// told: whether at the begin or at the end shows only in a crash, and in what joins
// it meanwhile.
func (p *process) beginSync() {
	s := p.server
	p.syncing, p.synced = true, s.random.IntN(2) == 0
	var durable []walDurable
	if p.synced {
		var ok bool
		if durable, ok = p.sync(); !ok {
			return
		}
	}
	s.after(s.diskTakes(), func() {
		s.inRun(p, func() {
			if !p.synced {
				var ok bool
				if durable, ok = p.sync(); !ok {
					return
				}
			}
			p.syncing = false
			for _, d := range durable {
				p.complete(d.Shard, replication.LogDone{Sequence: d.Sequence})
			}
			p.beginWork()
		})
	})
}

// sync syncs the log, and reports whether the process still runs.
func (p *process) sync() ([]walDurable, bool) {
	durable, err := p.disk.Log().Sync()
	if err != nil {
		p.server.fails(err)
		return nil, false
	}
	for _, d := range durable {
		p.server.world.laws.synced(p.server, d.Shard, d.Sequence)
	}
	return durable, true
}

// read answers what was asked of the log.
func (p *process) read() {
	p.reading, p.asked = false, false
	for _, a := range p.disk.Log().Reads() {
		p.complete(a.Shard, a.Read)
	}
}

// flush makes what was applied durable, and reports whether the process still runs.
func (p *process) flush() bool {
	err := p.disk.Flush()
	if p.server.disk.dying {
		err = errDying
	}
	if err != nil {
		p.server.fails(err)
	}
	return err == nil
}

// fails ends a process whose disk failed. It is started again after a while.
func (s *server) fails(err error) {
	s.world.trace.printf("%s fails: %v", s.id, err)
	s.world.excuse(s, err)
	s.kill(s.random.IntN(101))
	if s.suspect && beyondHelp(err) {
		s.wipe()
	}
	s.after(s.world.config.RestartAfter, s.restart)
}

// kill ends the process: its memory is gone, and so is what was not synced, but for
// about so many percent of it, here and there.
func (s *server) kill(torn int) {
	p := s.process
	if p == nil {
		return
	}
	s.process, s.waits = nil, nil
	if p.syncing && !p.synced && s.random.IntN(2) == 0 {
		// The write was under way: what it wrote may be there, or parts of it.
		s.disk.failSyncs = true
		_, _ = p.disk.Log().Sync()
	}
	before := s.disk
	s.disk = before.crash(torn, s.random.Uint64())
	before.silence()
	// What it still writes, it writes to a disk that nobody reads any more.
	_ = p.disk.Close()
}

// restart starts a process, if nothing keeps it from running; if the disk does, it
// is tried again, or wiped if it is beyond help.
func (s *server) restart() {
	if s.process != nil || s.down > 0 {
		return
	}
	err := s.start()
	if err == nil {
		s.world.report.Restarts++
		return
	}
	s.world.trace.printf("%s cannot start: %v", s.id, err)
	s.world.excuse(s, err)
	s.disk = s.disk.crash(0, 0)
	if s.suspect && beyondHelp(err) {
		s.wipe()
	}
	s.after(s.world.config.RestartAfter, s.restart)
}

// wipe gives the server a new disk.
func (s *server) wipe() {
	s.world.trace.printf("%s has a new disk", s.id)
	s.disk, s.suspect = newDisk(s), false
	s.world.laws.wiped(s)
}

func (s *server) diskTakes() time.Duration { return s.takes(s.world.config.SyncTakes, s.slowDisk) }
func (s *server) workTakes() time.Duration { return s.takes(s.world.config.WorkTakes, s.slowWork) }

func (s *server) takes(mean time.Duration, slow []*Fault) time.Duration {
	if len(slow) > 0 {
		mean += slow[len(slow)-1].Duration
	}
	return mean/2 + time.Duration(s.random.Int64N(int64(mean)))
}

// Send implements replication.Transport.
func (p *process) Send(to replication.ServerID, batch []replication.Envelope) {
	w := p.server.world
	receiver := w.server(to)
	w.network.send(way{p.server.index, receiver.index, receiver.arrive}, slices.Clone(batch))
}

// Trace implements replication.Tracer.
func (p *process) Trace(step replication.TraceStep) {
	p.server.world.laws.took(p.server, step)
	if step.Replica == nil || !p.server.world.trace.reads() {
		return
	}
	text := fmt.Sprintf("%v %v", step.Replica.Role, step.Replica.Term)
	if step.Replica.Serving {
		text += ", serves"
	}
	if text = fmt.Sprintf("shard %d: %v is %s", step.Shard, step.Replica.Member, text); text != p.shown {
		p.shown = text
		p.server.world.trace.printf("%s", text)
	}
}

func earliest(a, b replication.Instant) replication.Instant {
	if a == replication.Never || (b != replication.Never && b < a) {
		return b
	}
	return a
}
