package wal

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	lockName        = "LOCK"
	incarnationName = "incarnation"

	// Each file begins with its kind and format version.
	incarnationHeader = "ostraka inc 0001"
	headerBytes       = 16
)

// LockedError says that the lock of a directory could not be had.
type LockedError struct {
	Path  string
	Cause error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("directory %s is in use by another process; stop that one, or give this one a directory of its own (%v)", e.Path, e.Cause)
}

func (e *LockedError) Unwrap() error { return e.Cause }

// directory is a log's directory, locked against other processes. The lock goes
// with the process, however that ends.
type directory struct {
	fs   vfs.FS
	path string
	lock io.Closer
}

func openDirectory(on vfs.FS, path string) (*directory, error) {
	d := &directory{fs: on, path: path}
	if err := d.make(); err != nil {
		return nil, fmt.Errorf("make the directory of the log: %w", err)
	}
	lock, err := on.Lock(d.file(lockName))
	if err != nil {
		return nil, &LockedError{Path: path, Cause: err}
	}
	d.lock = lock
	return d, nil
}

func (d *directory) close() error { return d.lock.Close() }

// file returns the path of a file in the directory.
func (d *directory) file(name string) string { return d.fs.PathJoin(d.path, name) }

// make makes a directory that lasts: the names of all that were missing on the
// way to it are synced too. A crash may have come between the making and the
// syncing, so that the last name is synced each time.
func (d *directory) make() error {
	unsynced := []string{d.fs.PathDir(d.path)}
	for path := unsynced[0]; ; {
		if _, err := d.fs.Stat(path); err == nil {
			break
		}
		parent := d.fs.PathDir(path)
		if parent == path {
			break
		}
		unsynced = append(unsynced, parent)
		path = parent
	}
	if err := d.fs.MkdirAll(d.path, 0o755); err != nil {
		return err
	}
	for _, path := range unsynced {
		if err := syncDirectory(d.fs, path); err != nil {
			return err
		}
	}
	return nil
}

// sync makes the names of the directory's files durable.
func (d *directory) sync() error { return syncDirectory(d.fs, d.path) }

// incarnation returns the directory's incarnation, and formats the directory if
// it has none. A log that has segments but no incarnation was tampered with.
func (d *directory) incarnation(draw func() uint64) (replication.Incarnation, error) {
	kept, err := d.readNumber(incarnationName, incarnationHeader)
	if err != nil || kept != 0 {
		return replication.Incarnation(kept), err
	}
	segments, err := d.segmentNumbers()
	if err != nil {
		return 0, fmt.Errorf("list the segments in %s: %w", d.path, err)
	}
	if len(segments) > 0 {
		return 0, &CorruptionError{
			File: d.file(incarnationName), Detail: "it is missing, though the log has segments",
		}
	}
	drawn := drawIncarnation(draw)
	return drawn, d.writeNumber(incarnationName, incarnationHeader, uint64(drawn))
}

// drawIncarnation never draws what has a meaning of its own: zero, which says that
// none is known, and NoDisk.
func drawIncarnation(draw func() uint64) replication.Incarnation {
	for {
		if v := replication.Incarnation(draw()); v != 0 && v != replication.NoDisk {
			return v
		}
	}
}

func (d *directory) readFile(name string) ([]byte, error) {
	f, err := d.fs.Open(d.file(name))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f)
	return content, errors.Join(err, f.Close())
}

// writeFile writes a whole file and syncs it; its name is the caller's to sync.
func (d *directory) writeFile(name string, content []byte) error {
	f, err := d.fs.Create(d.file(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceFile replaces a file durably, so that a crash leaves the old one or the
// new one.
func (d *directory) replaceFile(name string, content []byte) error {
	if err := d.writeFile(name+".new", content); err != nil {
		return err
	}
	if err := d.fs.Rename(d.file(name+".new"), d.file(name)); err != nil {
		return err
	}
	return d.sync()
}

func syncDirectory(on vfs.FS, path string) error {
	d, err := on.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
