package storage

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/wal"
)

// Options configure a Disk. FS and Dir must be set, unless Storage is InMemory; the
// rest may be left zero.
type Options struct {
	// Storage is OnDisk if zero. InMemory has a file system of its own, and takes
	// neither FS nor a directory.
	Storage Kind
	// FS is the file system of log and state.
	FS vfs.FS
	// Dir is the directory of log and state. It is made if it is missing.
	Dir string
	// LogDir is where the log is, if not in Dir: a directory on another device. It
	// belongs to Dir for good.
	LogDir string
	// FailoverDir, if set, is where the log goes on when Dir fails: a directory on
	// another device.
	FailoverDir string

	// CacheBytes, MemTableBytes, CheckEvery and DisableCompactions are those of
	// kv.Options.
	CacheBytes         int64
	MemTableBytes      uint64
	CheckEvery         int64
	DisableCompactions bool

	// SnapshotRate bounds what is exported for snapshots, of all shards together, in
	// bytes per second; at least MinSnapshotRate. Zero is no bound.
	SnapshotRate int64

	// Log are the sizes and limits of the log; FS, directories, clock, randomness and
	// logger are taken from here.
	Log wal.Options

	// Now is the wall clock, from which runs are numbered; time.Now if nil.
	Now func() time.Time
	// Draw draws what must be random, as the incarnation of a new disk; from the
	// system's randomness if nil.
	Draw func() uint64
	// Logger receives what an operator wants to know; it is dropped if nil.
	Logger *slog.Logger
}

// withDefaults returns the options with what was left out.
func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Storage > InMemory:
		return o, fmt.Errorf("storage: Options.Storage is %v: must be OnDisk or InMemory", o.Storage)
	case o.Storage == InMemory && (o.FS != nil || o.Dir != "" || o.LogDir != "" || o.FailoverDir != ""):
		return o, fmt.Errorf("storage: Options.FS and directories are set, and Options.Storage is InMemory: leave them out, or set it to OnDisk")
	case o.Storage == InMemory:
		o.FS, o.Dir = vfs.NewMem(), "memory"
	}
	if o.FS == nil {
		return o, fmt.Errorf("storage: Options.FS is not set: give it vfs.Default, or a file system in memory")
	}
	if o.Dir == "" {
		return o, fmt.Errorf("storage: Options.Dir is empty: name the data directory")
	}
	if o.SnapshotRate != 0 && o.SnapshotRate < MinSnapshotRate {
		return o, fmt.Errorf("storage: Options.SnapshotRate is %d: must be %d at the least, or 0 for no bound", o.SnapshotRate, MinSnapshotRate)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// stateOptions are those of a state machine in a directory.
func (o *Options) stateOptions(dir string) kv.Options {
	return kv.Options{
		FS: o.FS, Dir: dir,
		CacheBytes: o.CacheBytes, MemTableBytes: o.MemTableBytes, CheckEvery: o.CheckEvery,
		DisableCompactions: o.DisableCompactions, Logger: o.Logger,
		// Those that are being sent, and those that wait for their turn again.
		MaxExports: 2 * maxSending,
	}
}
