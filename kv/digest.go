package kv

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"
)

// Digest is a running checksum over everything that was applied to a shard. Two
// replicas that applied the same entries have the same digest; if they do not,
// one of them is damaged. It guards against faults, not against malice.
type Digest uint64

func (d Digest) String() string { return fmt.Sprintf("%016x", uint64(d)) }

// mutation is the byte that opens a row change in the digest's input.
type mutation byte

const (
	mutationSet         mutation = 1
	mutationDelete      mutation = 2
	mutationDeleteRange mutation = 3
)

// digester computes the digest after one entry from the digest before it. The
// chain has one link per entry, not per batch, because replicas batch as they
// like. What it takes in is in FORMAT.md.
type digester struct {
	hasher  *xxh3.Hasher
	scratch []byte
}

func newDigester() digester { return digester{hasher: xxh3.New()} }

// begin starts the link of one entry.
func (d *digester) begin(before Digest, id EntryID) {
	d.hasher.Reset()
	d.scratch = binary.BigEndian.AppendUint64(d.scratch[:0], uint64(before))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(id.Term))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(id.Offset))
	_, _ = d.hasher.Write(d.scratch)
}

// add takes in one row change. The first part of a row's key, the shard id, is
// left out: a digest describes a shard's content, whatever the shard is called.
func (d *digester) add(m mutation, key, value []byte) {
	d.scratch = append(d.scratch[:0], byte(m))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(len(key)))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(len(value)))
	_, _ = d.hasher.Write(d.scratch)
	_, _ = d.hasher.Write(key)
	_, _ = d.hasher.Write(value)
}

// end finishes the link.
func (d *digester) end(outcome Outcome, after *shardState) Digest {
	d.scratch = append(d.scratch[:0], byte(outcome))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(after.nextVersion))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(after.attached))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(after.trimmed))
	d.scratch = binary.BigEndian.AppendUint64(d.scratch, uint64(after.clients))
	_, _ = d.hasher.Write(d.scratch)
	return Digest(d.hasher.Sum64())
}
