package kv

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// DB is a server's state machine: the records of all of its shards, in one
// Pebble. See the package comment for who may call what at the same time.
type DB struct {
	pebble   *pebble.DB
	flushing *flushing
	exports  exports
	imports  imports
	replaced replacements
	orders   orders
	// checkEvery is how far agreed offsets are apart.
	checkEvery int64

	// Where and how tables are staged.
	fs               vfs.FS
	dir              string
	tableOptions     sstable.WriterOptions
	stagedTableBytes int64
	// stagedTables counts the tables that were ever staged, for their names.
	stagedTables atomic.Int64
}

// Open opens the database in a directory, or makes one there.
func Open(options Options) (*DB, error) {
	failing := newFlushing()
	engineOptions, err := options.pebbleOptions(failing)
	if err != nil {
		return nil, err
	}
	engine, err := openEngine(options.FS, options.Dir, engineOptions)
	if err != nil {
		return nil, fmt.Errorf("open database in %s: %w", options.Dir, err)
	}
	// Only now does the directory certainly belong to this process.
	if err := emptyStage(options.FS, options.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open database in %s: %w", options.Dir, err), engine.Close())
	}
	return &DB{
		pebble:   engine,
		flushing: failing,
		exports:  exports{limit: options.maxExports()}, checkEvery: options.checkEvery(),
		fs: options.FS, dir: options.Dir,
		tableOptions:     importTableOptions(engineOptions),
		stagedTableBytes: stagedTableBytes,
	}, nil
}

// Close flushes what was applied, so that nothing needs to be replayed, and
// closes the database. Open exports end, and what was kept of snapshots that are
// not installed is dropped. No other call may be under way, or come after.
func (db *DB) Close() error {
	db.exports.closeAll(func(*export) bool { return true })
	err := errors.Join(db.imports.dropAll(func(*snapshotImport) bool { return true }), db.Flush(), db.pebble.Close())
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Flush makes everything that was applied before the call durable. An error is
// final, as one of Apply is that comes from a flush in the background: the disk
// failed, and the process should end.
func (db *DB) Flush() error {
	if err := db.flush(); err != nil {
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

// Tables returns the names of the files in the database's directory that hold what
// is flushed, each once, in order. Files that are over are not among them, though
// they may be there for a while.
func (db *DB) Tables() ([]string, error) {
	levels, err := db.pebble.SSTables()
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	var names []string
	for _, level := range levels {
		for _, table := range level {
			names = append(names, fmt.Sprintf("%06d.sst", uint64(table.BackingSSTNum)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Digest returns the shard's digest, and the applied entry that it belongs to.
func (db *DB) Digest(shard ShardID) (Digest, EntryID, error) {
	state, err := db.readState(shard)
	return state.digest, state.applied, err
}

// Checked returns the digest as it was at the last agreed offset, and that offset:
// the last one applied that CheckEvery divides. Both are zero before the first.
// Replicas that stand at different entries have different digests; what they were
// at one agreed offset can be compared.
func (db *DB) Checked(shard ShardID) (int64, Digest, error) {
	state, err := db.readState(shard)
	return state.check.offset, state.check.digest, err
}

// DiskBytes estimates what a shard's rows take on the disk: what was flushed, after
// compression. It reads the indexes of some tables, and no rows.
func (db *DB) DiskBytes(shard ShardID) (int64, error) {
	start, end := shardBounds(shard)
	bytes, err := db.pebble.EstimateDiskUsage(start, end)
	if err != nil {
		return 0, fmt.Errorf("measure shard %d: %w", shard, damageOf(shard, err))
	}
	return int64(bytes), nil
}

// Shards returns the shards of which the database holds anything, ascending. Each
// costs one seek, however much there is of it. With an error come those that were
// found before it; it is a *CorruptionError if a file is damaged.
func (db *DB) Shards() ([]ShardID, error) {
	it, err := db.pebble.NewIter(nil)
	if err != nil {
		return nil, fmt.Errorf("list shards: %w", err)
	}
	var shards []ShardID
	for it.First(); it.Valid(); {
		shard, err := shardOf(it.Key())
		if err != nil {
			return shards, errors.Join(err, it.Close())
		}
		shards = append(shards, shard)
		_, end := shardBounds(shard)
		it.SeekGE(end)
	}
	if err := it.Close(); err != nil {
		return shards, fmt.Errorf("list shards: %w", damageOf(0, err))
	}
	return shards, nil
}

// ReleaseIdle ends the exports that nobody read since it was called before, and
// drops what is kept of snapshots of which no part came since. How long they may
// be idle is how often it is called. It may run beside anything but Close.
func (db *DB) ReleaseIdle() error {
	db.exports.releaseIdle()
	return db.imports.releaseIdle()
}

// DeleteShard removes everything of a shard and gives its space back: records,
// exports, and what is kept of a snapshot. When it returns nil the removal is
// durable; after an error or a crash the shard may be there still, or again, at
// any entry that it was at.
func (db *DB) DeleteShard(shard ShardID) error {
	if shard < 0 {
		return &ShardIDError{Shard: shard}
	}
	db.exports.closeAll(func(e *export) bool { return e.shard == shard })
	if err := db.imports.dropAll(func(im *snapshotImport) bool { return im.shard == shard }); err != nil {
		return err
	}
	db.replaced.add(shard)
	db.orders.forget(shard)
	if err := db.replace(shard, nil); err != nil {
		return fmt.Errorf("delete shard %d: %w", shard, damageOf(shard, err))
	}
	return nil
}
