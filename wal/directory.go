package wal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	lockName        = "LOCK"
	logName         = "log"
	incarnationName = "incarnation"

	// Each file begins with its kind and format version.
	logHeader         = "ostraka log 0001"
	incarnationHeader = "ostraka inc 0001"
	headerBytes       = 16
)

// LockedError says that another process uses the directory.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("directory %s is in use by another process; stop that one, or give this one a directory of its own", e.Path)
}

// directory is a log's directory, locked against other processes. The lock goes
// with the process, however that ends.
type directory struct {
	path string
	lock *os.File
}

func openDirectory(path string) (*directory, error) {
	if err := makeDirectory(path); err != nil {
		return nil, fmt.Errorf("make the directory of the log: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the log: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &LockedError{Path: path}
		}
		return nil, fmt.Errorf("lock directory %s: %w", path, err)
	}
	return &directory{path: path, lock: lock}, nil
}

func (d *directory) close() error { return d.lock.Close() }

// makeDirectory makes a directory that lasts: its name is synced too.
func makeDirectory(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// incarnation returns the directory's incarnation, and formats the directory if
// it has none. A log that has records but no incarnation was tampered with.
func (d *directory) incarnation() (replication.Incarnation, error) {
	path := filepath.Join(d.path, incarnationName)
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.format()
	case err != nil:
		return 0, fmt.Errorf("read the incarnation: %w", err)
	}
	incarnation, intact := decodeNumber(incarnationHeader, content)
	if !intact {
		return 0, &CorruptionError{File: path, Detail: "it is not an incarnation"}
	}
	return replication.Incarnation(incarnation), nil
}

// format makes an empty log, and then the incarnation, whose presence says that
// formatting was finished.
func (d *directory) format() (replication.Incarnation, error) {
	path := filepath.Join(d.path, logName)
	if info, err := os.Stat(path); err == nil && info.Size() > headerBytes {
		return 0, &CorruptionError{
			File: filepath.Join(d.path, incarnationName), Detail: "it is missing, though the log has records",
		}
	}
	if err := writeFile(path, []byte(logHeader)); err != nil {
		return 0, fmt.Errorf("make the log: %w", err)
	}
	if err := syncDirectory(d.path); err != nil {
		return 0, fmt.Errorf("make the log: %w", err)
	}
	incarnation := drawIncarnation()
	return incarnation, d.writeNumber(incarnationName, incarnationHeader, uint64(incarnation))
}

// drawIncarnation never draws zero, which means that none is known.
func drawIncarnation() replication.Incarnation {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails, says its package
		if v := binary.LittleEndian.Uint64(b[:]); v != 0 {
			return replication.Incarnation(v)
		}
	}
}

// writeFile writes a whole file and syncs it; its name is the caller's to sync.
func writeFile(path string, content []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
