package kv

import (
	"fmt"
	"log/slog"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options configure a DB. FS and Dir must be set; the rest may be left zero.
type Options struct {
	// FS is the file system the database lives on.
	FS vfs.FS
	// Dir is the database's own directory on FS. It is created if it is missing.
	Dir string
	// CacheBytes is the size of the block cache; 64 MiB if zero.
	CacheBytes int64
	// MemTableBytes is how much is gathered in memory before it is flushed by
	// itself; 64 MiB if zero. What is not flushed is replayed after a crash.
	MemTableBytes uint64
	// Logger receives the storage engine's messages; they are dropped if it is nil.
	Logger *slog.Logger
	// DisableCompactions leaves the tables as flushes made them, so that a
	// simulation has no work going on that it did not ask for.
	DisableCompactions bool
}

const (
	defaultCacheBytes    = 64 << 20
	defaultMemTableBytes = 64 << 20

	// diskFormat is the format of Pebble's files. A newer one is taken up one
	// release after the release that can read it, so that an upgrade can be undone.
	diskFormat = pebble.FormatColumnarBlocks

	// bloomBitsPerKey makes about one lookup in a hundred of a key that is not
	// there read a block for nothing.
	bloomBitsPerKey = 10
)

// pebbleOptions turns the options into Pebble's.
func (o *Options) pebbleOptions() (*pebble.Options, error) {
	if o.FS == nil || o.Dir == "" {
		return nil, fmt.Errorf("kv: options want a file system and a directory")
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	engine := &pebble.Options{
		FS:                          o.FS,
		FormatMajorVersion:          diskFormat,
		CacheSize:                   o.CacheBytes,
		MemTableSize:                o.MemTableBytes,
		Logger:                      engineLogger{logger},
		DisableAutomaticCompactions: o.DisableCompactions,
		// The server's log holds every entry; a second one would double each write.
		DisableWAL: true,
	}
	if engine.CacheSize == 0 {
		engine.CacheSize = defaultCacheBytes
	}
	if engine.MemTableSize == 0 {
		engine.MemTableSize = defaultMemTableBytes
	}
	if o.DisableCompactions {
		// Nobody will make the tables fewer, so nobody may wait for it.
		engine.L0StopWritesThreshold = math.MaxInt32
	}
	// Otherwise Pebble may queue an ingestion, or an excision, behind what is not
	// flushed yet, and call it done: without a log it would not survive a crash.
	engine.Experimental.DisableIngestAsFlushable = func() bool { return true }
	for i := range engine.Levels {
		engine.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
	return engine, nil
}
