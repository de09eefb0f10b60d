package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// Store is where the lease is.
type Store interface {
	ReadLease(ctx context.Context) (metadata.Lease, int64, error)
	WriteLease(ctx context.Context, lease metadata.Lease, version int64) error
	LeaseChanged() <-chan struct{}
}

// Options are a candidate's. Name is required; the times default to DefaultOptions'.
type Options struct {
	// Name is the coordinator's own.
	Name string
	// Address is where admins reach it.
	Address string
	// Sole says that no other coordinator can run, so that a lease is taken whoever
	// seems to hold it: what is left of a run before this one. It is not renewed: there
	// is nobody who would look at it.
	Sole bool

	// Beat is how often the holder renews the lease.
	Beat time.Duration
	// Hold is how long a lease lasts that is not renewed: several beats.
	Hold time.Duration
	// Look is how often a candidate looks at the lease where the store tells of no
	// change.
	Look   time.Duration
	Logger *slog.Logger
}

// DefaultOptions returns the times, for a takeover within two seconds.
func DefaultOptions() Options {
	return Options{
		Beat: 400 * time.Millisecond, Hold: 1600 * time.Millisecond, Look: 200 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// releaseWithin bounds the release of the lease when Run ends.
const releaseWithin = time.Second

// Grant is one reign.
type Grant struct {
	// Run numbers the reigns of all coordinators, ascending, and is not below the
	// milliseconds of the clock when it began.
	Run uint64
}

// State is what a candidate knows of the lease.
type State struct {
	// Leads says that this candidate holds it.
	Leads bool
	// Holder and Address are those of whoever does; empty if nobody is known to.
	Holder, Address string
	// Known is set once the lease was read.
	Known bool
	// Err is why the store could not be read or written when last tried; nil if it
	// could.
	Err error
}

// Candidate competes for the lease.
type Candidate struct {
	store   Store
	options Options

	// seen is the lease as it was read last, and since when it has been so.
	seen    metadata.Lease
	version int64
	since   time.Time
	// leading is set while a reign lasts.
	leading bool

	mu    sync.Mutex // guards what follows
	state State
}

// NewCandidate returns a candidate that does nothing before Run.
func NewCandidate(store Store, o Options) *Candidate {
	d := DefaultOptions()
	if o.Beat == 0 {
		o.Beat = d.Beat
	}
	if o.Hold == 0 {
		o.Hold = d.Hold
	}
	if o.Look == 0 {
		o.Look = d.Look
	}
	if o.Logger == nil {
		o.Logger = d.Logger
	}
	return &Candidate{store: store, options: o, version: -1}
}

// State returns what is known of the lease.
func (c *Candidate) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Run competes until the context is done, and calls lead for each reign.
func (c *Candidate) Run(ctx context.Context, lead func(context.Context, Grant)) {
	for ctx.Err() == nil {
		if grant, won := c.tryWin(ctx); won {
			c.reign(ctx, grant, lead)
			continue
		}
		wait := time.NewTimer(c.options.Look)
		select {
		case <-ctx.Done():
		case <-c.store.LeaseChanged():
		case <-wait.C:
		}
		wait.Stop()
	}
}

// tryWin looks at the lease, and takes it if nobody holds it.
func (c *Candidate) tryWin(ctx context.Context) (Grant, bool) {
	calling, cancel := context.WithTimeout(ctx, c.options.Hold)
	defer cancel()
	lease, version, err := c.store.ReadLease(calling)
	if err != nil {
		c.note(ctx, err)
		return Grant{}, false
	}
	if version != c.version {
		c.seen, c.version, c.since = lease, version, time.Now()
	}
	free := version == 0 || lease.Released || c.options.Sole
	if !free && time.Since(c.since) < c.options.Hold {
		c.note(ctx, nil)
		return Grant{}, false
	}
	mine := metadata.Lease{
		Holder: c.options.Name, Address: c.options.Address,
		Run: max(lease.Run+1, uint64(max(0, time.Now().UnixMilli()))),
	}
	err = c.store.WriteLease(calling, mine, version)
	switch {
	case errors.Is(err, metadata.ErrConflict):
		err = nil // a rival was faster
	case err == nil:
		c.seen, c.version, c.since = mine, version+1, time.Now()
		return Grant{Run: mine.Run}, true
	}
	c.note(ctx, err)
	return Grant{}, false
}

// reign leads until the lease is lost or the context is done.
func (c *Candidate) reign(ctx context.Context, grant Grant, lead func(context.Context, Grant)) {
	c.options.Logger.Info("leads the cluster's coordinators", "coordinator", c.options.Name, "run", grant.Run)
	c.leading = true
	c.note(ctx, nil)
	leading, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		lead(leading, grant)
	}()
	lost := c.renew(leading, done)
	end()
	<-done
	if lost == nil {
		c.release()
	}
	// What is stored now is read before anything else.
	c.leading, c.version = false, -1
	c.note(ctx, lost)
	c.options.Logger.Info("leads the cluster's coordinators no more", "coordinator", c.options.Name, "reason", reason(lost))
}

func reason(lost error) string {
	if lost == nil {
		return "stopping"
	}
	return lost.Error()
}

// renew beats until the context is done, the reign is over, or the lease is lost,
// which is an error.
func (c *Candidate) renew(ctx context.Context, over <-chan struct{}) error {
	if c.options.Sole {
		select {
		case <-ctx.Done():
		case <-over:
		}
		return nil
	}
	ticker := time.NewTicker(c.options.Beat)
	defer ticker.Stop()
	// The others count from when they see a beat, which is after it was begun.
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return nil
		case <-ticker.C:
		}
		begun := time.Now()
		// A process that stood still asks before it gives up: perhaps nobody noticed.
		err := c.beat(ctx, max(c.options.Hold-begun.Sub(renewed), c.options.Beat))
		switch {
		case err == nil:
			renewed = begun
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, metadata.ErrConflict):
			return fmt.Errorf("another took the lease: %w", err)
		case time.Since(renewed) >= c.options.Hold:
			return fmt.Errorf("the lease could not be renewed for %v: %w", c.options.Hold, err)
		}
		c.note(ctx, err)
	}
}

