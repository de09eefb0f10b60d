package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

// ResizeOptions say how a cluster grows and shrinks again. Options.Lasts and
// Options.Faults are not used.
type ResizeOptions struct {
	Options
	// To is how many servers there are in between, Shards and Replication what the
	// configuration has.
	To, Shards, Replication int
	// Kills is how many processes are killed while it grows, and again while it shrinks.
	Kills int
	// Settle bounds how long the replicas may take to be where they are to be, after the
	// last kill, and, with Leaders, the leaderships: a server that was killed is given
	// none before it has been up for a while.
	Settle  time.Duration
	Leaders bool
}

// Resize adds servers to a cluster that was just started, by editing its configuration,
// and takes as many out of it again: which, the seed draws. Data servers and coordinators
// are killed meanwhile, one at a time. It returns an error that says what was wrong, if
// anything was.
func Resize(ctx context.Context, o ResizeOptions) (Report, error) {
	r := &resize{ResizeOptions: o, draw: rand.New(rand.NewPCG(o.Seed, 0))}
	report, err := o.underLoad(ctx, func(ctx context.Context, _ time.Time) error {
		if err := r.grow(ctx); err != nil {
			return fmt.Errorf("while the cluster grew: %w", err)
		}
		if err := r.shrink(ctx); err != nil {
			return fmt.Errorf("while the cluster shrank: %w", err)
		}
		return nil
	})
	report.Faults = 2 * o.Kills
	return report, err
}

type resize struct {
	ResizeOptions
	draw *rand.Rand
}

// grow starts more servers, and writes them into the configuration, at once or one by
// one.
func (r *resize) grow(ctx context.Context) error {
	wanted := r.Cluster.Servers()
	atOnce := r.draw.IntN(2) == 0
	var steps [][]*cluster.Member
	for len(wanted) < r.To {
		added, err := r.Cluster.AddServer()
		if err != nil {
			return err
		}
		wanted = append(wanted, added)
		if !atOnce || len(wanted) == r.To {
			steps = append(steps, slices.Clone(wanted))
		}
	}
	return r.change(ctx, steps, 1)
}

// shrink takes servers out of the configuration, and ends them when nothing is left on
// them.
func (r *resize) shrink(ctx context.Context) error {
	all := r.Cluster.Servers()
	r.draw.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	keep := r.Replication
	if err := r.change(ctx, [][]*cluster.Member{all[:keep]}, 0); err != nil {
		return err
	}
	for _, s := range all[keep:] {
		if err := r.Cluster.Retire(s); err != nil {
			return err
		}
		r.Tell(s.Name + " has left")
	}
	begun := time.Now()
	l, err := awaitLayout(ctx, r.Cluster, r.Settle, func(l *layout) string {
		if problem := l.problem(names(all[:keep]), r.Shards, r.Replication, 0); problem != "" || !r.Leaders {
			return problem
		}
		return l.uneven()
	})
	if err == nil {
		r.Tell(fmt.Sprintf("%.1fs after the last has left: %v", time.Since(begun).Seconds(), l))
	}
	return err
}

// change writes one configuration after another while processes are killed, and waits
// until the last is brought about.
func (r *resize) change(ctx context.Context, steps [][]*cluster.Member, spread int) error {
	var killing sync.WaitGroup
	defer killing.Wait()
	killed := make(chan error, 1)
	faults := rand.New(rand.NewPCG(r.draw.Uint64(), 0))
	killing.Go(func() { killed <- r.kill(ctx, faults) })
	for i, servers := range steps {
		if i > 0 {
			sleepUntil(ctx, time.Now().Add(between(r.draw, 0, longestPause)))
		}
		r.Tell("the servers are to be " + strings.Join(names(servers), " "))
		if err := r.Cluster.Configure(servers...); err != nil {
			return err
		}
	}
	if err := <-killed; err != nil {
		return err
	}
	begun := time.Now()
	l, err := r.settled(ctx, steps[len(steps)-1], spread)
	if err == nil {
		r.Tell(fmt.Sprintf("%.1fs after the last kill: %v", time.Since(begun).Seconds(), l))
	}
	return err
}

func (r *resize) settled(ctx context.Context, wanted []*cluster.Member, spread int) (*layout, error) {
	return awaitLayout(ctx, r.Cluster, r.Settle, func(l *layout) string {
		return l.problem(names(wanted), r.Shards, r.Replication, spread)
	})
}

// Times of kills. A process is away for longer than it takes to notice, or not.
const (
	betweenKills = 1500 * time.Millisecond
	shortestAway = 50 * time.Millisecond
	longestAway  = 1500 * time.Millisecond
)

// kill kills one process after another, and starts each again.
func (r *resize) kill(ctx context.Context, draw *rand.Rand) error {
	for range r.Kills {
		sleepUntil(ctx, time.Now().Add(between(draw, 0, betweenKills)))
		victims := r.Cluster.Servers()
		if draw.IntN(3) == 0 {
			victims = r.Cluster.Coordinators()
		}
		victim := victims[draw.IntN(len(victims))]
		r.Tell("kill " + victim.Name)
		if err := victim.Kill(); err != nil {
			return err
		}
		sleepUntil(ctx, time.Now().Add(between(draw, shortestAway, longestAway)))
		if err := r.Cluster.Recover(); err != nil {
			return err
		}
	}
	return nil
}
