package containers

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/internal/chaos"
)

var (
	file  = flag.String("compose.file", "", "the compose file of a cluster to run and to harm")
	name  = flag.String("compose.project", "ostraka-test", "the project's name")
	image = flag.String("compose.image", "ostraka:latest", "the image to run")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// shards is how many the configuration of the cluster has.
	shards = 6
	// healthyWithin bounds a start, and tookOverWithin how long others may take to lead
	// what somebody led: each many times what is usual, for machines that are busy.
	healthyWithin  = 2 * time.Minute
	tookOverWithin = time.Minute
	// caughtUp is how many entries a follower under load may lag.
	caughtUp = 1000
	// harmedFor is how long a fault lasts at least: long enough for silence to be noticed.
	harmedFor = 4 * time.Second
	// lookEvery is how often servers are asked.
	lookEvery = 50 * time.Millisecond
)

// TestCompose brings the cluster of the compose file up, kills, cuts off, pauses and
// restarts its containers while clients of the host use it, and judges what they saw.
// Only scripts/compose runs it: it needs Docker.
func TestCompose(t *testing.T) {
	if *file == "" {
		t.Skip("it needs Docker and an image; scripts/compose has both")
	}
	p, err := Open(t.Context(), Options{File: *file, Name: *name, Env: []string{"OSTRAKA_IMAGE=" + *image}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, p) })
	c := &composed{T: t, Project: p}
	c.phase("up and healthy", func() error {
		return errors.Join(p.Up(t.Context()), p.AwaitHealthy(t.Context(), healthyWithin))
	})
	c.phase("every container's metrics", c.scrape)
	c.phase("a client in a container, and one on the host", c.reachable)
	c.phase("faults under load", c.harm)
	c.phase("stop in order", func() error { return p.Stop(t.Context()) })
	c.phase("up again", func() error {
		return errors.Join(p.Up(t.Context()), p.AwaitHealthy(t.Context(), healthyWithin))
	})
	c.phase("what was written is there", func() error { return c.read(t.Context()) })
}

// end removes the project, and before that says what its containers said, if the test
// failed.
func end(t *testing.T, p *Project) {
	ctx := context.WithoutCancel(t.Context())
	if t.Failed() {
		logs, err := p.Compose(ctx, "logs", "--no-color", "--tail", "60")
		t.Logf("the containers' last lines: %s %v", logs, err)
	}
	if err := p.Down(ctx); err != nil {
		t.Error(err)
	}
}

// composed is a test of a project.
type composed struct {
	*testing.T
	*Project
}

// phase does something, and says how long it took.
func (c *composed) phase(what string, do func() error) {
	c.Helper()
	begun := time.Now()
	if err := do(); err != nil {
		c.Fatalf("%s, after %.1f s: %v", what, time.Since(begun).Seconds(), err)
	}
	c.Logf("%6.1f s  %s", time.Since(begun).Seconds(), what)
}

func (c *composed) servers() []*Container {
	var servers []*Container
	for _, one := range c.Containers {
		if strings.HasPrefix(one.Service, "server-") {
			servers = append(servers, one)
		}
	}
	return servers
}

// public are the addresses that servers advertise.
func public(servers ...*Container) []string {
	var addresses []string
	for _, s := range servers {
		addresses = append(addresses, net.JoinHostPort(s.Address, "6648"))
	}
	return addresses
}

// target is the cluster as clients of the host find it: by the host's ports first.
type target struct{ *composed }

// Addresses implements chaos.Target.
func (t target) Addresses() []string {
	var addresses []string
	for _, s := range t.servers() {
		addresses = append(addresses, s.Published("6648/tcp"))
	}
	return addresses
}

func (c *composed) scrape() error {
	for _, one := range c.Containers {
		answer, err := http.Get("http://" + net.JoinHostPort(one.Address, "8080") + "/metrics")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "\nostraka_") {
			return fmt.Errorf("%s has no metrics of its own: %s, %w", one.Service, answer.Status, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	return nil
}

const key, value = "written/in-a-container", "hello"

// reachable writes in a container, which finds servers by name, and reads on the host.
func (c *composed) reachable() error {
	_, err := docker(c.Context(), "run", "--rm", "--read-only", "--network", c.Containers[0].network, *image,
		"client", "put", key, value, "--service-address", "server-2:6648")
	return errors.Join(err, c.read(c.Context()))
}

// read reads by each of the host's ports.
func (c *composed) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tookOverWithin)
	defer cancel()
	for _, address := range (target{c}).Addresses() {
		reader, err := client.New(ctx, address)
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		record, err := reader.Get(ctx, key)
		if err = errors.Join(err, reader.Close()); err != nil || string(record.Value) != value {
			return fmt.Errorf("by %s, %s is %q: %w", address, key, record.Value, err)
		}
	}
	return nil
}

