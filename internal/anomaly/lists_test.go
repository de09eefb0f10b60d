package anomaly_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// verdictCase is a story told as a history. Found are the names of all anomalies in it,
// without which it is valid.
type verdictCase struct {
	name  string
	text  string
	found []string
	says  string // a part of the explanation
	// serializable is set if only the order of real time is violated.
	serializable bool
}

func (c verdictCase) run(t *testing.T, data transaction.Data) {
	t.Run(c.name, func(t *testing.T) {
		ops := parse(t, data, c.text)
		got := anomaly.Check(ops, strict(data))
		found := slices.Sorted(maps.Keys(got.Details["anomalies"].(map[string]int)))
		if !slices.Equal(found, c.found) || (got.Verdict == checker.Valid) != (len(c.found) == 0) {
			t.Errorf("%s, %v, want %v:\n%s", got.Verdict, found, c.found, strings.Join(got.Reasons, "\n"))
		}
		if all := strings.Join(got.Reasons, "\n"); !strings.Contains(all, c.says) {
			t.Errorf("%q is missing:\n%s", c.says, all)
		}
		valid := c.serializable || len(c.found) == 0
		cfg := strict(data)
		cfg.RealTime = false // and then the clock must not tell the order of versions either
		if got := anomaly.Check(ops, cfg); (got.Verdict == checker.Valid) != valid {
			t.Errorf("serializable: %s %v, want valid %t", got.Verdict, got.Reasons, valid)
		}
	})
}

