package failover

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/cluster"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/history"
)

const (
	calm         = 500 * time.Millisecond // without a fault before each kill
	patience     = 30 * time.Second       // for writes to go on, or a node to come back
	noticed      = 50 * time.Millisecond  // an interruption is at least this long,
	noticedTimes = 3                      // and this many times the slowest calm write
	maxIdleKills = 5                      // kills per node and trial that nobody noticed
	readBack     = 10                     // acknowledged writes read back after each kill
)

// Config says what to measure.
type Config struct {
	Trials   int
	Workload workload.Workload // its client makes the probes
	Tracker  *Tracker
	Pattern  bool // the tracker has a pattern to go by
}

// Trial is one killed leader.
type Trial struct {
	Leader  string
	Took    time.Duration
	Resumed string // the node that answered first
}

// Why a measurement can end early.
var (
	errSilent   = errors.New("nodes did not answer")
	errNoLeader = errors.New("no leader was found")
)

// driver is the goroutine that kills and listens.
type driver struct {
	cfg     Config
	cluster *cluster.Cluster
	prober  *prober
	reader  *client.Client
	history recorder
	acked   []int // keys acknowledged lately, at most readBack
	turn    int   // whom to try next without a pattern
}

// Run measures, and returns what it found and the history of all probes. An error says
// why there are fewer trials than asked for.
func Run(ctx context.Context, cfg Config, c *cluster.Cluster) ([]Trial, []history.Event, error) {
	ctx, stop := context.WithCancel(ctx)
	p := &prober{cluster: c, calls: cfg.Workload, start: time.Now(), done: make(chan probe, maxReported)}
	d := &driver{cfg: cfg, cluster: c, prober: p, reader: c.OpenClient()}
	var probing sync.WaitGroup
	probing.Go(func() { p.run(ctx) })
	trials, err := d.measure(ctx)
	stop()
	probing.Wait()
	d.reader.Close()
	return trials, d.history.events(), err
}

func (d *driver) measure(ctx context.Context) ([]Trial, error) {
	var trials []Trial
	for idle := 0; len(trials) < d.cfg.Trials; {
		slowest, err := d.settle(ctx)
		if err != nil {
			return trials, err
		}
		victim, err := d.choose(ctx)
		if err != nil {
			return trials, err
		}
		trial, err := d.kill(ctx, victim)
		if err != nil {
			return trials, err
		}
		if d.cfg.Pattern || trial.Took >= max(noticed, noticedTimes*slowest) {
			trials, idle = append(trials, trial), 0
		} else if idle++; idle > maxIdleKills*len(d.cluster.Nodes()) {
			return trials, fmt.Errorf("no kill interrupts writes: %w", errNoLeader)
		}
		if err := d.restore(ctx, victim); err != nil {
			return trials, err
		}
	}
	return trials, nil
}

// settle waits until every node has answered and time has passed, and returns how
// slow the slowest write was meanwhile.
func (d *driver) settle(ctx context.Context) (slowest time.Duration, err error) {
	from := d.now()
	for _, node := range d.cluster.Nodes() {
		if _, err := d.await(ctx, func(p probe) bool { return p.ok(node, from) }); err != nil {
			return 0, fmt.Errorf("wait for %s before a kill: %w", node, err)
		}
	}
	from = d.now()
	_, err = d.await(ctx, func(p probe) bool {
		if p.outcome == history.OK && p.began >= from {
			slowest = max(slowest, p.took)
		}
		return p.began >= from+calm
	})
	return slowest, err
}

// choose names the node to kill.
func (d *driver) choose(ctx context.Context) (string, error) {
	if !d.cfg.Pattern {
		nodes := d.cluster.Nodes()
		d.turn++
		return nodes[(d.turn-1)%len(nodes)], nil
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		leader, changed := d.cfg.Tracker.Leader()
		if leader != "" {
			return leader, nil
		}
		select {
		case <-changed:
		case p := <-d.prober.done:
			d.take(p)
		case <-timeout.C:
			return "", fmt.Errorf("no node has printed a line that matches --leader-pattern: %w", errNoLeader)
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (d *driver) kill(ctx context.Context, victim string) (Trial, error) {
	began := d.now()
	if err := d.cluster.Kill(victim); err != nil {
		return Trial{}, err
	}
	d.cfg.Tracker.Forget(victim)
	first, err := d.await(ctx, func(p probe) bool {
		return p.outcome == history.OK && p.node != victim && p.began >= began
	})
	if err != nil {
		return Trial{}, fmt.Errorf("wait for writes after the kill of %s: %w", victim, err)
	}
	return Trial{Leader: victim, Took: first.began + first.took - began, Resumed: first.node}, nil
}

// restore brings the victim back, waits for it to answer, and reads back what was
// acknowledged around the kill.
func (d *driver) restore(ctx context.Context, victim string) error {
	keys := d.acked
	if err := d.cluster.Start(ctx, victim); err != nil {
		return err
	}
	from := d.now()
	if _, err := d.await(ctx, func(p probe) bool { return p.ok(victim, from) }); err != nil {
		return fmt.Errorf("wait for %s after its restart: %w", victim, err)
	}
	nodes := d.cluster.Nodes()
	for i, key := range keys {
		d.history.add(d.prober.read(ctx, d.reader, nodes[i%len(nodes)], key))
	}
	return nil
}

// await takes in probes until one is what the caller waits for.
func (d *driver) await(ctx context.Context, wanted func(probe) bool) (probe, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case p := <-d.prober.done:
			d.take(p)
			if wanted(p) {
				return p, nil
			}
		case <-timeout.C:
			return probe{}, fmt.Errorf("%w for %v", errSilent, patience)
		case <-d.cluster.Broken():
			return probe{}, errors.New("a node misbehaved")
		case <-ctx.Done():
			return probe{}, ctx.Err()
		}
	}
}

func (d *driver) take(p probe) {
	d.history.add(p)
	if p.outcome != history.OK {
		return
	}
	if len(d.acked) == readBack {
		d.acked = append([]int(nil), d.acked[1:]...) // a copy: restore keeps the old one
	}
	d.acked = append(d.acked, p.value.Key)
}

func (d *driver) now() time.Duration { return time.Since(d.prober.start) }
