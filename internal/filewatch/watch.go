package filewatch

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Every is how often the function is called where no event came.
const Every = 10 * time.Second

// settleFor is for how long the directory has to be quiet before the function is
// called: an editor's or a copy's several writes are one change.
const settleFor = 50 * time.Millisecond

// Watch watches one file.
type Watch struct {
	path    string
	logger  *slog.Logger
	changed func()
	stop    context.CancelFunc
	done    chan struct{}
}

// Start watches a file until Close. Events that were lost are logged.
func Start(path string, logger *slog.Logger, changed func()) (*Watch, error) {
	watcher, err := newWatcher(path)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Watch{path: path, logger: logger, changed: changed, stop: stop, done: make(chan struct{})}
	go w.follow(ctx, watcher)
	return w, nil
}

// Close ends the watch, and waits for a call of the function that is under way.
func (w *Watch) Close() {
	w.stop()
	<-w.done
}

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

// follow calls the function whenever something happened around the file.
func (w *Watch) follow(ctx context.Context, watcher *fsnotify.Watcher) {
	defer close(w.done)
	defer func() { _ = watcher.Close() }() // nothing depends on it any more
	timer := time.NewTimer(Every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if concerns(event.Name, w.path) {
				timer.Reset(settleFor)
			}
		case err := <-watcher.Errors:
			w.logger.Warn("events of a directory were lost", "file", w.path, "error", err)
			timer.Reset(settleFor)
		case <-timer.C:
			w.changed()
			if err := addDirectories(watcher, w.path); err != nil {
				w.logger.Warn("cannot watch a file; it is read now and then", "file", w.path, "error", err)
			}
			timer.Reset(Every)
		}
	}
}
