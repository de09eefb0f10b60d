package corpus

import (
	"fmt"
	"strings"

	"github.com/ostraka-db/ostraka/replication"
)

// Coverage counts what behaviours brought about in the core.
type Coverage struct {
	// Actions are the specification's, Events those that the core was given.
	Actions, Events map[string]int
	// Received and Sent are the kinds of messages; Made are those received that the
	// core had not sent before itself, but the specification might.
	Received, Sent, Made map[string]int
	// Durable are the kinds of durable steps.
	Durable map[string]int
}

// NewCoverage returns one without counts.
func NewCoverage() *Coverage {
	return &Coverage{
		Actions: map[string]int{}, Events: map[string]int{}, Received: map[string]int{}, Sent: map[string]int{},
		Made: map[string]int{}, Durable: map[string]int{},
	}
}

// Add adds another's counts.
func (c *Coverage) Add(o *Coverage) {
	for _, pair := range [][2]map[string]int{
		{c.Actions, o.Actions}, {c.Events, o.Events}, {c.Received, o.Received}, {c.Sent, o.Sent},
		{c.Made, o.Made}, {c.Durable, o.Durable},
	} {
		for k, n := range pair[1] {
			pair[0][k] += n
		}
	}
}

func (c *Coverage) action(name string)           { c.Actions[name]++ }
func (c *Coverage) sent(m replication.Message)   { c.Sent[kind(m)]++ }
func (c *Coverage) made(m replication.Message)   { c.Made[kind(m)]++ }
func (c *Coverage) taken(m replication.Message)  { c.Received[kind(m)]++ }
func (c *Coverage) durable(op replication.LogOp) { c.Durable[op.Kind.String()]++ }

func (c *Coverage) event(e replication.Event) {
	c.Events[kind(e)]++
	if receive, ok := e.(replication.Receive); ok {
		c.Received[kind(receive.Envelope.Message)]++
	}
}

// kind is the name of a message's or an event's type.
func kind(of any) string { return strings.TrimPrefix(fmt.Sprintf("%T", of), "replication.") }

// String shows the counts as tables.
func (c *Coverage) String() string {
	var text strings.Builder
	table := func(title string, counts map[string]int) {
		fmt.Fprintf(&text, "%s:\n", title)
		for _, k := range sortedKeys(counts) {
			fmt.Fprintf(&text, "  %-40s %7d\n", k, counts[k])
		}
	}
	table("Actions", c.Actions)
	fmt.Fprintf(&text, "Messages:%32s %7s %7s\n", "received", "sent", "made")
	kinds := map[string]int{}
	for _, m := range []map[string]int{c.Received, c.Sent} {
		for k := range m {
			kinds[k]++
		}
	}
	for _, k := range sortedKeys(kinds) {
		fmt.Fprintf(&text, "  %-30s %8d %7d %7d\n", k, c.Received[k], c.Sent[k], c.Made[k])
	}
	table("Durable steps", c.Durable)
	table("Events", c.Events)
	return text.String()
}
