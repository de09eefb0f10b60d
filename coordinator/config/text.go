package config

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// Place is where the text of a configuration is kept. Its owner calls Read and Write
// one at a time.
type Place struct {
	// Name is how errors and logs call it.
	Name string
	// Read reads the text: all of it, or more than MaxBytes.
	Read func(context.Context) ([]byte, error)
	// Write replaces the text that was read last, or says why not: ErrReadOnly,
	// ErrChanged if somebody else replaced it since, or another error, after which it may
	// have been written.
	Write func(context.Context, []byte) error
}

// Text is a configuration that is in force, and the text that it was read from: all of a
// Source but how changes of its place are noticed. Its methods may be called by
// many goroutines.
type Text struct {
	place   Place
	logger  *slog.Logger
	changed chan struct{}

	// updating is held through a whole Update or Look, so that one does not take the
	// other's half for a change by somebody else.
	updating sync.Mutex

	mu sync.Mutex // guards what follows
	// text is what the configuration in force was read from.
	text    []byte
	config  *api.ClusterConfiguration
	problem error
}

// NewText reads a configuration. A text that is not there, or is wrong, is an error
// now, and only now.
func NewText(ctx context.Context, place Place, logger *slog.Logger) (*Text, error) {
	text, err := place.Read(ctx)
	if err != nil {
		return nil, err
	}
	config, err := Parse(place.Name, text)
	if err != nil {
		return nil, err
	}
	return &Text{place: place, logger: logger, changed: make(chan struct{}, 1), text: text, config: config}, nil
}

// Current is Source's.
func (t *Text) Current() *api.ClusterConfiguration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config
}

// Changed is Source's.
func (t *Text) Changed() <-chan struct{} { return t.changed }

// Problem is Source's.
func (t *Text) Problem() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem
}

// Look reads the text again, and puts it in force if it is another and right. Why it is
// not is told by Problem.
func (t *Text) Look(ctx context.Context) {
	t.updating.Lock()
	defer t.updating.Unlock()
	text, err := t.place.Read(ctx)
	if err != nil && ctx.Err() != nil {
		return // it was not read because nobody wants it any more
	}
	if err == nil && bytes.Equal(text, t.inForce()) {
		t.setProblem(nil)
		return
	}
	var config *api.ClusterConfiguration
	if err == nil {
		config, err = Parse(t.place.Name, text)
	}
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		// A text that is being written in place is empty for a moment, and nobody
		// drops all namespaces in this way.
		err = fmt.Errorf("%s: is empty: write {} if the cluster is to have nothing", t.place.Name)
	}
	if err != nil {
		t.setProblem(err)
		return
	}
	t.put(text, config)
	t.logger.Info("cluster configuration changed", "source", t.place.Name,
		"servers", len(config.GetServers()), "namespaces", len(config.GetNamespaces()))
}

// Update is Source's.
func (t *Text) Update(ctx context.Context, change func(*api.ClusterConfiguration) error) error {
	t.updating.Lock()
	defer t.updating.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("change the cluster configuration: %w", err)
	}
	now, err := t.place.Read(ctx)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, t.inForce()) {
		if problem := t.Problem(); problem != nil {
			return fmt.Errorf("%w, and what it is now is not valid, mend it first: %w", ErrChanged, problem)
		}
		return fmt.Errorf("%w in %s: try again", ErrChanged, t.place.Name)
	}
	config := proto.CloneOf(t.Current())
	if err := change(config); err != nil {
		return err
	}
	if err := Validate(config); err != nil {
		return err
	}
	text, err := Render(config)
	if err != nil {
		return err
	}
	if err := t.place.Write(ctx, text); err != nil {
		return err
	}
	t.put(text, config)
	return nil
}

func (t *Text) inForce() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}

// setProblem keeps why the text is not in force, and logs it once.
func (t *Text) setProblem(err error) {
	t.mu.Lock()
	before := t.problem
	t.problem = err
	t.mu.Unlock()
	switch {
	case err == nil && before != nil:
		t.logger.Info("cluster configuration is in force again", "source", t.place.Name)
	case err != nil && (before == nil || before.Error() != err.Error()):
		t.logger.Error("cluster configuration is refused; the one before stays in force",
			"source", t.place.Name, "error", err)
	}
}

// put puts a configuration in force.
func (t *Text) put(text []byte, config *api.ClusterConfiguration) {
	t.mu.Lock()
	same := proto.Equal(t.config, config)
	t.text, t.config, t.problem = text, config, nil
	t.mu.Unlock()
	if same {
		return
	}
	select {
	case t.changed <- struct{}{}:
	default:
		// A change that was not taken yet stands for this one too.
	}
}
