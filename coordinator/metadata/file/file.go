package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

// The limits of a provider.
const (
	// maxWaiting bounds the Updates that wait to be written; more wait to be taken.
	maxWaiting = 1024
	// maxRaces bounds how often a write is tried again because another process was
	// faster.
	maxRaces = 100
)

// provider implements metadata.Provider.
type provider struct {
	path   string
	files  replacer
	logger *slog.Logger

	waiting chan *update
	changed chan struct{}
	watcher *fsnotify.Watcher
	stop    chan struct{}
	running sync.WaitGroup

	leasing sync.Mutex // is held while the lease is written

	mu    sync.Mutex // guards what follows
	known *state
}

// update is an Update that waits.
type update struct {
	changes []metadata.Change
	// errs are set when done is closed.
	errs []error
	done chan struct{}
}

// state is what one writing of the file has.
type state struct {
	*packed.State
	stamp stamp
}

// opened counts the providers of this process.
var opened atomic.Uint64

// Open returns a provider of the documents at a path, which come to be with the
// first write. The directory has to be there. The logger is told of what concerns no
// call.
func Open(path string, logger *slog.Logger) (metadata.Provider, error) {
	p := &provider{
		path: path, files: replacer{number: opened.Add(1), allow: everyStep}, logger: logger,
		waiting: make(chan *update, maxWaiting), changed: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("open the cluster's status %s: %s is no directory; make it, or name another path",
			path, filepath.Dir(path))
	}
	p.removeRemains()
	if _, err := p.refresh(); err != nil {
		return nil, err
	}
	if _, _, err := p.readLease(); err != nil {
		return nil, err
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		err = watcher.Add(filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("watch the cluster's status %s: %w", path, err)
	}
	p.watcher = watcher
	p.running.Go(p.write)
	p.running.Go(p.watchLease)
	return p, nil
}

// Close implements metadata.Provider.
func (p *provider) Close() error {
	close(p.stop)
	p.running.Wait()
	return p.watcher.Close()
}

// refresh returns the state of the file as it is now.
func (p *provider) refresh() (*state, error) {
	now, err := stampOf(p.path)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil && known.stamp == now {
		return known, nil
	}
	fresh, err := p.load()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.known = fresh
	p.mu.Unlock()
	return fresh, nil
}

// load reads the file. The stamp is that of what was read: the open file's.
func (p *provider) load() (*state, error) {
	for range maxRaces {
		before, err := stampOf(p.path)
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(p.path)
		if errors.Is(err, fs.ErrNotExist) && !before.exists {
			return &state{State: packed.New()}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the cluster's status: %w", err)
		}
		if after, err := stampOf(p.path); err != nil || after != before {
			continue
		}
		documents, err := packed.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("the cluster's status %s is refused: %w. Restore the file from a copy; "+
				"a cluster whose status is lost cannot be told from another", p.path, err)
		}
		return &state{State: documents, stamp: before}, nil
	}
	return nil, fmt.Errorf("read the cluster's status %s: %w, %d times", p.path, errRaced, maxRaces)
}

// Read implements metadata.Provider.
func (p *provider) Read(ctx context.Context, keys []string) (map[string]metadata.Document, error) {
	s, err := p.readable(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]metadata.Document, len(keys))
	for _, key := range keys {
		if d, ok := s.Get(key); ok {
			found[key] = d
		}
	}
	return found, nil
}

// List implements metadata.Provider.
func (p *provider) List(ctx context.Context, prefix string) (map[string]metadata.Document, error) {
	s, err := p.readable(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]metadata.Document{}
	s.Collect(prefix, found)
	return found, nil
}

// readable returns the present state. A file is read in microseconds to
// milliseconds; a context that ends meanwhile is looked at before.
func (p *provider) readable(ctx context.Context) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return p.refresh()
}

// Update implements metadata.Provider.
func (p *provider) Update(ctx context.Context, changes []metadata.Change) []error {
	u := &update{changes: changes, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return metadata.Failed(len(changes), fmt.Errorf("store documents: %w", err))
	}
	select {
	case p.waiting <- u:
	case <-ctx.Done():
		return metadata.Failed(len(changes), fmt.Errorf("store documents: %w", ctx.Err()))
	}
	select {
	case <-u.done:
		return u.errs
	case <-ctx.Done():
		return metadata.Failed(len(changes), fmt.Errorf("store documents: %w", ctx.Err()))
	}
}

// write is the goroutine that writes, everything that waits at once.
func (p *provider) write() {
	for {
		select {
		case <-p.stop:
			return
		case first := <-p.waiting:
			p.writeTogether(p.takeWaiting(first))
		}
	}
}

func (p *provider) takeWaiting(first *update) []*update {
	batch := []*update{first}
	for len(batch) < maxWaiting {
		select {
		case next := <-p.waiting:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (p *provider) writeTogether(batch []*update) {
	err := errRaced
	for range maxRaces {
		if err = p.tryWrite(batch); !errors.Is(err, errRaced) {
			break
		}
	}
	for _, u := range batch {
		for i := range u.errs {
			// What conflicts does so whether or not the rest could be written.
			if err != nil && !errors.Is(u.errs[i], metadata.ErrConflict) {
				u.errs[i] = fmt.Errorf("store document %s: %w", u.changes[i].Key, err)
			}
		}
		close(u.done)
	}
}

// tryWrite applies the changes to the state as it is, and writes it if there is
// any that does not conflict.
func (p *provider) tryWrite(batch []*update) error {
	for _, u := range batch {
		u.errs = make([]error, len(u.changes))
	}
	before, err := p.refresh()
	if err != nil {
		return err
	}
	next, changed := &state{State: before.Clone()}, false
	for _, u := range batch {
		for i, c := range u.changes {
			u.errs[i] = next.Apply(c)
			changed = changed || u.errs[i] == nil
		}
	}
	if !changed {
		return nil
	}
	next.stamp, err = p.files.replace(p.path, before.stamp, next.Render())
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.known = next
	p.mu.Unlock()
	return nil
}