// beat writes the lease anew. ErrConflict says that it is another's.
func (c *Candidate) beat(ctx context.Context, within time.Duration) error {
	calling, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	next := c.seen
	next.Beat++
	err := c.store.WriteLease(calling, next, c.version)
	if err == nil {
		c.seen, c.version, c.since = next, c.version+1, time.Now()
		return nil
	}
	now, version, readErr := c.store.ReadLease(calling)
	if readErr != nil {
		if errors.Is(err, metadata.ErrConflict) {
			// Perhaps with a beat of our own whose outcome was not known.
			return fmt.Errorf("read the lease after a conflict: %w", readErr)
		}
		return err
	}
	if now.Holder != next.Holder || now.Run != next.Run {
		return fmt.Errorf("%s holds it: %w", now.Holder, metadata.ErrConflict)
	}
	renewed := version > c.version
	c.seen, c.version, c.since = now, version, time.Now()
	if !renewed {
		return err
	}
	return nil
}

// release lets others take the lease at once. If that fails, they wait.
func (c *Candidate) release() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseWithin)
	defer cancel()
	lease, version, err := c.store.ReadLease(ctx)
	if err == nil && lease.Holder == c.options.Name && lease.Run == c.seen.Run {
		lease.Released = true
		err = c.store.WriteLease(ctx, lease, version)
	}
	if err != nil && !errors.Is(err, metadata.ErrConflict) {
		c.options.Logger.Warn("the lease was not released; others wait until it ends", "error", err)
	}
}

// note keeps what State tells.
func (c *Candidate) note(ctx context.Context, err error) {
	state := State{Known: c.version >= 0, Err: err}
	if c.version > 0 && !c.seen.Released {
		state.Holder, state.Address = c.seen.Holder, c.seen.Address
		state.Leads = c.leading
	}
	c.mu.Lock()
	before := c.state
	c.state = state
	c.mu.Unlock()
	if err != nil && before.Err == nil && ctx.Err() == nil {
		c.options.Logger.Warn("the coordinators' lease cannot be read or written", "error", err)
	}
}
