package kv

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// replace puts staged tables, or nothing if there are none, in the place of all
// that a shard has. When it returns nil, that is durable.
//
// It is one edit of Pebble's manifest, unless a table that the shard shares with a
// neighbour is damaged where the two meet. Then the shard's rows are deleted first,
// durably, and a crash may leave it without any.
func (db *DB) replace(shard ShardID, tables []string) error {
	if err := db.flushShard(shard); err != nil && !isDamage(err) {
		return err // a state that cannot be read has nothing to wait for
	}
	start, end := shardBounds(shard)
	err := db.readEdges(start, end)
	switch span := (pebble.KeyRange{Start: start, End: end}); {
	case err != nil && !isDamage(damageOf(shard, err)):
		return err
	case err != nil:
		return db.replaceRows(start, end, tables)
	case len(tables) == 0:
		return db.pebble.Excise(context.Background(), span)
	default:
		_, err := db.pebble.IngestAndExcise(context.Background(), tables, nil, nil, span)
		return err
	}
}

// replaceRows deletes rows, instead of the parts of tables that they are in.
func (db *DB) replaceRows(start, end []byte, tables []string) error {
	if err := db.pebble.DeleteRange(start, end, pebble.NoSync); err != nil {
		return err
	}
	if err := db.flush(); err != nil || len(tables) == 0 {
		return err
	}
	return db.pebble.Ingest(context.Background(), tables)
}

// readEdges reads the rows next to a shard, of every table that reaches beyond it.
// Pebble reads them too when it cuts the shard out, and where it cannot it takes
// them not to be there: the neighbour would lose what it has in that table. What
// was read just now is in the cache, which MinCacheBytes sees to; a block that is
// larger than a quarter of it is read from disk again.
func (db *DB) readEdges(start, end []byte) error {
	it, err := db.pebble.NewIter(nil)
	if err != nil {
		return fmt.Errorf("read what is beside the shard: %w", err)
	}
	it.SeekLT(start)
	err = it.Error()
	if err == nil {
		it.SeekGE(end)
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return fmt.Errorf("read what is beside the shard: %w", err)
	}
	return nil
}

func isDamage(err error) bool {
	damage := (*CorruptionError)(nil)
	return errors.As(err, &damage)
}

// replacements counts how often each shard was replaced or deleted. What reads a shard
// in several calls asks, since the rows of the moment that it reads may be cut out.
type replacements struct {
	mu     sync.Mutex
	counts map[ShardID]uint64
}

func (r *replacements) add(shard ShardID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[ShardID]uint64{}
	}
	r.counts[shard]++
}

func (r *replacements) count(shard ShardID) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[shard]
}

// orders are the orders of shards that were read. That of a shard is fixed by its first
// entry, so that it need not be looked up for each read, until the shard is replaced.
type orders struct {
	mu    sync.RWMutex
	known map[ShardID]keyspace.Order
}

// orderAt returns the order of a shard's keys at a moment. Before the first entry there
// is none, and nothing that is in one.
func (db *DB) orderAt(from pebble.Reader, shard ShardID) (keyspace.Order, error) {
	o := &db.orders
	o.mu.RLock()
	order, known := o.known[shard]
	o.mu.RUnlock()
	if known {
		return order, nil
	}
	state, err := readStateFrom(from, shard)
	if err != nil || state.applied.Offset == 0 {
		return state.order, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[ShardID]keyspace.Order{}
	}
	o.known[shard] = state.order
	return state.order, nil
}

func (o *orders) forget(shard ShardID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, shard)
}
