package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// replace writes a file anew: whoever reads it sees the old or the new text in
// whole, also after a crash. A link stays, and what it leads to is replaced.
func replace(path string, text []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("find the cluster configuration: %w", err)
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(target); err == nil {
		mode = info.Mode().Perm()
	}
	err = write(target, text, mode)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: change the file where it comes from (%w)", ErrReadOnly, err)
	}
	if err != nil {
		return fmt.Errorf("write the cluster configuration: %w", err)
	}
	return nil
}

func write(target string, text []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(target)
	temporary, err := os.CreateTemp(dir, ".cluster-*.yaml")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temporary.Close() // the error before says more
			_ = os.Remove(temporary.Name())
		}
	}()
	if _, err := temporary.Write(text); err != nil {
		return err
	}
	if err := temporary.Chmod(mode); err != nil {
		return err
	}
	if err := temporary.Sync(); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), target); err != nil {
		return err
	}
	return syncDirectory(dir)
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only synced
	return d.Sync()
}
