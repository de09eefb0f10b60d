package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/internal/filewatch"
)

// The reasons why an Update does nothing, beside *Problems.
var (
	// ErrReadOnly: the configuration cannot be written from here.
	ErrReadOnly = errors.New("the cluster configuration is read-only")
	// ErrChanged: somebody else changed the file, and what they wrote is not in force
	// yet.
	ErrChanged = errors.New("the cluster configuration was changed meanwhile")
)

// Source is where the configuration comes from.
type Source interface {
	// Current returns the configuration in force. It is not to be changed.
	Current() *api.ClusterConfiguration
	// Changed receives after each change of what is in force. Changes that nobody
	// waited for are one. There is one receiver.
	Changed() <-chan struct{}
	// Problem says why what the operator wrote last is not in force; nil if it is.
	Problem() error
	// Update lets a function change a copy of the configuration in force, and puts
	// that in force. An error of the function is returned as it is, and changes
	// nothing.
	Update(ctx context.Context, change func(*api.ClusterConfiguration) error) error
	// Close ends what watches the source.
	Close() error
}

// Fixed is a Source whose configuration never changes.
type Fixed struct{ config *api.ClusterConfiguration }

// NewFixed returns a Source of one configuration, which has to be valid.
func NewFixed(c *api.ClusterConfiguration) (*Fixed, error) {
	if err := Validate(c); err != nil {
		return nil, fmt.Errorf("use the cluster configuration: %w", err)
	}
	return &Fixed{config: c}, nil
}

// Current implements Source.
func (f *Fixed) Current() *api.ClusterConfiguration { return f.config }

// Changed implements Source. It never receives.
func (f *Fixed) Changed() <-chan struct{} { return nil }

// Problem implements Source.
func (f *Fixed) Problem() error { return nil }

// Update implements Source. It refuses.
func (f *Fixed) Update(context.Context, func(*api.ClusterConfiguration) error) error {
	return fmt.Errorf("%w: it was given when the process started", ErrReadOnly)
}

// Close implements Source.
func (f *Fixed) Close() error { return nil }

// File is a Source that follows a file.
type File struct {
	path    string
	logger  *slog.Logger
	changed chan struct{}
	watch   *filewatch.Watch

	// updating is held through a whole Update or look at the file, so that one does
	// not take the other's half for a change by somebody else.
	updating sync.Mutex

	mu sync.Mutex // guards what follows
	// text is what the configuration in force was read from.
	text    []byte
	config  *api.ClusterConfiguration
	problem error
}

// OpenFile reads a file and follows it until Close. A file that is not there, or
// is wrong, is an error now, and only now.
func OpenFile(path string, logger *slog.Logger) (*File, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	config, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	f := &File{
		path: path, logger: logger, changed: make(chan struct{}, 1), text: text, config: config,
	}
	if f.watch, err = filewatch.Start(path, logger, f.look); err != nil {
		return nil, fmt.Errorf("watch the cluster configuration %s: %w", path, err)
	}
	return f, nil
}

// read reads as much of a file as Parse accepts, and a little more, so that it can
// tell that there is too much.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the cluster configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the cluster configuration %s: %w", path, err)
	}
	return text, nil
}

// Current implements Source.
func (f *File) Current() *api.ClusterConfiguration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.config
}

// Changed implements Source.
func (f *File) Changed() <-chan struct{} { return f.changed }

// Problem implements Source.
func (f *File) Problem() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem
}

// Close implements Source.
func (f *File) Close() error {
	f.watch.Close()
	return nil
}

// look reads the file again, and puts it in force if it is another and right.
func (f *File) look() {
	f.updating.Lock()
	defer f.updating.Unlock()
	text, err := read(f.path)
	if err == nil && bytes.Equal(text, f.inForce()) {
		f.setProblem(nil)
		return
	}
	var config *api.ClusterConfiguration
	if err == nil {
		config, err = Parse(f.path, text)
	}
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		// A file that is being written in place is empty for a moment, and nobody
		// drops all namespaces in this way.
		err = fmt.Errorf("%s: is empty: write {} if the cluster is to have nothing", f.path)
	}
	if err != nil {
		f.setProblem(err)
		return
	}
	f.put(text, config)
	f.logger.Info("cluster configuration changed", "file", f.path,
		"servers", len(config.GetServers()), "namespaces", len(config.GetNamespaces()))
}

func (f *File) inForce() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

// setProblem keeps why the file is not in force, and logs it once.
func (f *File) setProblem(err error) {
	f.mu.Lock()
	before := f.problem
	f.problem = err
	f.mu.Unlock()
	switch {
	case err == nil && before != nil:
		f.logger.Info("cluster configuration is in force again", "file", f.path)
	case err != nil && (before == nil || before.Error() != err.Error()):
		f.logger.Error("cluster configuration is refused; the one before stays in force",
			"file", f.path, "error", err)
	}
}

// put puts a configuration in force.
func (f *File) put(text []byte, config *api.ClusterConfiguration) {
	f.mu.Lock()
	same := proto.Equal(f.config, config)
	f.text, f.config, f.problem = text, config, nil
	f.mu.Unlock()
	if same {
		return
	}
	select {
	case f.changed <- struct{}{}:
	default:
		// A change that was not taken yet stands for this one too.
	}
}
