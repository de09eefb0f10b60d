package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/cluster"
	"github.com/ostraka-db/ostraka/internal/history"
)

// Options say what a run is. Cluster must be set; Tell is told what befalls it.
type Options struct {
	Cluster *cluster.Cluster
	Seed    uint64
	Lasts   time.Duration
	// Faults are the kinds to choose from; all if empty.
	Faults []Fault
	// Registers is how many there are, and Clients how many use them.
	Registers, Clients int
	Tell               func(string)
}

// Target is a cluster that clients use while something is done to it: what is done is its
// own business.
type Target interface {
	// Addresses are the public ones of servers, by which clients find the cluster.
	Addresses() []string
	// Failed returns what ended by itself; nil if nothing did.
	Failed() error
}

// Load is clients and what they use. All of it must be set but Seed.
type Load struct {
	Target Target
	Seed   uint64
	// Registers is how many there are, and Clients how many use them.
	Registers, Clients int
}

// Report is what came of a run.
type Report struct {
	// Operations, Journal and Notifications count what was checked.
	Operations, Journal, Notifications, Sessions int
	Faults                                       int
	// Events are the registers' history.
	Events []history.Event
}

const (
	// readyWithin bounds how long the cluster may take to serve at first, and after the
	// last fault.
	readyWithin = 30 * time.Second
	// checkWithin bounds the search through the registers' history.
	checkWithin = 2 * time.Minute
	journals    = 2
	tenants     = 2
)

// Run harms a cluster that was just started, and returns an error that says what was
// wrong, if anything was.
func Run(ctx context.Context, o Options) (Report, error) {
	steps := Plan(PlanOptions{
		Seed: o.Seed, Servers: names(o.Cluster.Servers()), Coordinators: names(o.Cluster.Coordinators()),
		Lasts: o.Lasts, Kinds: o.Faults,
	})
	report, err := o.underLoad(ctx, func(ctx context.Context, begun time.Time) error {
		if err := play(ctx, o.Cluster, steps, begun, o.Tell); err != nil {
			return err
		}
		sleepUntil(ctx, begun.Add(o.Lasts))
		return nil
	})
	report.Faults = len(steps)
	return report, err
}

// underLoad does something to the cluster while clients use it, and judges what they saw.
func (o Options) underLoad(ctx context.Context, do func(ctx context.Context, begun time.Time) error) (Report, error) {
	return UnderLoad(ctx, Load{Target: o.Cluster, Seed: o.Seed, Registers: o.Registers, Clients: o.Clients}, do)
}

// UnderLoad does something to a target while clients use it, and judges what they saw.
// The target must serve again when it is done. The context of do ends only with the
// caller's.
func UnderLoad(ctx context.Context, l Load, do func(ctx context.Context, begun time.Time) error) (Report, error) {
	c, err := connect(ctx, l.Target)
	if err != nil {
		return Report{}, err
	}
	defer c.Close()
	begun := time.Now()
	watcher, err := connect(ctx, l.Target)
	if err != nil {
		return Report{}, err
	}
	defer watcher.Close()
	r := &run{load: l, recorder: newRecorder(begun), puts: newAcknowledged()}
	defer r.close()
	if err := r.clients(ctx, c, watcher); err != nil {
		return Report{}, err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	for _, work := range r.work {
		r.running.Go(func() { work(working) })
	}
	done := do(working, begun)
	stop()
	r.running.Wait()
	report := Report{Events: r.recorder.events()}
	if err := errors.Join(done, l.Target.Failed()); err != nil {
		return report, err
	}
	return report, r.verify(ctx, c, &report)
}

func names(members []*cluster.Member) []string {
	var all []string
	for _, m := range members {
		all = append(all, m.Name)
	}
	return all
}

// connect makes a client once the cluster serves.
func connect(ctx context.Context, c Target) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	var last error
	for i := 0; ctx.Err() == nil; i++ {
		addresses := c.Addresses()
		made, err := client.New(ctx, addresses[i%len(addresses)])
		if err == nil {
			return made, nil
		}
		last = err
		if c.Failed() != nil {
			break
		}
		sleepUntil(ctx, time.Now().Add(10*time.Millisecond))
	}
	return nil, fmt.Errorf("the cluster does not serve, and was waited for for up to %v: %w", readyWithin, errors.Join(last, c.Failed()))
}

// run is what a run has under way.
type run struct {
	load     Load
	recorder *recorder
	puts     *acknowledged
	journals []*journal
	tenants  []*tenant
	listener *listener
	own      []*client.Client
	work     []func(context.Context)
	running  sync.WaitGroup
}

// close ends what clients makes.
func (r *run) close() {
	if r.listener != nil {
		r.listener.subscription.Close()
	}
	for _, c := range r.own {
		c.Close()
	}
}

// clients makes those that work while the cluster is harmed.
func (r *run) clients(ctx context.Context, shared, watcher *client.Client) (err error) {
	if r.listener, err = listen(ctx, watcher); err != nil {
		return err
	}
	r.work = append(r.work, r.listener.run)
	for i := range tenants {
		n := &tenant{
			owner: shared, watcher: watcher, prefix: fmt.Sprintf("tenant/%d/", i),
			draw: rand.New(rand.NewPCG(r.load.Seed, 1000+uint64(i))),
		}
		r.tenants = append(r.tenants, n)
		r.work = append(r.work, n.run)
	}
	for i := range r.load.Clients {
		// Of two puts of one key in one batch, the notifications tell the last. A client of
		// its own has one operation at a time.
		own, err := connect(ctx, r.load.Target)
		if err != nil {
			return err
		}
		r.own = append(r.own, own)
		w := &registers{
			client: own, recorder: r.recorder, thread: i, keys: r.load.Registers,
			draw: rand.New(rand.NewPCG(r.load.Seed, uint64(i)+1)), puts: r.puts,
		}
		r.work = append(r.work, w.run)
	}
	for i := range journals {
		j := &journal{client: shared, prefix: fmt.Sprintf("journal/%d/", i), puts: r.puts}
		r.journals = append(r.journals, j)
		r.work = append(r.work, j.run)
	}
	return nil
}

// verify judges what clients saw.
func (r *run) verify(ctx context.Context, c *client.Client, report *Report) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	var wrong []error
	for _, j := range r.journals {
		report.Journal += len(j.kept)
		wrong = append(wrong, j.verify(ctx))
	}
	for _, n := range r.tenants {
		report.Sessions += n.held
		wrong = append(wrong, n.verify(ctx))
	}
	wrong = append(wrong, r.listener.verify(ctx, r.puts))
	report.Notifications = r.listener.events
	ops := history.Operations(report.Events)
	for _, op := range ops {
		if op.Outcome() == history.OK {
			report.Operations++
		}
	}
	verdict := checker.Linearizable(ops, checker.Config{Timeout: checkWithin})
	if verdict.Verdict != checker.Valid {
		wrong = append(wrong, fmt.Errorf("the registers' history is %s: %v", verdict.Verdict, verdict.Reasons))
	}
	if report.Operations == 0 || report.Journal == 0 || report.Notifications == 0 || report.Sessions == 0 {
		wrong = append(wrong, fmt.Errorf("something was not checked: %d operations, %d keys of journals, %d notifications, %d sessions",
			report.Operations, report.Journal, report.Notifications, report.Sessions))
	}
	return errors.Join(wrong...)
}
