package trial

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/cluster"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/history"
)

// Config describes a run.
type Config struct {
	Workload workload.Workload
	Threads  int
	Rate     float64       // operations per second; 0 means none at all
	Limit    time.Duration // when the last operation may start
	Plan     []nemesis.Step
	// Recovers says that the plan ends with all faults cured, and that clients are to give
	// up then what they still wait for: what follows shows how soon nodes recover, and not
	// how patient clients are with what was lost long before.
	Recovers bool
	Seed     uint64
}

const (
	streamOperations = 0x6f7065726174696f
	streamArrivals   = 0x6172726976616c73
)

// runner is the state of the goroutine that directs a run.
type runner struct {
	cfg       Config
	cluster   *cluster.Cluster
	generator workload.Generator
	pool      *workload.Pool
	arrivals  *rand.Rand
	history   history.History

	start       time.Time
	next        time.Duration // when the next operation is due
	outstanding int
	full        bool // the history has no room

	waiting context.Context         // of the operations that begin now
	giveUp  context.CancelCauseFunc // ends it
	played  int                     // steps of the plan that are done

	tasks       []chan task     // one per thread, of capacity 1
	completions chan completion // of capacity 1 per thread
	faults      chan fault      // unbuffered: the nemesis waits to be heard
}

// task is an operation for a thread.
type task struct {
	op  workload.Operation
	ctx context.Context
}

// errGaveUp is why an operation ended unknown at the end of all faults.
var errGaveUp = errors.New("gave-up-at-recovery")

type completion struct {
	thread int
	workload.Completion
	f string
}

type fault struct {
	step nemesis.Step
	done bool
	err  error
}

// Run runs the workload to its end and returns the history. It fails, before anything
// has run, if the configuration does not suit the workload.
func Run(ctx context.Context, cfg Config, c *cluster.Cluster) ([]history.Event, error) {
	generator, err := cfg.Workload.Generator(workload.Setup{
		Nodes: len(c.Nodes()), Threads: cfg.Threads, Rng: rand.New(rand.NewPCG(cfg.Seed, streamOperations)),
	})
	if err != nil {
		return nil, err
	}
	r := &runner{
		cfg: cfg, cluster: c, generator: generator, pool: workload.NewPool(cfg.Threads),
		arrivals:    rand.New(rand.NewPCG(cfg.Seed, streamArrivals)),
		start:       time.Now(),
		completions: make(chan completion, cfg.Threads),
		faults:      make(chan fault),
	}
	if cfg.Rate <= 0 {
		r.next = cfg.Limit
	}
	ctx, stop := context.WithCancel(ctx)
	r.waiting, r.giveUp = context.WithCancelCause(ctx)
	var running sync.WaitGroup
	for thread := range cfg.Threads {
		tasks := make(chan task, 1)
		r.tasks = append(r.tasks, tasks)
		node := c.Nodes()[thread%len(c.Nodes())]
		running.Go(func() { r.work(thread, node, tasks) })
	}
	running.Go(func() { r.torment(ctx) })
	r.direct(ctx, stop)
	r.giveUp(nil) // nothing waits any more
	stop()
	for _, tasks := range r.tasks {
		close(tasks)
	}
	running.Wait()
	return r.history.Events(), nil
}

// work is a client thread.
func (r *runner) work(thread int, node string, tasks <-chan task) {
	c := r.cluster.OpenClient()
	defer c.Close()
	for t := range tasks {
		done := r.cfg.Workload.Invoke(t.ctx, c, node, t.op)
		if done.Malformed != nil {
			r.cluster.Report(done.Malformed)
		}
		r.completions <- completion{thread, done, t.op.F}
	}
}

// torment is the nemesis's thread.
func (r *runner) torment(ctx context.Context) {
	nemesis.Play(ctx, r.cfg.Plan, r.start, r.cluster, func(step nemesis.Step, done bool, err error) {
		select {
		case r.faults <- fault{step, done, err}:
		case <-ctx.Done():
		}
	})
}

// direct is the loop of the run. It returns when nothing is outstanding.
func (r *runner) direct(ctx context.Context, stop context.CancelFunc) {
	broken := r.cluster.Broken()
	for {
		select {
		case done := <-r.completions:
			r.complete(done)
			continue
		default:
		}
		now := time.Since(r.start)
		over := now >= r.cfg.Limit || r.full || ctx.Err() != nil
		if over && r.outstanding == 0 {
			return
		}
		waiting := false // for a thread, rather than for the time
		if !over && now >= r.next {
			if r.dispatch(now) {
				continue
			}
			waiting = true
		}
		timer := time.NewTimer(r.pause(now, over, waiting))
		select {
		case done := <-r.completions:
			r.complete(done)
		case f := <-r.faults:
			r.record(ctx, f)
		case <-broken:
			broken = nil
			stop()
		case <-timer.C:
		}
		timer.Stop()
	}
}

// idle is how long the loop sleeps when only a completion can wake it. It ends with
// the context all the same, because then the completions come.
const idle = time.Second

func (r *runner) pause(now time.Duration, over, waiting bool) time.Duration {
	switch {
	case over:
		return idle
	case waiting:
		return min(idle, r.cfg.Limit-now)
	}
	return min(r.next, r.cfg.Limit) - now
}

// dispatch starts an operation if the generator has one.
func (r *runner) dispatch(now time.Duration) bool {
	thread, op, ok := r.generator.Next(r.pool)
	if !ok {
		return false
	}
	r.add(history.Event{
		Type: history.Invoke, Process: r.pool.Process(thread), Thread: thread,
		Node: r.cluster.Nodes()[thread%len(r.cluster.Nodes())], F: op.F, Value: op.Value,
	})
	r.pool.Busy(thread)
	r.outstanding++
	r.tasks[thread] <- task{op, r.waiting} // has room: the thread was free
	r.schedule(now)
	return true
}

// tooLate is how late an operation may start without moving the schedule. The system's
// timers are late by about a millisecond; a schedule that followed them would fall
// short of the rate.
const tooLate = 5 * time.Millisecond

func (r *runner) schedule(now time.Duration) {
	if now-r.next > tooLate {
		r.next = now
	}
	r.next += time.Duration(r.arrivals.Float64() * 2 / r.cfg.Rate * float64(time.Second))
}

func (r *runner) complete(done completion) {
	r.add(history.Event{
		Type: done.Type, Process: r.pool.Process(done.thread), Thread: done.thread,
		Node: r.cluster.Nodes()[done.thread%len(r.cluster.Nodes())], F: done.f, Value: done.Value, Error: done.Error,
	})
	r.pool.Done(done.thread, done.Type)
	r.outstanding--
}

func (r *runner) record(ctx context.Context, f fault) {
	e := history.Event{Type: history.Info, Process: history.Nemesis, F: string(f.step.Do), Value: Fault{f.step, f.done}}
	if f.err != nil {
		e.Error = f.err.Error()
	}
	r.add(e)
	if !f.done {
		return
	}
	if r.played++; r.cfg.Recovers && r.played == len(r.cfg.Plan) {
		r.giveUp(errGaveUp)
		r.waiting, r.giveUp = context.WithCancelCause(ctx)
	}
}

// Fault is the value of the nemesis's events: each step appears when it begins and
// when it is done.
type Fault struct {
	nemesis.Step
	Done bool `json:"done"`
}

func (r *runner) add(e history.Event) {
	e.Time = time.Since(r.start)
	r.full = !r.history.Add(e) || r.full
}
