package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// DB is a server's state machine: the records of all of its shards, in one
// Pebble. See the package comment for who may call what at the same time.
type DB struct {
	pebble *pebble.DB
}

// Open opens the database in a directory, or makes one there.
func Open(options Options) (*DB, error) {
	engineOptions, err := options.pebbleOptions()
	if err != nil {
		return nil, err
	}
	engine, err := pebble.Open(options.Dir, engineOptions)
	if err != nil {
		return nil, fmt.Errorf("open database in %s: %w", options.Dir, err)
	}
	return &DB{pebble: engine}, nil
}

// Close flushes what was applied, so that nothing needs to be replayed, and
// closes the database. No other call may be under way, or come after.
func (db *DB) Close() error {
	err := errors.Join(db.Flush(), db.pebble.Close())
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Flush makes everything that was applied before the call durable.
func (db *DB) Flush() error {
	if err := db.pebble.Flush(); err != nil {
		return fmt.Errorf("flush database: %w", err)
	}
	return nil
}

// Applied returns the last entry applied to the shard: the zero EntryID if there
// is none. It may be ahead of what a crash would leave; see FlushedApplied.
func (db *DB) Applied(shard ShardID) (EntryID, error) {
	state, err := db.readState(shard)
	return state.applied, err
}

// FlushedApplied returns the last entry of the shard whose effects no crash can
// undo. It moves when Flush returns, and by itself when memory fills.
func (db *DB) FlushedApplied(shard ShardID) (EntryID, error) {
	state, err := db.readFlushedState(shard)
	return state.applied, err
}

// Digest returns the shard's digest, and the applied entry that it belongs to.
func (db *DB) Digest(shard ShardID) (Digest, EntryID, error) {
	state, err := db.readState(shard)
	return state.digest, state.applied, err
}

// DeleteShard removes everything of a shard and gives its space back. When it
// returns nil the removal is durable; after an error or a crash the shard may be
// there still, or again, at any entry that it was at.
func (db *DB) DeleteShard(shard ShardID) error {
	if shard < 0 {
		return &ShardIDError{Shard: shard}
	}
	start, end := shardBounds(shard)
	if err := db.pebble.Excise(context.Background(), pebble.KeyRange{Start: start, End: end}); err != nil {
		return fmt.Errorf("delete shard %d: %w", shard, err)
	}
	return nil
}

// orderOf returns the order of the shard's keys. It is the one place that knows;
// every namespace has the natural order as yet.
func (db *DB) orderOf(ShardID) keyspace.Order { return keyspace.Natural }
