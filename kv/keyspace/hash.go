package keyspace

import (
	"fmt"

	"github.com/zeebo/xxh3"
)

// Hash is the routing hash of a routing string: a record's partition key if it
// has one, even an empty one, and else its key. It is the low half of XXH3-64.
func Hash(routing string) uint32 { return uint32(xxh3.HashString(routing)) }

// HashRange is the part of the 32-bit hash space that a shard holds. Both ends
// belong to it, so that the last shard can reach the end of the space.
type HashRange struct {
	Min, Max uint32
}

// FullRange is the range of a namespace's only shard.
var FullRange = HashRange{Min: 0, Max: 1<<32 - 1}

// Contains reports whether the hash lies in the range.
func (r HashRange) Contains(hash uint32) bool { return r.Min <= hash && hash <= r.Max }

func (r HashRange) String() string { return fmt.Sprintf("[%08x, %08x]", r.Min, r.Max) }
