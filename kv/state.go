package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// shardState is a shard's own row: how far it has come. It is written in every
// batch, together with what the batch did.
type shardState struct {
	applied EntryID
	// nextVersion is the version id of the next put that succeeds.
	nextVersion int64
	digest      Digest
	check       check
	// order is that of the shard's keys, and of the secondary keys of its indexes.
	order keyspace.Order
	// attached is how many records have rows of other spans that go with them.
	attached int64
	// silent says that nobody is notified of what entries change.
	silent bool
	// trimmed is the offset up to which notifications may be missing: the last that was
	// dropped, or the entry that turned them on.
	trimmed int64
	// clients is how many clients are remembered that name their requests.
	clients int64
	// settings is a ShardSettings as the last barrier that had one brought it; empty
	// if none did. What it says of the order is not heeded after the first entry.
	settings []byte
}

// check is what the digest was at the last agreed offset.
type check struct {
	offset int64
	digest Digest
}

const (
	stateVersion = 3
	// stateFixedBytes is the length of all fields but the settings, which are the rest.
	stateFixedBytes = 1 + 8 + 8 + 8 + 8 + 8 + 8 + 1 + 8 + 8 + 8
)

const (
	flagNatural byte = 1 << 0
	flagSilent  byte = 1 << 1
)

func (s *shardState) flags() byte {
	var flags byte
	if s.order == keyspace.Natural {
		flags |= flagNatural
	}
	if s.silent {
		flags |= flagSilent
	}
	return flags
}

func appendState(dst []byte, s shardState) []byte {
	dst = append(dst, stateVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.applied.Term))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.applied.Offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.nextVersion))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.digest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.check.offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.check.digest))
	dst = append(dst, s.flags())
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.attached))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.trimmed))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.clients))
	return append(dst, s.settings...)
}

var (
	errStateFormat = errors.New("unknown version or too short")
	errStateCheck  = errors.New("its check is not of an entry that was applied")
	errStateFlags  = errors.New("unknown flags of a shard")
)

// decodeState reads what appendState wrote. The settings are a copy.
func decodeState(b []byte) (shardState, error) {
	if len(b) < stateFixedBytes || b[0] != stateVersion {
		return shardState{}, errStateFormat
	}
	s := shardState{
		applied: EntryID{
			Term:   int64(binary.BigEndian.Uint64(b[1:])),
			Offset: int64(binary.BigEndian.Uint64(b[9:])),
		},
		nextVersion: int64(binary.BigEndian.Uint64(b[17:])),
		digest:      Digest(binary.BigEndian.Uint64(b[25:])),
		check: check{
			offset: int64(binary.BigEndian.Uint64(b[33:])),
			digest: Digest(binary.BigEndian.Uint64(b[41:])),
		},
		order:    keyspace.Hierarchical,
		silent:   b[49]&flagSilent != 0,
		attached: int64(binary.BigEndian.Uint64(b[50:])),
		trimmed:  int64(binary.BigEndian.Uint64(b[58:])),
		clients:  int64(binary.BigEndian.Uint64(b[66:])),
		settings: bytes.Clone(b[stateFixedBytes:]),
	}
	if b[49]&^(flagNatural|flagSilent) != 0 {
		return shardState{}, errStateFlags
	}
	if b[49]&flagNatural != 0 {
		s.order = keyspace.Natural
	}
	if s.check.offset < 0 || s.check.offset > s.applied.Offset {
		return shardState{}, errStateCheck
	}
	return s, nil
}

// readState returns the shard's state. A shard that nothing was applied to has
// the zero state, and no row.
func (db *DB) readState(shard ShardID) (shardState, error) {
	if shard < 0 {
		return shardState{}, &ShardIDError{Shard: shard}
	}
	return readStateFrom(db.pebble, shard)
}

// readStateFrom is readState of one moment.
func readStateFrom(from pebble.Reader, shard ShardID) (shardState, error) {
	value, closer, err := from.Get(stateKey(shard))
	if errors.Is(err, pebble.ErrNotFound) {
		return shardState{}, nil
	}
	if err != nil {
		return shardState{}, fmt.Errorf("read state of shard %d: %w", shard, damageOf(shard, err))
	}
	defer closer.Close()
	return decodeStateRow(shard, value)
}

// readFlushedState is readState of what is certain to survive a crash.
func (db *DB) readFlushedState(shard ShardID) (shardState, error) {
	if shard < 0 {
		return shardState{}, &ShardIDError{Shard: shard}
	}
	key := stateKey(shard)
	it, err := db.pebble.NewIter(&pebble.IterOptions{
		LowerBound:                key,
		UpperBound:                append(stateKey(shard), 0),
		OnlyReadGuaranteedDurable: true,
	})
	if err != nil {
		return shardState{}, fmt.Errorf("read flushed state of shard %d: %w", shard, damageOf(shard, err))
	}
	var state shardState
	if it.First() {
		state, err = decodeStateRow(shard, it.Value())
	}
	if closeErr := it.Close(); closeErr != nil {
		return shardState{}, fmt.Errorf("read flushed state of shard %d: %w", shard, damageOf(shard, closeErr))
	}
	return state, err
}

func decodeStateRow(shard ShardID, value []byte) (shardState, error) {
	state, err := decodeState(value)
	if err != nil {
		return shardState{}, &CorruptionError{Shard: shard, Row: "state", Detail: err.Error()}
	}
	return state, nil
}
