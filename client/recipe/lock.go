package recipe

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ostraka-db/ostraka/client"
)

// ErrHeld says that the lock is held by another.
var ErrHeld = errors.New("the lock is held by another")

// ErrLost says that the lock was lost: what took its record away is not known better than that.
var ErrLost = errors.New("the lock's record is gone or is another's")

// Option is an option of Acquire, TryAcquire, Campaign, Leader and Observe.
type Option func(*settings)

type settings struct {
	partition *string
	value     []byte
}

// WithPartitionKey keeps the lock's record with other records: see Lock.Condition.
func WithPartitionKey(key string) Option {
	return func(s *settings) { s.partition = &key }
}

// WithValue is what the lock's record says, for whoever looks at it.
func WithValue(value []byte) Option {
	return func(s *settings) { s.value = value }
}

func settingsOf(options []Option) *settings {
	s := &settings{}
	for _, option := range options {
		option(s)
	}
	return s
}

// route is the routing string of the lock's record.
func (s *settings) route(key string) string {
	if s.partition != nil {
		return *s.partition
	}
	return key
}

// Lock is a lock that was acquired.
type Lock struct {
	key     string
	token   int64
	session *client.Session
	events  *client.Subscription

	stop     context.CancelFunc
	watching sync.WaitGroup
	lost     chan struct{}
	err      error
}

// Acquire waits until the lock is free and acquires it. It opens a session of its own,
// with the client's session timeout.
func Acquire(ctx context.Context, c *client.Client, key string, options ...Option) (*Lock, error) {
	return acquire(ctx, c, key, settingsOf(options), true)
}

// TryAcquire acquires the lock if it is free, and else ends with ErrHeld.
func TryAcquire(ctx context.Context, c *client.Client, key string, options ...Option) (*Lock, error) {
	return acquire(ctx, c, key, settingsOf(options), false)
}

func acquire(ctx context.Context, c *client.Client, key string, s *settings, wait bool) (*Lock, error) {
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lock{key: key, stop: stop, lost: make(chan struct{})}
	err := l.prepare(ctx, watch, c, s)
	if err == nil {
		err = l.take(ctx, c, s, wait)
	}
	if err != nil {
		err = fmt.Errorf("lock %q: %w", key, err)
		// What it can clean up it does; the session ends by itself otherwise.
		return nil, errors.Join(err, l.dismantle(context.WithoutCancel(ctx)))
	}
	l.watching.Go(func() { l.watch(watch, c, s) })
	return l, nil
}

// prepare subscribes before the first look at the record, so that no change is missed,
// and opens the session.
func (l *Lock) prepare(ctx, watch context.Context, c *client.Client, s *settings) (err error) {
	// The subscription outlives ctx, but must not wait longer for its beginning.
	defer context.AfterFunc(ctx, l.stop)()
	if l.events, err = c.Subscribe(watch, client.PartitionKey(s.route(l.key))); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	l.session, err = c.NewSession(ctx, s.route(l.key))
	return err
}

// take puts the record, as soon as there is none.
func (l *Lock) take(ctx context.Context, c *client.Client, s *settings, wait bool) error {
	options := []client.PutOption{client.InSession(l.session), client.ExpectNoRecord()}
	if s.partition != nil {
		options = append(options, client.PartitionKey(*s.partition))
	}
	for {
		put, err := c.Put(ctx, l.key, s.value, options...)
		if err == nil {
			l.token = put.Version.ID
			return nil
		}
		held := errors.Is(err, client.ErrUnexpectedVersion)
		if !held && !errors.Is(err, client.ErrUnknownOutcome) {
			return err
		}
		// A record in this session is ours, however it came about: a put whose answer was
		// lost may be applied after later ones were refused.
		record, found, err := look(ctx, c, l.key, s)
		switch {
		case err != nil:
			return err
		case found && record.Version.Ephemeral && record.Version.Session == l.session.ID():
			l.token = record.Version.ID
			return nil
		case found && !wait:
			return ErrHeld
		case found:
			if err := l.awaitChange(ctx, record.Version.ID); err != nil {
				return err
			}
		}
	}
}

// look reads the lock's record.
func look(ctx context.Context, c *client.Client, key string, s *settings) (client.Record, bool, error) {
	var options []client.GetOption
	if s.partition != nil {
		options = append(options, client.PartitionKey(*s.partition))
	}
	record, err := c.Get(ctx, key, options...)
	if errors.Is(err, client.ErrKeyNotFound) {
		return record, false, nil
	}
	return record, err == nil, err
}

// awaitChange waits until the record may have changed since it had a version.
func (l *Lock) awaitChange(ctx context.Context, version int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer l.watchSession(ctx, cancel)()
	for {
		event, err := l.events.Next(ctx)
		if err != nil {
			return err
		}
		// The events of the record's past, up to the version that was read, are no news.
		if concerns(event, l.key) && (!isPut(event) || event.VersionID > version) {
			return nil
		}
	}
}

// concerns reports whether an event may be about a record.
func concerns(event client.Event, key string) bool {
	switch event.Type {
	case client.EventRangeDeleted, client.EventGap:
		return true // the order of keys is the servers'; looking again does no harm
	}
	return event.Key == key
}

// isPut reports whether an event has a version.
func isPut(event client.Event) bool {
	return event.Type == client.EventCreated || event.Type == client.EventModified
}

// watch closes lost when the lock is: with its session, or by its record.
func (l *Lock) watch(ctx context.Context, c *client.Client, s *settings) {
	defer close(l.lost)
	ctx, cancel := context.WithCancelCause(ctx)
	defer l.watchSession(ctx, cancel)()
	begun := false // what came before the record was put is over
	for {
		event, err := l.events.Next(ctx)
		switch {
		case err != nil:
			l.err = err
			return
		case !concerns(event, l.key):
		case isPut(event) && event.VersionID == l.token:
			begun = true
		case event.Type == client.EventGap, begun && event.Type == client.EventRangeDeleted:
			record, found, err := look(ctx, c, l.key, s)
			if err == nil && (!found || record.Version.ID != l.token) {
				l.err = ErrLost
				return
			}
			begun = begun || err == nil
		case begun && event.Type != client.EventRangeDeleted:
			l.err = ErrLost
			return
		}
	}
}

// watchSession has a context end with the session. The function that it returns ends
// that, and waits for its goroutine.
func (l *Lock) watchSession(ctx context.Context, cancel context.CancelCauseFunc) func() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-l.session.Done():
			cancel(l.session.Err())
		case <-ctx.Done():
		}
	}()
	return func() { cancel(nil); <-ended }
}

// Token is the fencing token: the version of the lock's record.
func (l *Lock) Token() int64 { return l.token }

// Lost is closed when the lock is held no more, Release included.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Err says why the lock is held no more, nil while it is.
func (l *Lock) Err() error {
	select {
	case <-l.lost:
		return l.err
	default:
		return nil
	}
}

// Condition holds in a transaction as long as the lock is held. The transaction must be
// in the lock's shard.
func (l *Lock) Condition() client.Condition { return client.IfVersion(l.key, l.token) }

// Release gives the lock up. If the server cannot be reached the lock is free once the
// session's timeout has passed.
func (l *Lock) Release(ctx context.Context) error {
	if err := l.dismantle(ctx); err != nil {
		return fmt.Errorf("release lock %q: %w", l.key, err)
	}
	return nil
}

// dismantle ends all that the lock has.
func (l *Lock) dismantle(ctx context.Context) error {
	l.stop()
	l.watching.Wait()
	if l.events != nil {
		l.events.Close()
	}
	if l.session == nil {
		return nil
	}
	return l.session.Close(ctx)
}
