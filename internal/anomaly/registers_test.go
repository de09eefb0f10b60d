package anomaly_test

import (
	"testing"

	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

var registerCases = []verdictCase{
	{name: "reads see writes", text: `
		0 invoke w 1 1; r 1
		0 ok w 1 1; r 1 1
		1 invoke r 1; w 1 2; r 1; r 2
		1 ok r 1 1; w 1 2; r 1 2; r 2`},
	{name: "G0: versions follow one another both ways", text: `
		0 invoke r 1; w 1 1; w 2 1
		1 invoke r 2; w 1 2; r 1; w 2 2
		0 ok r 1 2; w 1 1; w 2 1
		1 ok r 2 1; w 1 2; r 1 2; w 2 2`,
		found: []string{"G0", "G1c"}},
	{name: "G1a: a read of a failed write", text: `
		0 invoke w 1 1
		0 fail w 1 1
		1 invoke r 1
		1 ok r 1 1`, found: []string{"G1a"}},
	{name: "G1b: a read in the middle of a transaction", text: `
		0 invoke w 1 1; w 1 2
		1 invoke r 1
		1 ok r 1 1
		0 ok w 1 1; w 1 2`, found: []string{"G1b"}},
	{name: "G1c: each of two saw the other", text: `
		0 invoke w 1 1; r 2
		1 invoke w 2 1; r 1
		0 ok w 1 1; r 2 1
		1 ok w 2 1; r 1 1`, found: []string{"G1c"}},
	{name: "G-single: half of a transaction is seen", text: `
		0 invoke w 1 1; w 2 1
		1 invoke r 1; r 2
		1 ok r 1 1; r 2
		0 ok w 1 1; w 2 1`, found: []string{"G-single"}},
	{name: "G2-item: write skew", text: `
		0 invoke r 1; w 2 1
		1 invoke r 2; w 1 1
		0 ok r 1; w 2 1
		1 ok r 2; w 1 1`, found: []string{"G2-item"}},
	{name: "a transaction forgets what it did", text: `
		0 invoke w 1 1; r 1
		0 ok w 1 1; r 1`, found: []string{"internal"}},
	{name: "lost update", text: `
		0 invoke w 1 1
		0 ok w 1 1
		0 invoke r 1; w 1 2
		1 invoke r 1; w 1 3
		0 ok r 1 1; w 1 2
		1 ok r 1 1; w 1 3`, found: []string{"G2-item", "lost-update"}},
	{name: "a read of the past", text: `
		0 invoke w 1 1
		0 ok w 1 1
		0 invoke w 1 2
		0 ok w 1 2
		1 invoke r 1
		1 ok r 1 1`, found: []string{"G-single-realtime", "cyclic-versions"}, says: "known from the times", serializable: true},
	{name: "a version comes back", text: `
		0 invoke w 1 1
		1 invoke w 1 2
		2 invoke r 1
		2 ok r 1 1
		2 invoke r 1
		2 ok r 1 2
		2 invoke r 1
		2 ok r 1 1`, found: []string{"G-single-realtime", "cyclic-versions"}, serializable: true},
	{name: "a write is gone", text: `
		0 invoke w 1 1
		0 ok w 1 1
		1 invoke r 1
		1 ok r 1`, found: []string{"G-single-realtime"}, serializable: true},
	{name: "a read of the future", text: `
		0 invoke r 1
		0 ok r 1 1
		1 invoke w 1 1
		1 ok w 1 1`, found: []string{"G1c-realtime"}, serializable: true},
	{name: "what nobody wrote", text: `
		0 invoke r 1
		0 ok r 1 7`, found: []string{"unwritten-read"}},
	{name: "of an unknown transaction half is seen", text: `
		0 invoke w 1 1; w 2 1
		0 info w 1 1; w 2 1
		1 invoke r 1; r 2
		1 ok r 1 1; r 2`, found: []string{"G-single"}},
	{name: "an unknown write may come late", text: `
		0 invoke w 1 1
		0 info w 1 1
		1 invoke w 1 2
		1 ok w 1 2
		1 invoke r 1
		1 ok r 1 2
		1 invoke r 1
		1 ok r 1 1`},
}

func TestRegisters(t *testing.T) {
	for _, c := range registerCases {
		c.run(t, transaction.Registers)
	}
}

func TestTheClockOrdersVersionsOnlyIfItMay(t *testing.T) {
	ops := parse(t, transaction.Registers, `
		0 invoke w 1 1
		0 ok w 1 1
		0 invoke w 1 2
		0 ok w 1 2
		1 invoke r 1
		1 ok r 1 1`)
	cfg := strict(transaction.Registers)
	cfg.VersionsByClock = false
	if got := anomaly.Check(ops, cfg); got.Verdict != checker.Valid {
		t.Errorf("Elle would not know which write came first, and we do: %v", got.Reasons)
	}
}
