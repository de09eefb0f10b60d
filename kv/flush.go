package kv

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// flushing is how flushes went, which are Pebble's own goroutine's. Left alone,
// Pebble tries a flush that failed again, at once and for ever, and whoever waits
// for it waits as long: on a disk that is full or dead, for good.
type flushing struct {
	// failed is closed with the first failure; no call that writes succeeds after.
	failed chan struct{}
	// stalls counts how often writers had to wait, because what is to be flushed or
	// compacted had become too much.
	stalls atomic.Int64

	mu  sync.Mutex
	err error
	// last is what the last flush ended with. It may be that there was nothing to
	// flush, which is no failure.
	last error
}

func newFlushing() *flushing { return &flushing{failed: make(chan struct{})} }

// ended takes note of the end of a flush. Pebble calls it, and failedInBackground,
// with its locks held.
func (f *flushing) ended(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = err
}

// failedInBackground takes note of a failure, if it is that of the flush that ended
// last. Of others nothing is known to be lost: who meets a file that cannot be read
// is told so.
func (f *flushing) failedInBackground(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && err != nil && err == f.last {
		f.err = fmt.Errorf("what was applied cannot be flushed: %w", err)
		close(f.failed)
	}
}

// failure returns the first failure, or nil.
func (f *flushing) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// flush makes everything that was applied before the call durable, or says that
// this cannot be.
func (db *DB) flush() error {
	if err := db.flushing.failure(); err != nil {
		return err
	}
	flushed, err := db.pebble.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-flushed:
	case <-db.flushing.failed:
	}
	// A flush that was tried again may have succeeded meanwhile. The answer must
	// not depend on who was faster.
	return db.flushing.failure()
}

// flushShard flushes if anything of the shard is in memory alone: what takes the
// place of it would wait for that to be flushed, however often the disk fails.
func (db *DB) flushShard(shard ShardID) error {
	applied, err := db.readState(shard)
	if err != nil {
		return err
	}
	flushed, err := db.readFlushedState(shard)
	if err != nil || applied.applied == flushed.applied {
		return err
	}
	return db.flush()
}
