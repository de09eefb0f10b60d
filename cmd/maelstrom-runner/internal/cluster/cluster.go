package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/process"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/service"
)

const (
	initTimeout = 10 * time.Second // as in Maelstrom
	maxProblems = 16               // remembered; the rest is counted
)

// Config describes a cluster.
type Config struct {
	Nodes    int
	Bin      string
	Args     []string
	Store    string // logs and working directories go below it
	Network  network.Config
	OnStderr func(node, line string) // optional; called from many goroutines
}

// Cluster is a running set of nodes and services.
type Cluster struct {
	cfg   Config
	net   *network.Network
	nodes []*node

	stopServices context.CancelFunc
	waitServices func()

	broken chan struct{} // closed at the first problem

	mu         sync.Mutex // guards everything below
	started    bool
	nextClient int
	problems   []error
	unlisted   int // problems that did not fit
}

// node is a member of the cluster, alive or not.
type node struct {
	id string

	mu   sync.Mutex // held for the whole of a kill, start, pause or resume
	proc *process.Process
}

// Start runs the nodes and services and waits for every init_ok.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	bin, err := filepath.Abs(cfg.Bin)
	if err != nil {
		return nil, fmt.Errorf("find the node's program: %w", err)
	}
	cfg.Bin = bin
	c := &Cluster{cfg: cfg, net: network.New(cfg.Network), broken: make(chan struct{})}
	serving, stop := context.WithCancel(context.Background())
	c.stopServices = stop
	c.waitServices = service.Serve(serving, c.net, service.Defaults(cfg.Network.Seed))
	for i := range cfg.Nodes {
		c.nodes = append(c.nodes, &node{id: NodeID(i)})
	}
	errs := make([]error, len(c.nodes))
	var starting sync.WaitGroup
	for i, n := range c.nodes {
		starting.Go(func() { errs[i] = c.Start(ctx, n.id) })
	}
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		c.Close()
		return nil, errors.Join(err, errors.Join(c.Problems()...))
	}
	c.mu.Lock()
	c.started = true
	c.mu.Unlock()
	return c, nil
}

// NodeID is the id of the node with the given number, from 0.
func NodeID(i int) string { return "n" + strconv.Itoa(i) }

// Close ends the cluster.
func (c *Cluster) Close() {
	var killing sync.WaitGroup
	for _, n := range c.nodes {
		killing.Go(func() { _ = c.Kill(n.id) }) // cannot fail for a known node
	}
	killing.Wait()
	c.stopServices()
	c.waitServices()
}

// Nodes returns the ids of the nodes.
func (c *Cluster) Nodes() []string {
	ids := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		ids[i] = n.id
	}
	return ids
}

// OpenClient adds a client to the network.
func (c *Cluster) OpenClient() *client.Client {
	c.mu.Lock()
	id := "c" + strconv.Itoa(c.nextClient)
	c.nextClient++
	c.mu.Unlock()
	return client.Open(c.net, id)
}

// Counts returns what the network has seen.
func (c *Cluster) Counts() network.Counts { return c.net.Counts() }

// Drop cuts connections.
func (c *Cluster) Drop(g network.Grudge) { c.net.Drop(g) }

// Heal restores all connections.
func (c *Cluster) Heal() { c.net.Heal() }

// Lose loses a share of the messages between nodes.
func (c *Cluster) Lose(share float64) { c.net.Lose(share) }

// Duplicate delivers a share of the messages between nodes twice.
func (c *Cluster) Duplicate(share float64) { c.net.Duplicate(share) }

// Slow delays what a node sends and receives.
func (c *Cluster) Slow(node string, extra time.Duration) { c.net.Slow(node, extra) }

// Broken is closed when a problem is known.
func (c *Cluster) Broken() <-chan struct{} { return c.broken }

// Problems returns what the nodes did that no correct node does.
func (c *Cluster) Problems() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := append([]error(nil), c.problems...)
	if c.unlisted > 0 {
		out = append(out, fmt.Errorf("and %d more", c.unlisted))
	}
	return out
}

// Report adds a problem.
func (c *Cluster) Report(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.problems) == 0 {
		close(c.broken)
	}
	if len(c.problems) == maxProblems {
		c.unlisted++
		return
	}
	c.problems = append(c.problems, err)
}

func (c *Cluster) node(id string) (*node, error) {
	for _, n := range c.nodes {
		if n.id == id {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no node %q in the cluster", id)
}

// Start runs a node that is not running, and waits for its init_ok.
func (c *Cluster) Start(ctx context.Context, id string) error {
	n, err := c.node(id)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc != nil {
		return nil
	}
	spec, err := c.spec(id)
	if err != nil {
		return err
	}
	host := c.OpenClient()
	defer host.Close()
	inbox := c.join(id, host.ID())
	proc, err := process.Start(spec, c.net, inbox, process.Hooks{
		Stderr: func(line string) {
			if c.cfg.OnStderr != nil {
				c.cfg.OnStderr(id, line)
			}
		},
		Protocol: c.Report,
		Exited:   c.Report,
	})
	if err != nil {
		c.net.Leave(id)
		return err
	}
	n.proc = proc
	err = c.init(ctx, n, host)
	c.net.Meet(id)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("node %s did not answer init with init_ok: %w", id, err)
		if c.isStarted() {
			c.Report(err)
		}
		return err
	}
	return ctx.Err()
}

// join takes a node into the network. One that comes back to a running cluster hears
// nobody before it has answered init: requests that arrive before it knows its own name
// would be the bench's mistake, as Maelstrom's clients start when every node is ready.
// Nodes that start together may hear each other at once, as in Maelstrom.
func (c *Cluster) join(id, host string) *network.Inbox {
	if c.isStarted() {
		return c.net.JoinShy(id, host)
	}
	return c.net.Join(id)
}

func (c *Cluster) isStarted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

func (c *Cluster) spec(id string) (process.Spec, error) {
	dir, logs := filepath.Join(c.cfg.Store, "node-dirs", id), filepath.Join(c.cfg.Store, "node-logs")
	for _, d := range []string{dir, logs} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return process.Spec{}, fmt.Errorf("make a directory for node %s: %w", id, err)
		}
	}
	return process.Spec{
		Node: id, Bin: c.cfg.Bin, Args: c.cfg.Args, Dir: dir, Log: filepath.Join(logs, id+".log"),
	}, nil
}

func (c *Cluster) init(ctx context.Context, n *node, host *client.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	// No need to wait for the timeout when the program has ended.
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		select {
		case <-n.proc.Done():
			cancel()
		case <-ctx.Done():
		}
	})
	body := client.Body{"type": "init", "node_id": n.id, "node_ids": c.Nodes()}
	_, err := host.Call(ctx, n.id, body, client.Want{Type: "init_ok", AnyFields: true}, initTimeout)
	if errors.Is(err, context.Canceled) {
		return errors.New("it ended before it did")
	}
	return err
}

// Kill ends a node at once. A node that is dead stays dead.
func (c *Cluster) Kill(id string) error {
	return c.with(id, func(n *node) {
		n.proc.Kill()
		n.proc = nil
		c.net.Leave(id)
	})
}

// Pause stops a node where it is.
func (c *Cluster) Pause(id string) error {
	return c.with(id, func(n *node) { n.proc.Pause() })
}

// Resume lets a paused node go on.
func (c *Cluster) Resume(id string) error {
	return c.with(id, func(n *node) { n.proc.Resume() })
}

// with calls f for a node that has a process.
func (c *Cluster) with(id string, f func(*node)) error {
	n, err := c.node(id)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc != nil {
		f(n)
	}
	return nil
}
