package chaos

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

// stint and rest are for how long a server that is starved runs, and does not. It is
// away for less than after what it counts as silent.
const (
	stint = 60 * time.Millisecond
	rest  = 140 * time.Millisecond
)

// TestOverload starves servers of processors while clients use them, and expects no
// election: every quorum is healthy, though slow. Servers are stopped for most of the
// time, each in its own rhythm; and all processes are the last to be given a processor,
// beside threads that want all of them.
func TestOverload(t *testing.T) {
	if *overload == 0 {
		t.Skip("it wants the machine for itself: run scripts/overload")
	}
	for _, starve := range []struct {
		name string
		nice int
		run  func(context.Context, *cluster.Cluster) error
	}{
		{"stopped again and again", 0, stopAgain},
		{"behind busy threads", 19, beBusy},
	} {
		t.Run(starve.name, func(t *testing.T) {
			c, err := cluster.Start(cluster.Options{
				Binaries: programs(t), Dir: t.TempDir(), Servers: 3, Coordinators: 2, Direct: true, Seed: 5000, Nice: starve.nice,
				Namespaces: "- name: default\n  initialShardCount: 20\n  replicationFactor: 3",
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}()
			var before, after float64
			report, err := Options{
				Cluster: c, Registers: 8, Clients: 6, Tell: func(text string) { t.Log(text) },
			}.underLoad(t.Context(), func(ctx context.Context, _ time.Time) error {
				begun, err := terms(ctx, c)
				if err != nil {
					return err
				}
				starving, stop := context.WithTimeout(ctx, *overload)
				defer stop()
				if err := starve.run(starving, c); err != nil {
					return err
				}
				before = begun
				after, err = terms(ctx, c)
				return err
			})
			t.Logf("%d operations on registers, %d keys of journals, %d notifications and %d sessions checked",
				report.Operations, report.Journal, report.Notifications, report.Sessions)
			if err != nil {
				t.Error(err)
			}
			if before != after {
				t.Errorf("%v elections were held", after-before)
			}
			for _, failure := range []error{c.Recover(), c.Stop()} {
				if failure != nil {
					t.Error(failure)
				}
			}
		})
	}
}

// terms sums the terms of all shards, which every election raises.
func terms(ctx context.Context, c *cluster.Cluster) (float64, error) {
	highest := map[string]float64{}
	for _, s := range c.Servers() {
		samples, err := s.Scrape(ctx)
		if err != nil {
			return 0, fmt.Errorf("the metrics of %s: %w", s.Name, err)
		}
		for _, one := range samples {
			if one.Name == "ostraka_replica_term" {
				shard := one.Labels["shard"]
				highest[shard] = max(highest[shard], one.Value)
			}
		}
	}
	sum := 0.0
	for _, term := range highest {
		sum += term
	}
	return sum, nil
}

// stopAgain stops every server for most of the time.
func stopAgain(ctx context.Context, c *cluster.Cluster) error {
	var running sync.WaitGroup
	for i, s := range c.Servers() {
		running.Go(func() {
			sleepUntil(ctx, time.Now().Add(time.Duration(i)*rest/3))
			for ctx.Err() == nil {
				if s.Pause() != nil {
					return
				}
				sleepUntil(ctx, time.Now().Add(rest))
				if s.Resume() != nil {
					return
				}
				sleepUntil(ctx, time.Now().Add(stint))
			}
		})
	}
	running.Wait()
	return c.Recover()
}

// beBusy wants every processor, twice.
func beBusy(ctx context.Context, _ *cluster.Cluster) error {
	var running sync.WaitGroup
	for range 2 * runtime.NumCPU() {
		running.Go(func() {
			for n := 0; n%1000 != 0 || ctx.Err() == nil; n++ {
			}
		})
	}
	running.Wait()
	return nil
}