var listCases = []verdictCase{
	{name: "reads see appends", text: `
		0 invoke append 1 1; r 1
		0 ok append 1 1; r 1 [1]
		1 invoke r 1; append 1 2; r 1; r 2
		1 ok r 1 [1]; append 1 2; r 1 [1 2]; r 2`},
	{name: "G0: two transactions' appends are mixed", text: `
		0 invoke append 1 1; append 2 1
		1 invoke append 1 2; append 2 2
		0 ok append 1 1; append 2 1
		1 ok append 1 2; append 2 2
		2 invoke r 1; r 2
		2 ok r 1 [1 2]; r 2 [2 1]`,
		found: []string{"G0"}, says: "wrote 1 to key 1, and T2 wrote 2 after it"},
	{name: "G1a: a read of a failed append", text: `
		0 invoke append 1 1
		0 fail append 1 1
		1 invoke r 1
		1 ok r 1 [1]`, found: []string{"G1a"}, says: "comes from a transaction that failed"},
	{name: "G1b: a read in the middle of a transaction", text: `
		0 invoke append 1 1; append 1 2
		1 invoke r 1
		1 ok r 1 [1]
		0 ok append 1 1; append 1 2
		2 invoke r 1
		2 ok r 1 [1 2]`, found: []string{"G-single", "G1b"}, says: "in the middle of"},
	{name: "G1c: each of two saw the other", text: `
		0 invoke append 1 1; r 2
		1 invoke append 2 1; r 1
		0 ok append 1 1; r 2 [1]
		1 ok append 2 1; r 1 [1]`, found: []string{"G1c"}, says: "and T2 found it"},
	{name: "G-single: half of a transaction is seen", text: `
		0 invoke append 1 1; append 2 1
		1 invoke r 1; r 2
		1 ok r 1 [1]; r 2
		0 ok append 1 1; append 2 1
		2 invoke r 2
		2 ok r 2 [1]`, found: []string{"G-single"}, says: "found key 2 at nothing, and did not see that"},
	{name: "G2-item: write skew", text: `
		0 invoke r 1; append 2 1
		1 invoke r 2; append 1 1
		0 ok r 1; append 2 1
		1 ok r 2; append 1 1`, found: []string{"G2-item"}},
	{name: "a transaction forgets what it did", text: `
		0 invoke append 1 1; r 1
		0 ok append 1 1; r 1`, found: []string{"internal"}, says: "a list that ends in [1]"},
	{name: "a transaction sees what it will do", text: `
		0 invoke r 1; append 1 1
		0 ok r 1 [1]; append 1 1`, found: []string{"internal"}, says: "before it wrote it"},
	{name: "a transaction sees two states", text: `
		0 invoke append 1 1
		1 invoke r 1; r 1
		1 ok r 1; r 1 [1]
		0 ok append 1 1`, found: []string{"internal"}},
	{name: "lost update", text: `
		0 invoke r 1; append 1 1
		1 invoke r 1; append 1 2
		0 ok r 1; append 1 1
		1 ok r 1; append 1 2
		0 invoke r 1
		0 ok r 1 [1]`, found: []string{"G-single", "lost-update"}, says: "found key 1 at nothing and wrote to it"},
	{name: "a read of the past", text: `
		0 invoke append 1 1
		0 ok append 1 1
		1 invoke r 1
		1 ok r 1
		1 invoke r 1
		1 ok r 1 [1]`, found: []string{"G-single-realtime"}, says: "ended (event 1) before", serializable: true},
	{name: "an acknowledged append is gone", text: `
		0 invoke append 1 1
		0 ok append 1 1
		1 invoke r 1
		1 ok r 1`, found: []string{"G-single-realtime"}, serializable: true},
	{name: "G0-realtime: appends are in the wrong order", text: `
		0 invoke append 1 1
		0 ok append 1 1
		0 invoke append 1 2
		0 ok append 1 2
		1 invoke r 1
		1 ok r 1 [2 1]`, found: []string{"G0-realtime"}, serializable: true},
	{name: "G1c-realtime: a read of the future", text: `
		0 invoke r 1
		0 ok r 1 [1]
		1 invoke append 1 1
		1 ok append 1 1`, found: []string{"G1c-realtime"}, serializable: true},
	{name: "G2-item-realtime: the reader in the middle saw too little", text: `
		0 invoke append 1 1; r 2
		1 invoke append 2 1
		1 ok append 2 1
		2 invoke r 1
		2 ok r 1
		0 ok append 1 1; r 2`, found: []string{"G2-item-realtime"}, serializable: true},
	{name: "what nobody wrote", text: `
		0 invoke r 1
		0 ok r 1 [7]`, found: []string{"unwritten-read"}},
	{name: "an element is there twice", text: `
		0 invoke append 1 1
		1 invoke r 1
		1 ok r 1 [1 1]`, found: []string{"duplicate-elements"}},
	{name: "two reads that do not fit", text: `
		0 invoke append 1 1
		1 invoke append 1 2
		2 invoke r 1
		3 invoke r 1
		2 ok r 1 [1]
		3 ok r 1 [2]`, found: []string{"incompatible-order"}},
	{name: "a transaction's appends are in the wrong order", text: `
		0 invoke append 1 1; append 1 2
		1 invoke append 1 3
		2 invoke r 1
		2 ok r 1 [2 1 3]`, found: []string{"torn-appends"}, says: "where 2 does not follow 1"},
	{name: "of an unknown transaction all may be seen", text: `
		0 invoke append 1 1; append 2 1
		0 info append 1 1; append 2 1
		1 invoke r 1; r 2
		1 ok r 1; r 2
		1 invoke r 1; r 2
		1 ok r 1 [1]; r 2 [1]`},
	{name: "of an unknown transaction nothing may be seen", text: `
		0 invoke append 1 1; append 2 1
		1 invoke r 1; r 2
		1 ok r 1; r 2`},
	{name: "of an unknown transaction half is seen", text: `
		0 invoke append 1 1; append 2 1
		0 info append 1 1; append 2 1
		1 invoke r 1; r 2
		1 ok r 1 [1]; r 2`, found: []string{"G-single"}},
	{name: "an unknown transaction's own reads say nothing", text: `
		0 invoke r 2; append 1 1
		0 info r 2; append 1 1
		1 invoke append 2 1
		1 ok append 2 1
		1 invoke r 1; r 2
		1 ok r 1 [1]; r 2 [1]`},
	{name: "a failed transaction's reads say nothing", text: `
		0 invoke append 1 1
		0 ok append 1 1
		1 invoke r 1
		1 fail r 1`},
}

func TestLists(t *testing.T) {
	for _, c := range listCases {
		c.run(t, transaction.Lists)
	}
}

func TestAValueWrittenTwiceCannotBeJudged(t *testing.T) {
	got := anomaly.Check(parse(t, transaction.Lists, `
		0 invoke append 1 1
		1 invoke append 1 1`), strict(transaction.Lists))
	if got.Verdict != checker.Unknown {
		t.Errorf("%+v", got)
	}
}
