package wal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options configure a Log. FS and Dir must be set; the rest may be left zero.
type Options struct {
	// FS is the file system that the log lives on.
	FS vfs.FS
	// Dir is the log's own directory on FS. It is created if it is missing.
	Dir string
	// FailoverDir is another directory on FS, best on another disk, to which the
	// log goes over when a write or sync in Dir fails. Without it, such a failure
	// is the end. Once a log was opened with one, it must always be.
	FailoverDir string
	// SegmentBytes is how large a segment grows, from 4 KiB to 1 GiB; 64 MiB if
	// zero. A batch that is larger has a segment of its own.
	SegmentBytes int64
	// CacheBytes is the budget for the newest entries of all shards together,
	// which are read without touching a file; 64 MiB if zero. What is not written
	// yet is kept beside it, up to MaxQueuedBytes.
	CacheBytes int64
	// IndexEveryBytes is the stretch of a segment for which a shard has one point
	// in the index; 64 KiB if zero. A read of old entries reads at most such a
	// stretch, and one record, too much.
	IndexEveryBytes int64
	// MaxQueuedBytes is how much may wait for a Sync before the log is Full; 64 MiB
	// if zero.
	MaxQueuedBytes int64
	// MaxBatchBytes bounds what one Sync writes in one batch, but for a single
	// operation that is larger; a quarter of a segment if zero.
	MaxBatchBytes int64
	// CarryAboveBytes is the size of all segments above which what is live in a
	// sparse oldest one is carried forward, so that it may go; 1 GiB if zero.
	CarryAboveBytes int64
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
	// Draw draws random numbers for the incarnation; from the operating system if
	// nil.
	Draw func() uint64
	// Logger is told of damage that was found, and of going over to FailoverDir.
	// Nothing is logged if it is nil.
	Logger *slog.Logger
}

const (
	defaultSegmentBytes    = 64 << 20
	minSegmentBytes        = 4 << 10
	maxSegmentBytes        = 1 << 30
	defaultCacheBytes      = 64 << 20
	defaultIndexEveryBytes = 64 << 10
	defaultMaxQueuedBytes  = 64 << 20
	defaultCarryAboveBytes = 1 << 30
)

// OptionError names an option that cannot be.
type OptionError struct {
	Field  string
	Detail string
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("options of the log: %s %s", e.Field, e.Detail)
}

// Validate says which option cannot be, with an *OptionError.
func (o *Options) Validate() error {
	switch {
	case o.FS == nil:
		return &OptionError{"FS", "is missing; name the file system that the log lives on"}
	case o.Dir == "":
		return &OptionError{"Dir", "is missing; name the log's own directory"}
	case o.FailoverDir == o.Dir:
		return &OptionError{"FailoverDir", "is Dir; name another directory, best on another disk"}
	case o.SegmentBytes != 0 && (o.SegmentBytes < minSegmentBytes || o.SegmentBytes > maxSegmentBytes):
		return &OptionError{"SegmentBytes", fmt.Sprintf("is %d; choose from %d to %d", o.SegmentBytes, minSegmentBytes, maxSegmentBytes)}
	}
	for _, size := range []struct {
		field string
		bytes int64
		most  int64
	}{
		{"CacheBytes", o.CacheBytes, math.MaxInt64},
		{"IndexEveryBytes", o.IndexEveryBytes, maxSegmentBytes},
		{"MaxQueuedBytes", o.MaxQueuedBytes, math.MaxInt64},
		{"MaxBatchBytes", o.MaxBatchBytes, maxSegmentBytes},
		{"CarryAboveBytes", o.CarryAboveBytes, math.MaxInt64},
	} {
		if size.bytes < 0 || size.bytes > size.most {
			return &OptionError{size.field, fmt.Sprintf("is %d; choose from 0, for the default, to %d", size.bytes, size.most)}
		}
	}
	return nil
}

// withDefaults returns the options with nothing left open.
func (o Options) withDefaults() Options {
	for _, size := range []struct {
		option   *int64
		standard int64
	}{
		{&o.SegmentBytes, defaultSegmentBytes},
		{&o.CacheBytes, defaultCacheBytes},
		{&o.IndexEveryBytes, defaultIndexEveryBytes},
		{&o.MaxQueuedBytes, defaultMaxQueuedBytes},
		{&o.CarryAboveBytes, defaultCarryAboveBytes},
	} {
		if *size.option == 0 {
			*size.option = size.standard
		}
	}
	if o.MaxBatchBytes == 0 {
		o.MaxBatchBytes = o.SegmentBytes / 4
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Draw == nil {
		o.Draw = drawRandomly
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func drawRandomly() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its package
	return binary.LittleEndian.Uint64(b[:])
}
