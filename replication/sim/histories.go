package sim

import (
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/replication"
)

// forever is when an operation returns of which nobody knows the end.
const forever = int64(1) << 60

// register is a record that clients put, read and delete.
type register struct {
	shard replication.ShardID
	key   string
}

// sighting is a value with its version, as a client saw it: zero for no record.
type sighting struct {
	value   int
	version int64
}

// histories are what clients asked and were told, ordered by the ticks of one counter.
type histories struct {
	// calls are the operations on each register.
	calls map[register][]call
	// scans are the reads of all registers of a shard at one moment.
	scans []scan
	// puts are the puts that are known to have happened, by shard.
	puts map[replication.ShardID][]knownPut
	// versions is which value each version of a shard is, as anybody saw it.
	versions map[versionOf]int
	txns     map[replication.ShardID][]history.Operation
}

type versionOf struct {
	shard   replication.ShardID
	version int64
}

// callKind says what an operation does to a register, and what it saw.
type callKind uint8

const (
	// callRead saw the value a; zero is no record.
	callRead callKind = iota + 1
	// callSet made it b, and saw nothing.
	callSet
	// callSwap saw a, and made it b.
	callSwap
	// callDiffers saw that it is not a.
	callDiffers
	// callRemove saw some record, and removed it.
	callRemove
)

// call is an operation on one register, from the tick when it was asked to the tick
// when its end was known.
type call struct {
	kind          callKind
	a, b          int
	unknown       bool
	called, ended int64
	client        int
}

type scan struct {
	shard   replication.ShardID
	keys    []string
	seen    []sighting
	request replication.RequestID
}

type knownPut struct {
	key           string
	value         int
	version       int64
	called, ended int64
}

// add enters an operation.
func (h *histories) add(r register, c call) {
	if h.calls == nil {
		h.calls = map[register][]call{}
	}
	h.calls[r] = append(h.calls[r], c)
}
