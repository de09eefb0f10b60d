package workload

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// Transactions says what transactions look like. Zero values mean Maelstrom's defaults.
type Transactions struct {
	KeyCount        int // keys in use at a time
	MaxLength       int // steps of a transaction
	MaxWritesPerKey int // then another key takes its place
	// Serializable asks for no more than that: real time may be turned around.
	Serializable bool
	// NoClock forbids to tell the order of a register's versions from real time.
	NoClock bool
}

// Maelstrom's defaults; the number of keys is Elle's.
const (
	DefaultKeyCount        = 10
	DefaultMaxLength       = 4
	DefaultMaxWritesPerKey = 16
)

// txns tests transactions over lists or registers.
type txns struct {
	name string
	data transaction.Data
	opts Transactions
}

func newTxnListAppend(opts Options) Workload {
	return txns{"txn-list-append", transaction.Lists, opts.Transactions.orDefaults()}
}

func newTxnRWRegister(opts Options) Workload {
	return txns{"txn-rw-register", transaction.Registers, opts.Transactions.orDefaults()}
}

func (o Transactions) orDefaults() Transactions {
	for _, f := range []struct {
		field *int
		value int
	}{{&o.KeyCount, DefaultKeyCount}, {&o.MaxLength, DefaultMaxLength}, {&o.MaxWritesPerKey, DefaultMaxWritesPerKey}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return o
}

const txnF = "txn"

func (w txns) Name() string   { return w.name }
func (txns) Writes() []string { return []string{txnF} }

// Invoke gives no transaction up as failed that may have happened: not even one that
// only reads, because Maelstrom does not either.
func (w txns) Invoke(ctx context.Context, c *client.Client, node string, op Operation) Completion {
	asked := op.Value.(transaction.Txn)
	body := client.Body{"type": txnF, "txn": asked}
	reply, err := c.Call(ctx, node, body, client.Want{Type: "txn_ok", Fields: []string{"txn"}}, defaultTimeout)
	if err != nil {
		return failed(op, err, false)
	}
	done, err := asked.Complete(reply["txn"])
	if err != nil {
		return failed(op, &client.MalformedReply{Node: node, Reason: err.Error(), Body: reply["txn"]}, false)
	}
	return Completion{Type: history.OK, Value: done}
}

func (w txns) Check(ops []history.Operation, _ checker.Config) checker.Result {
	return anomaly.Check(ops, anomaly.Config{
		Data: w.data, RealTime: !w.opts.Serializable, VersionsByClock: !w.opts.NoClock,
	})
}

func (w txns) Generator(s Setup) (Generator, error) {
	g := &txnGenerator{data: w.data, opts: w.opts, rng: s.Rng, written: make(map[int]int)}
	for key := range w.opts.KeyCount {
		g.keys = append(g.keys, key)
	}
	return anyThread(func() Operation { return Operation{F: txnF, Value: g.draw()} }), nil
}

// txnGenerator draws transactions as Elle does. Half of the steps read. Each key in use
// is twice as likely as the one before it. A key that has had its share of writes is
// replaced by a new one, so that no list grows without end, and what was lost of a
// key shows before nobody reads it any more.
type txnGenerator struct {
	data    transaction.Data
	opts    Transactions
	rng     *rand.Rand
	keys    []int
	written map[int]int // keys in use to the number of their writes
}

func (g *txnGenerator) draw() transaction.Txn {
	t := transaction.Txn{Data: g.data}
	for length := 1 + g.rng.IntN(g.opts.MaxLength); len(t.Steps) < length; {
		at := g.place()
		step := transaction.Step{F: transaction.Read, Key: g.keys[at]}
		if g.rng.IntN(2) == 0 {
			if g.written[step.Key] == g.opts.MaxWritesPerKey {
				delete(g.written, step.Key)
				g.keys[at] = slices.Max(g.keys) + 1
				continue
			}
			g.written[step.Key]++
			step.F, step.Value = g.data.Write(), g.written[step.Key]
		}
		t.Steps = append(t.Steps, step)
	}
	return t
}

// place draws a key's place: i with the weight 2^(i+1).
func (g *txnGenerator) place() int {
	n := len(g.keys)
	weights := math.Exp2(float64(n+1)) - 2
	return min(n-1, int(math.Log2(g.rng.Float64()*weights+2))-1)
}
