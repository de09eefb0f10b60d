package options

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
)

// txnFlags are the flags of the workloads with transactions.
type txnFlags struct {
	keyCount, maxLength, maxWrites int
	clock                          bool
}

func (t *txnFlags) define(set *pflag.FlagSet) {
	set.IntVar(&t.keyCount, "key-count", workload.DefaultKeyCount, "transactions: how many keys are in use at a time")
	set.IntVar(&t.maxLength, "max-txn-length", workload.DefaultMaxLength, "transactions: most reads and writes of one")
	set.IntVar(&t.maxWrites, "max-writes-per-key", workload.DefaultMaxWritesPerKey, "transactions: writes of a key before another takes its place")
	set.BoolVar(&t.clock, "linearizable-keys", true, "txn-rw-register: let real time tell which of two writes came first, where strict serializability is checked (Maelstrom does not, and finds less)")
}

// Weights of keys double from one to the next, and must not overflow.
const (
	maxKeys      = 1000
	maxTxnLength = 1000
	maxTxnWrites = 1_000_000
)

func (f *Flags) checkTransactions(o *Options) error {
	o.Transactions.KeyCount, o.Transactions.MaxLength = f.txn.keyCount, f.txn.maxLength
	o.Transactions.MaxWritesPerKey, o.Transactions.NoClock = f.txn.maxWrites, !f.txn.clock
	return within([]number{
		{"key-count", float64(f.txn.keyCount), 1, maxKeys},
		{"max-txn-length", float64(f.txn.maxLength), 1, maxTxnLength},
		{"max-writes-per-key", float64(f.txn.maxWrites), 1, maxTxnWrites},
	})
}

// checkModels lets each workload be checked for what its checker can tell.
func (f *Flags) checkModels(o *Options) error {
	// Of several models the strictest decides.
	o.Transactions.Serializable = slices.Contains(list(f.models), "serializable") && !slices.Contains(list(f.models), "strict-serializable")
	transactions := strings.HasPrefix(f.workload, "txn-")
	for _, m := range list(f.models) {
		switch {
		case m == "strict-serializable":
		case m == "linearizable" && !transactions:
		case m == "serializable" && transactions:
		case transactions:
			return wrong("consistency-models", f.models, "transactions can be checked for strict-serializable and serializable: use one of them")
		default:
			return wrong("consistency-models", f.models, "only strict-serializable and linearizable can be checked: use one of them")
		}
	}
	return nil
}
