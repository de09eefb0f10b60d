package anomaly

import (
	"fmt"
	"strings"

	"github.com/ostraka-db/ostraka/internal/dependency"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// describe shows a transaction, and where to find it in the history.
func (r *record) describe(i int) string {
	t := r.txns[i]
	when := fmt.Sprintf("events %d to %d", t.begin, t.end)
	switch t.outcome {
	case history.Info:
		when = fmt.Sprintf("event %d, outcome unknown", t.begin)
	case history.Fail:
		when = fmt.Sprintf("event %d, failed", t.begin)
	}
	return fmt.Sprintf("%v (%s, %s)", t.did, t.node, when)
}

func name(value int) string {
	if value == transaction.Nothing {
		return "nothing"
	}
	return fmt.Sprint(value)
}

// explain says in words why the transactions of a cycle have no order.
func (r *record) explain(c dependency.Cycle) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d transactions that would have to come before themselves", len(c))
	called := make(map[int]string)
	for i, e := range c {
		called[e.From] = fmt.Sprintf("T%d", i+1)
		fmt.Fprintf(&b, "\n      %s = %s", called[e.From], r.describe(e.From))
	}
	for _, e := range c {
		fmt.Fprintf(&b, "\n      %s before %s (%s): %s", called[e.From], called[e.To], e.Kind, r.why(e, called[e.From], called[e.To]))
	}
	return b.String()
}

func (r *record) why(e dependency.Edge, from, to string) string {
	var s string
	switch e.Kind {
	case dependency.WW:
		s = fmt.Sprintf("%s wrote %d to key %d, and %s wrote %d after it", from, e.Old, e.Key, to, e.New)
	case dependency.WR:
		s = fmt.Sprintf("%s wrote %d to key %d, and %s found it", from, e.Old, e.Key, to)
	case dependency.RW:
		s = fmt.Sprintf("%s found key %d at %s, and did not see that %s wrote %d", from, e.Key, name(e.Old), to, e.New)
	default:
		return fmt.Sprintf("%s ended (event %d) before %s began (event %d)", from, r.txns[e.From].end, to, r.txns[e.To].begin)
	}
	if e.ByClock {
		s += fmt.Sprintf("; that %s is older than %d is known from the times at which they were written and found", name(e.Old), e.New)
	}
	return s
}
