package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

const (
	registerValues = 5  // writes and cas draw from 0 to 4
	processLimit   = 20 // processes that may touch one key
	minTimeout     = time.Second
)

// linKV tests linearizable registers as Jepsen does. Threads form groups of twice the
// number of nodes n, and each group works on a key of its own until 20 processes
// have touched it: every unknown outcome uses up a process, and makes the key harder
// to check. Threads 0 to n-1 only read; all others mix one write with two cas.
//
// That only the first group has readers is how Jepsen's generators compose (a
// reservation inside a group counts threads from 0, whichever the group is), and it
// decides what share of operations can succeed: see the generator's tests.
type linKV struct{ timeout time.Duration }

func newLinKV(opts Options) Workload {
	return linKV{timeout: max(10*opts.MeanLatency, minTimeout)}
}

func (linKV) Name() string     { return "lin-kv" }
func (linKV) Writes() []string { return []string{checker.Write, checker.CAS} }

func (linKV) Check(ops []history.Operation, cfg checker.Config) checker.Result {
	return checker.Linearizable(ops, cfg)
}

func (linKV) Generator(s Setup) (Generator, error) {
	size := 2 * s.Nodes
	if s.Threads < size || s.Threads%size != 0 {
		return nil, fmt.Errorf("lin-kv works in groups of twice the number of nodes: use a multiple of 2n, such as 4n, not %d", s.Threads)
	}
	g := &registerGenerator{rng: s.Rng, nodes: s.Nodes, size: size}
	for range s.Threads / size {
		g.groups = append(g.groups, g.newKey())
	}
	return g, nil
}

type registerGenerator struct {
	rng     *rand.Rand
	nodes   int
	size    int // threads in a group
	nextKey int
	groups  []keyGroup
}

type keyGroup struct {
	key     int
	touched map[history.Process]bool
}

func (g *registerGenerator) newKey() keyGroup {
	k := g.nextKey
	g.nextKey++
	return keyGroup{key: k, touched: make(map[history.Process]bool)}
}

func (g *registerGenerator) Next(p *Pool) (int, Operation, bool) {
	var able []int // groups with a free thread
	for i := range g.groups {
		if _, ok := p.Free(i*g.size, (i+1)*g.size); ok {
			able = append(able, i)
		}
	}
	if len(able) == 0 {
		return 0, Operation{}, false
	}
	i := able[g.rng.IntN(len(able))]
	from, to := i*g.size, (i+1)*g.size
	g.touch(i, p.Processes(from, to))
	thread, reads := g.chooseThread(p, from, to)
	return thread, g.operation(g.groups[i].key, reads), true
}

// touch counts the group's processes against its key, and moves the group to a new
// key when they are too many.
func (g *registerGenerator) touch(i int, processes []history.Process) {
	group := &g.groups[i]
	for {
		for _, p := range processes {
			group.touched[p] = true
		}
		if len(group.touched) <= processLimit || len(processes) > processLimit {
			return
		}
		*group = g.newKey()
	}
}

// chooseThread picks a reader or a writer of a group that has a free thread; if both
// are free, in proportion to how many there are.
func (g *registerGenerator) chooseThread(p *Pool, from, to int) (thread int, reads bool) {
	split := min(max(from, g.nodes), to) // threads below it only read
	reader, canRead := p.Free(from, split)
	writer, canWrite := p.Free(split, to)
	if canRead && canWrite {
		canRead = g.rng.IntN(to-from) < split-from
	}
	if canRead {
		return reader, true
	}
	return writer, false
}

func (g *registerGenerator) operation(key int, reads bool) Operation {
	if reads {
		return Operation{F: checker.Read, Value: checker.Register{Key: key}}
	}
	if g.rng.IntN(3) == 0 {
		return Operation{F: checker.Write, Value: checker.Register{Key: key, Value: g.value()}}
	}
	return Operation{F: checker.CAS, Value: checker.Register{Key: key, From: g.value(), To: g.value()}}
}

func (g *registerGenerator) value() string { return strconv.Itoa(g.rng.IntN(registerValues)) }

func (w linKV) Invoke(ctx context.Context, c *client.Client, node string, op Operation) Completion {
	reg := op.Value.(checker.Register)
	body := client.Body{"type": op.F, "key": reg.Key}
	want := client.Want{Type: op.F + "_ok"}
	switch op.F {
	case checker.Read:
		want.Fields = []string{"value"}
	case checker.Write:
		body["value"] = json.RawMessage(reg.Value)
	case checker.CAS:
		body["from"], body["to"] = json.RawMessage(reg.From), json.RawMessage(reg.To)
	}
	reply, err := c.Call(ctx, node, body, want, w.timeout)
	if err != nil {
		return failed(op, err, op.F == checker.Read)
	}
	if op.F == checker.Read {
		value, err := message.Canonical(reply["value"])
		if err != nil {
			return failed(op, err, true)
		}
		if reg.Value = value; value == "null" {
			reg.Value = checker.Absent
		}
	}
	return Completion{Type: history.OK, Value: reg}
}
