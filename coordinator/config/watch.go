package config

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settleFor is for how long the directory has to be quiet before the file is
	// read: an editor's or a copy's several writes are one change.
	settleFor = 50 * time.Millisecond
	// pollEvery is how often the file is read where no event came, since not every
	// file system sends any.
	pollEvery = 10 * time.Second
)

// newWatcher watches the directory of a file, and that of the file which it links
// to. A file itself is not watched: its replacement would end the watch.
func newWatcher(path string) (*fsnotify.Watcher, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("start watching: %w", err)
	}
	if err := addDirectories(watcher, path); err != nil {
		_ = watcher.Close() // it is of no use
		return nil, err
	}
	return watcher, nil
}

// addDirectories is repeated after each look: a link may lead elsewhere by then. What
// is watched already stays so.
func addDirectories(watcher *fsnotify.Watcher, path string) error {
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		return fmt.Errorf("watch %s: %w", filepath.Dir(path), err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		// The file is away for a moment. The directory tells when it is back.
		return nil
	}
	if err := watcher.Add(filepath.Dir(target)); err != nil {
		return fmt.Errorf("watch %s: %w", filepath.Dir(target), err)
	}
	return nil
}

// concerns reports whether what happened to one file of the directory may have
// changed what is read from another: it is that one, or what that one links to, or
// part of how a directory is swapped.
func concerns(event, path string) bool {
	name := filepath.Base(event)
	if name == filepath.Base(path) || strings.HasPrefix(name, "..") {
		return true
	}
	target, err := filepath.EvalSymlinks(path)
	return err != nil || name == filepath.Base(target)
}

// follow looks at the file whenever something happened around it.
func (f *File) follow(ctx context.Context, watcher *fsnotify.Watcher) {
	defer close(f.done)
	defer func() { _ = watcher.Close() }() // nothing depends on it any more
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if concerns(event.Name, f.path) {
				timer.Reset(settleFor)
			}
		case err := <-watcher.Errors:
			f.logger.Warn("events of the cluster configuration's directory were lost", "file", f.path, "error", err)
			timer.Reset(settleFor)
		case <-timer.C:
			f.look()
			if err := addDirectories(watcher, f.path); err != nil {
				f.logger.Warn("cannot watch the cluster configuration; it is read now and then", "file", f.path, "error", err)
			}
			timer.Reset(pollEvery)
		}
	}
}
