package kv

import (
	"fmt"
	"log/slog"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/internal/engine"
)

// Options configure a DB. FS and Dir must be set; the rest may be left zero.
type Options struct {
	// FS is the file system the database lives on.
	FS vfs.FS
	// Dir is the database's own directory on FS. It is created if it is missing.
	Dir string
	// CacheBytes is the size of the block cache, MinCacheBytes at the least; 64 MiB if
	// zero.
	CacheBytes int64
	// MemTableBytes is how much is gathered in memory before it is flushed by
	// itself; 64 MiB if zero. What is not flushed is replayed after a crash.
	MemTableBytes uint64
	// MaxExports bounds the snapshots that are open at a time; 16 if zero.
	MaxExports int
	// CheckEvery replaces the constant of that name, for simulations, whose shards
	// are short. It must be the same on all replicas of a cluster.
	CheckEvery int64
	// Logger receives the storage engine's messages; they are dropped if it is nil.
	Logger *slog.Logger
	// DisableCompactions leaves the tables as flushes made them, so that a
	// simulation has no work going on that it did not ask for.
	DisableCompactions bool
}

// CheckEvery is how far apart the offsets are at which replicas compare their
// digests. It is frozen with the format: replicas with another one never meet.
const CheckEvery = 1024

// MinCacheBytes is the smallest block cache. What is read beside a shard that is about
// to be cut out, of each table, is to be there still when Pebble reads it again.
const MinCacheBytes = 1 << 20

const (
	defaultCacheBytes    = 64 << 20
	defaultMemTableBytes = 64 << 20
	defaultMaxExports    = 16

	// diskFormat is the format of Pebble's files. A newer one is taken up one
	// release after the release that can read it, so that an upgrade can be undone.
	// This one's tables have a checksum in their footers: without it one flipped bit
	// there makes the engine read blocks as what they are not.
	diskFormat = pebble.FormatTableFormatV6

	// bloomBitsPerKey makes about one lookup in a hundred of a key that is not
	// there read a block for nothing.
	bloomBitsPerKey = 10
)

// pebbleOptions turns the options into Pebble's. A flush that fails is told to
// failing.
func (o *Options) pebbleOptions(failing *flushing) (*pebble.Options, error) {
	if o.FS == nil || o.Dir == "" {
		return nil, fmt.Errorf("kv: options want a file system and a directory")
	}
	if o.CacheBytes != 0 && o.CacheBytes < MinCacheBytes {
		return nil, fmt.Errorf("kv: Options.CacheBytes is %d: must be %d at the least, or 0 for %d", o.CacheBytes, MinCacheBytes, defaultCacheBytes)
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	engine := &pebble.Options{
		FS:                          engine.FS(o.FS),
		FormatMajorVersion:          diskFormat,
		CacheSize:                   o.CacheBytes,
		MemTableSize:                o.MemTableBytes,
		Logger:                      engine.Logger{Owner: "kv", To: logger},
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
		// They inform compactions, and are gathered by a goroutine whose reads nobody
		// asked for: a read that it failed at would be answered to who comes next.
		engine.DisableTableStats = true
	}
	// Otherwise Pebble may queue an ingestion, or an excision, behind what is not
	// flushed yet, and call it done: without a log it would not survive a crash.
	engine.Experimental.DisableIngestAsFlushable = func() bool { return true }
	// Left alone, Pebble ends the process where a file is damaged, and with it every
	// shard. Whoever asked has the error, and knows whose shard it is.
	engine.EventListener = &pebble.EventListener{
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			logger.Error("a file of the state is damaged", "file", info.Path, "error", info.Details)
		},
		FlushEnd:        func(info pebble.FlushInfo) { failing.ended(info.Err) },
		BackgroundError: failing.failedInBackground,
		WriteStallBegin: func(pebble.WriteStallBeginInfo) { failing.stalls.Add(1) },
	}
	for i := range engine.Levels {
		engine.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
	engine.EnsureDefaults()
	return engine, nil
}

func (o *Options) checkEvery() int64 {
	if o.CheckEvery <= 0 {
		return CheckEvery
	}
	return o.CheckEvery
}

func (o *Options) maxExports() int {
	if o.MaxExports == 0 {
		return defaultMaxExports
	}
	return o.MaxExports
}

// importTableOptions are those of tables that are made to be taken in at the
// lowest level: below the span that they replace, nothing is left.
func importTableOptions(engine *pebble.Options) sstable.WriterOptions {
	return engine.MakeWriterOptions(len(engine.Levels)-1, diskFormat.MaxTableFormat())
}