// fault strikes a container, and is undone.
type fault struct {
	what         string
	strike, undo func(*Container, context.Context) error
	// coordinator is killed before it, if there is one: another has to elect then.
	coordinator string
	// victim is a service; whoever leads most, if it is empty.
	victim string
}

func (c *composed) harm() error {
	faults := []fault{
		{what: "killed", strike: (*Container).Kill, undo: (*Container).Start},
		{what: "cut off its network", strike: (*Container).Cut, undo: (*Container).Heal},
		{what: "paused", strike: (*Container).Pause, undo: (*Container).Resume},
		{what: "killed while coordinator-1 is away", strike: (*Container).Kill, undo: (*Container).Start, coordinator: "coordinator-1"},
		{what: "cut off while coordinator-2 is away", strike: (*Container).Cut, undo: (*Container).Heal, coordinator: "coordinator-2"},
	}
	for _, s := range c.servers() {
		faults = append(faults, fault{what: "restarted", strike: (*Container).Stop, undo: (*Container).Start, victim: s.Service})
	}
	load := chaos.Load{Target: target{c}, Seed: 1, Registers: 8, Clients: 8}
	report, err := chaos.UnderLoad(c.Context(), load, func(ctx context.Context, _ time.Time) error {
		for _, f := range faults {
			if err := c.play(ctx, f); err != nil {
				return fmt.Errorf("%s %s: %w", f.victim, f.what, err)
			}
		}
		return nil
	})
	c.Logf("%d faults; %d operations on registers, %d keys of journals, %d notifications and %d sessions checked",
		len(faults), report.Operations, report.Journal, report.Notifications, report.Sessions)
	return err
}

// play carries a fault out once the cluster is whole: it lasts until others lead all that
// the victim led, and a while longer.
func (c *composed) play(ctx context.Context, f fault) error {
	servers := c.servers()
	if err := await(ctx, tookOverWithin, lookEvery, func() error { return Lagging(ctx, shards, caughtUp, public(servers...)...) }); err != nil {
		return fmt.Errorf("before it: %w", err)
	}
	if err := c.Failed(); err != nil {
		return err
	}
	victim, led := c.leader(ctx)
	if f.victim != "" {
		victim = c.Find(f.victim)
		led = len(Leads(ctx, public(victim)...)[public(victim)[0]])
	}
	if f.coordinator != "" {
		if err := c.Find(f.coordinator).Kill(ctx); err != nil {
			return err
		}
	}
	struck := time.Now()
	if err := f.strike(victim, ctx); err != nil {
		return err
	}
	done := time.Now()
	if err := c.tookOver(ctx, servers, victim); err != nil {
		return err
	}
	c.Logf("          %s, which led %d shards, is %s in %.1f s; others lead them %.1f s later",
		victim.Service, led, f.what, done.Sub(struck).Seconds(), time.Since(done).Seconds())
	rest(ctx, time.Until(done.Add(harmedFor)))
	errs := []error{f.undo(victim, ctx)}
	if f.coordinator != "" {
		errs = append(errs, c.Find(f.coordinator).Start(ctx))
	}
	return errors.Join(errors.Join(errs...), c.AwaitHealthy(ctx, healthyWithin))
}

// tookOver waits until all shards are led by others than the victim.
func (c *composed) tookOver(ctx context.Context, servers []*Container, victim *Container) error {
	var others []*Container
	for _, s := range servers {
		if s != victim {
			others = append(others, s)
		}
	}
	return await(ctx, tookOverWithin, lookEvery, func() error {
		led := map[int64]bool{}
		for _, leads := range Leads(ctx, public(others...)...) {
			for _, shard := range leads {
				led[shard] = true
			}
		}
		if len(led) < shards {
			return fmt.Errorf("without %s only %v of %d shards are led", victim.Service, led, shards)
		}
		return nil
	})
}

// leader is the server that leads most shards, and how many.
func (c *composed) leader(ctx context.Context) (*Container, int) {
	var leader *Container
	most := -1
	for _, s := range c.servers() {
		address := public(s)[0]
		if count := len(Leads(ctx, address)[address]); count > most {
			leader, most = s, count
		}
	}
	return leader, most
}

// rest lets time pass while clients work.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
