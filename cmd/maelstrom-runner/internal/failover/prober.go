package failover

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/cluster"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

const (
	// ProbeInterval is the time between two writes to one node, and the resolution of
	// the measurement.
	ProbeInterval = 10 * time.Millisecond
	// maxOpen is how many probes of one node may be unanswered: as many as are sent
	// within a client's timeout of one second, and some more.
	maxOpen = 128
	// maxReported is how many finished probes may wait while the driver kills or starts
	// a node. Further ones wait with their clients.
	maxReported = 4096
)

// probe is one finished operation.
type probe struct {
	node        string
	f           string
	began, took time.Duration // began counts from the start of the run
	outcome     history.Type
	value       checker.Register
	err         string
}

func (p probe) ok(node string, after time.Duration) bool {
	return p.outcome == history.OK && p.node == node && p.began >= after
}

// prober writes to all nodes all the time.
type prober struct {
	cluster *cluster.Cluster
	calls   workload.Workload
	start   time.Time
	nextKey atomic.Int64
	done    chan probe // of capacity maxReported
}

// run probes until the context ends.
func (p *prober) run(ctx context.Context) {
	var nodes sync.WaitGroup
	for _, node := range p.cluster.Nodes() {
		nodes.Go(func() { p.probeNode(ctx, node) })
	}
	nodes.Wait()
}

func (p *prober) probeNode(ctx context.Context, node string) {
	idle := make(chan *client.Client, maxOpen)
	for range maxOpen {
		idle <- p.cluster.OpenClient()
	}
	var open sync.WaitGroup
	defer func() {
		open.Wait()
		for range maxOpen {
			(<-idle).Close()
		}
	}()
	tick := time.NewTicker(ProbeInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		select {
		case c := <-idle:
			open.Go(func() {
				p.report(ctx, p.write(ctx, c, node))
				idle <- c
			})
		default: // all are waiting: the next tick will find one
		}
	}
}

func (p *prober) report(ctx context.Context, done probe) {
	select {
	case p.done <- done:
	case <-ctx.Done():
	}
}

func (p *prober) write(ctx context.Context, c *client.Client, node string) probe {
	key := int(p.nextKey.Add(1))
	return p.call(ctx, c, node, checker.Write, checker.Register{Key: key, Value: strconv.Itoa(key)})
}

// read reads back what was acknowledged. That the key does not exist is an answer
// here, and a wrong one.
func (p *prober) read(ctx context.Context, c *client.Client, node string, key int) probe {
	return p.call(ctx, c, node, checker.Read, checker.Register{Key: key})
}

func (p *prober) call(ctx context.Context, c *client.Client, node, f string, value checker.Register) probe {
	began := time.Since(p.start)
	done := p.calls.Invoke(ctx, c, node, workload.Operation{F: f, Value: value})
	if done.Malformed != nil {
		p.cluster.Report(done.Malformed)
	}
	outcome := done.Type
	var answered *client.RPCError
	if f == checker.Read && errors.As(done.Err, &answered) && answered.Code == message.KeyDoesNotExist {
		outcome = history.OK
	}
	return probe{
		node: node, f: f, began: began, took: time.Since(p.start) - began, outcome: outcome,
		value: done.Value.(checker.Register), err: done.Error,
	}
}
