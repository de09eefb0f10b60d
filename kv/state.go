package kv

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// shardState is a shard's own row: how far it has come. It is written in every
// batch, together with what the batch did.
type shardState struct {
	applied EntryID
	// nextVersion is the version id of the next put that succeeds.
	nextVersion int64
	digest      Digest
}

const (
	stateVersion = 1
	stateBytes   = 1 + 8 + 8 + 8 + 8
)

func appendState(dst []byte, s shardState) []byte {
	dst = append(dst, stateVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.applied.Term))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.applied.Offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.nextVersion))
	return binary.BigEndian.AppendUint64(dst, uint64(s.digest))
}

var errStateFormat = errors.New("unknown version or wrong length")

func decodeState(b []byte) (shardState, error) {
	if len(b) != stateBytes || b[0] != stateVersion {
		return shardState{}, errStateFormat
	}
	return shardState{
		applied: EntryID{
			Term:   int64(binary.BigEndian.Uint64(b[1:])),
			Offset: int64(binary.BigEndian.Uint64(b[9:])),
		},
		nextVersion: int64(binary.BigEndian.Uint64(b[17:])),
		digest:      Digest(binary.BigEndian.Uint64(b[25:])),
	}, nil
}

// readState returns the shard's state. A shard that nothing was applied to has
// the zero state, and no row.
func (db *DB) readState(shard ShardID) (shardState, error) {
	if shard < 0 {
		return shardState{}, &ShardIDError{Shard: shard}
	}
	value, closer, err := db.pebble.Get(stateKey(shard))
	if errors.Is(err, pebble.ErrNotFound) {
		return shardState{}, nil
	}
	if err != nil {
		return shardState{}, fmt.Errorf("read state of shard %d: %w", shard, err)
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
		return shardState{}, fmt.Errorf("read flushed state of shard %d: %w", shard, err)
	}
	var state shardState
	if it.First() {
		state, err = decodeStateRow(shard, it.Value())
	}
	if closeErr := it.Close(); closeErr != nil {
		return shardState{}, fmt.Errorf("read flushed state of shard %d: %w", shard, closeErr)
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
