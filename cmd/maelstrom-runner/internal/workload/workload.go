package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// Workload is one kind of test.
type Workload interface {
	Name() string
	// Writes names the functions that change state, for measures of outages.
	Writes() []string
	// Generator fails if the setup does not suit the workload.
	Generator(Setup) (Generator, error)
	Invoke(ctx context.Context, c *client.Client, node string, op Operation) Completion
	Check(ops []history.Operation, cfg checker.Config) checker.Result
}

// Setup is what a generator needs to know of a run.
type Setup struct {
	Nodes   int
	Threads int
	Rng     *rand.Rand
}

// Operation is something to ask.
type Operation struct {
	F     string
	Value any
}

// Completion is what became of it.
type Completion struct {
	Type  history.Type
	Value any
	Error string
	Err   error // what Error says, for those who want to look into it
	// Malformed is set if the answer was none the protocol allows.
	Malformed error
}

// Generator makes operations. It has one caller.
type Generator interface {
	// Next chooses a free thread and its operation. It tells false if it wants none of
	// the free threads.
	Next(p *Pool) (thread int, op Operation, ok bool)
}

// Options are what a run's flags can say about any workload.
type Options struct {
	MeanLatency  time.Duration
	Transactions Transactions
}

var registry = map[string]func(Options) Workload{
	"lin-kv":          newLinKV,
	"echo":            newEcho,
	"unique-ids":      newUniqueIDs,
	"txn-list-append": newTxnListAppend,
	"txn-rw-register": newTxnRWRegister,
}

// Names returns the known workloads.
func Names() []string { return slices.Sorted(maps.Keys(registry)) }

// New returns a workload by name.
func New(name string, opts Options) (Workload, error) {
	build, ok := registry[name]
	if !ok {
		return nil, fmt.Errorf("unknown workload %q: use one of %v", name, Names())
	}
	return build(opts), nil
}

// defaultTimeout is Maelstrom's timeout for requests that do not set another.
const defaultTimeout = 5 * time.Second

// failed turns the error of a call into an outcome.
func failed(op Operation, err error, idempotent bool) Completion {
	done := Completion{Type: history.Info, Value: op.Value, Error: err.Error(), Err: err}
	var answered *client.RPCError
	var malformed *client.MalformedReply
	switch {
	case errors.As(err, &malformed):
		done.Malformed = malformed
	case idempotent, errors.As(err, &answered) && answered.Code.Definite():
		done.Type = history.Fail
	}
	return done
}
