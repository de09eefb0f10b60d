package storage

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// makeDirectory makes a directory that lasts: its name is synced, and so are those of
// the directories above it that had to be made. Neither the log nor the state
// machine's engine syncs the directory that it is in.
func makeDirectory(fs vfs.FS, path string) error {
	made := path
	for parent := fs.PathDir(made); parent != made; made, parent = parent, fs.PathDir(parent) {
		if _, err := fs.Stat(parent); err == nil {
			break
		}
	}
	if err := fs.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("make directory %s: %w", path, err)
	}
	for ; ; path = fs.PathDir(path) {
		if err := syncDirectory(fs, fs.PathDir(path)); err != nil {
			return fmt.Errorf("sync the name of directory %s: %w", path, err)
		}
		if path == made {
			return nil
		}
	}
}

func syncDirectory(fs vfs.FS, path string) error {
	dir, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
