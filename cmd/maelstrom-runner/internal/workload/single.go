package workload

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// echoTexts is how many different texts echo sends.
const echoTexts = 128

// echo asks nodes to return what they are sent.
type echo struct{}

func newEcho(Options) Workload { return echo{} }

func (echo) Name() string     { return "echo" }
func (echo) Writes() []string { return []string{"echo"} }

func (echo) Generator(s Setup) (Generator, error) {
	return anyThread(func() Operation {
		return Operation{F: "echo", Value: fmt.Sprintf(`"Please echo %d"`, s.Rng.IntN(echoTexts))}
	}), nil
}

func (echo) Invoke(ctx context.Context, c *client.Client, node string, op Operation) Completion {
	body := client.Body{"type": "echo", "echo": json.RawMessage(op.Value.(string))}
	return oneField(ctx, c, node, op, body, client.Want{Type: "echo_ok", Fields: []string{"echo"}})
}

func (echo) Check(ops []history.Operation, _ checker.Config) checker.Result {
	return checker.Echoes(ops)
}

// uniqueIDs asks nodes for ids that nobody else gets.
type uniqueIDs struct{}

func newUniqueIDs(Options) Workload { return uniqueIDs{} }

func (uniqueIDs) Name() string     { return "unique-ids" }
func (uniqueIDs) Writes() []string { return []string{"generate"} }

func (uniqueIDs) Generator(Setup) (Generator, error) {
	return anyThread(func() Operation { return Operation{F: "generate"} }), nil
}

func (uniqueIDs) Invoke(ctx context.Context, c *client.Client, node string, op Operation) Completion {
	body := client.Body{"type": "generate"}
	return oneField(ctx, c, node, op, body, client.Want{Type: "generate_ok", Fields: []string{"id"}})
}

func (uniqueIDs) Check(ops []history.Operation, _ checker.Config) checker.Result {
	return checker.UniqueIDs(ops)
}

// oneField makes a call whose answer has one field, and returns it in canonical JSON.
func oneField(ctx context.Context, c *client.Client, node string, op Operation, body client.Body, want client.Want) Completion {
	reply, err := c.Call(ctx, node, body, want, defaultTimeout)
	if err != nil {
		return failed(op, err, false)
	}
	value, err := message.Canonical(reply[want.Fields[0]])
	if err != nil {
		return failed(op, err, false)
	}
	return Completion{Type: history.OK, Value: value}
}

// anyThread gives each free thread the next operation.
type anyThread func() Operation

func (next anyThread) Next(p *Pool) (int, Operation, bool) {
	thread, ok := p.Free(0, len(p.free))
	if !ok {
		return 0, Operation{}, false
	}
	return thread, next(), true
}
