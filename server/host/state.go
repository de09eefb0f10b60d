package host

import (
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// stateDriver hands the state machine what it is asked, on a goroutine of its own. The
// node has one batch and one import of a shard under way at a time, and one export for
// each member that needs a snapshot, which is the bound of what waits here.
type stateDriver struct {
	gates *gates
	wake  chan struct{}
	// queries are reads that the node has confirmed in this step. They are answered
	// at once, with the right to read the state.
	queries []confirmed

	mu      sync.Mutex
	waiting []stateTask
}

// confirmed is a read, and the generation of the state at the moment of its
// confirmation.
type confirmed struct {
	query      replication.QueryID
	generation uint64
}

type stateTaskKind uint8

const (
	taskApply stateTaskKind = iota + 1
	taskExport
	taskImport
	taskDelete
	// taskDamage tells the machine what a reader met.
	taskDamage
)

// stateTask is one call of the state machine. Only the fields of its kind are set.
type stateTask struct {
	kind    stateTaskKind
	shard   replication.ShardID
	entries []replication.Entry
	ask     replication.ExportAsk
	part    replication.SnapshotPart
	damage  error
}

var _ replication.StateMachine = (*stateDriver)(nil)

func newStateDriver(g *gates) *stateDriver {
	return &stateDriver{gates: g, wake: make(chan struct{}, 1)}
}

// Apply implements replication.StateMachine.
func (d *stateDriver) Apply(shard replication.ShardID, entries []replication.Entry) {
	d.put(stateTask{kind: taskApply, shard: shard, entries: entries})
}

// Query implements replication.StateMachine.
func (d *stateDriver) Query(shard replication.ShardID, id replication.QueryID, _ []byte) {
	d.queries = append(d.queries, confirmed{id, d.gates.of(shard).generation.Load()})
}

// Export implements replication.StateMachine.
func (d *stateDriver) Export(shard replication.ShardID, ask replication.ExportAsk) {
	d.put(stateTask{kind: taskExport, shard: shard, ask: ask})
}

// Import implements replication.StateMachine.
func (d *stateDriver) Import(shard replication.ShardID, part replication.SnapshotPart) {
	d.put(stateTask{kind: taskImport, shard: shard, part: part})
}

// Delete implements replication.StateMachine. From now on nobody begins to read what
// is to be deleted.
func (d *stateDriver) Delete(shard replication.ShardID) {
	d.gates.of(shard).generation.Add(1)
	d.put(stateTask{kind: taskDelete, shard: shard})
}

func (d *stateDriver) put(t stateTask) {
	d.mu.Lock()
	d.waiting = append(d.waiting, t)
	d.mu.Unlock()
}

// start begins what a step asked for.
func (d *stateDriver) start() {
	if d.depth() > 0 {
		signal(d.wake)
	}
}

// depth is how much waits.
func (d *stateDriver) depth() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.waiting)
}

func (d *stateDriver) take() []stateTask {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.waiting
	d.waiting = nil
	return taken
}

// workState is the state machine's goroutine. It works through what waits, and
// otherwise when the machine wants to be called.
func (h *Host) workState() {
	machine := h.disk.Machine()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-h.state.wake:
		case <-timer.C:
		}
		for _, t := range h.state.take() {
			if h.stopping() {
				return
			}
			h.work(machine, t)
			if !h.taken(machine) {
				return
			}
			if t.kind == taskApply {
				h.notices.applied(t.shard)
			}
		}
		now := h.clock.now().Mono
		next := machine.Work(now)
		if !h.taken(machine) {
			return
		}
		if next != replication.Never {
			timer.Reset(max(next.Sub(now), 0))
		}
	}
}

// work carries out one task.
func (h *Host) work(machine *storage.Machine, t stateTask) {
	switch t.kind {
	case taskApply:
		began := time.Now()
		machine.Apply(t.shard, t.entries)
		h.observer.Applied(len(t.entries), time.Since(began))
	case taskExport:
		machine.Export(t.shard, t.ask)
	case taskImport:
		if t.part.Final {
			defer h.alone(t.shard)()
		}
		machine.Import(t.shard, t.part)
	case taskDelete:
		defer h.alone(t.shard)()
		machine.Delete(t.shard)
	case taskDamage:
		machine.Damaged(t.shard, t.damage)
	}
}

// alone waits until nobody reads a shard, and returns what lets them again.
func (h *Host) alone(shard replication.ShardID) func() {
	g := h.gates.of(shard)
	g.mu.Lock()
	return g.mu.Unlock
}

// taken hands on what came of the machine's work, and reports false if the machine
// stopped.
func (h *Host) taken(machine *storage.Machine) bool {
	if err := machine.Failed(); err != nil {
		h.fail(err)
		return false
	}
	done, _ := machine.Take()
	if len(done) == 0 {
		return true
	}
	h.mail.put(func(m *mail) { m.events = append(m.events, done...) })
	return true
}
