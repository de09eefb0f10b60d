package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

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
	*Text
	watch *filewatch.Watch
}

// OpenFile reads a file and follows it until Close. A file that is not there, or
// is wrong, is an error now, and only now.
func OpenFile(path string, logger *slog.Logger) (*File, error) {
	text, err := NewText(context.Background(), Place{
		Name:  path,
		Read:  func(context.Context) ([]byte, error) { return read(path) },
		Write: func(_ context.Context, text []byte) error { return replace(path, text) },
	}, logger)
	if err != nil {
		return nil, err
	}
	watch, err := filewatch.Start(path, logger, func() { text.Look(context.Background()) })
	if err != nil {
		return nil, fmt.Errorf("watch the cluster configuration %s: %w", path, err)
	}
	return &File{Text: text, watch: watch}, nil
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

// Close implements Source.
func (f *File) Close() error {
	f.watch.Close()
	return nil
}
