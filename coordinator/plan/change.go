package plan

import (
	"github.com/ostraka-db/ostraka/replication"
)

// Kind is why something is moved.
type Kind string

// The kinds, the most urgent first.
const (
	// KindOrder: an operator asked for it.
	KindOrder Kind = "order"
	// KindRecovery: a shard goes on without the majority that it lost.
	KindRecovery Kind = "recovery"
	// KindWithdrawal: a change that did not get on is given up.
	KindWithdrawal Kind = "withdrawal"
	// KindEvacuation: a server was removed from the configuration, or is drained.
	KindEvacuation Kind = "evacuation"
	// KindFactor: the namespace has another replication factor.
	KindFactor Kind = "replication factor"
	// KindApart: a strict anti-affinity keeps two servers of the ensemble apart.
	KindApart Kind = "anti-affinity"
	// KindSpread: a relaxed anti-affinity, or the servers' zones, would rather have it.
	KindSpread Kind = "spread"
	// KindBalance: servers hold unequal numbers of replicas, or lead unequal numbers.
	KindBalance Kind = "balance"
	// KindLoad: the numbers are equal, and what they cost is not.
	KindLoad Kind = "load"
)

// Change is the last change of a shard's ensemble.
type Change struct {
	Shard replication.ShardID `json:"shard"`
	Kind  Kind                `json:"kind"`
	// Reason says why, with the figures.
	Reason string `json:"reason"`
	// From is the server that gives its replica up, To the one that is given one. Either may
	// be empty.
	From replication.ServerID `json:"from,omitempty"`
	To   replication.ServerID `json:"to,omitempty"`
	// Began is when it was decided, in milliseconds since 1970.
	Began int64 `json:"began"`
	// Aside says that a change was given up, for which the shard is left alone for a while
	// (Options.Quarantine).
	Aside bool `json:"aside,omitempty"`
}

// Recovery is the permanent mark of a shard that an operator let go on without its
// majority, by which acknowledged writes may be lost.
type Recovery struct {
	Namespace string              `json:"namespace"`
	Shard     replication.ShardID `json:"shard"`
	// At is when, in milliseconds since 1970.
	At int64 `json:"at"`
	// Term is the one in which it stood.
	Term replication.Term `json:"term"`
	// Survivors are the servers that went on, Lost those that were given up.
	Survivors []replication.ServerID `json:"survivors"`
	Lost      []replication.ServerID `json:"lost"`
	// Risk says what may be lost, in words.
	Risk string `json:"risk"`
}
