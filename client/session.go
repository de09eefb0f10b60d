package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// closeTimeout bounds how long Close tries to end the client's sessions. Those that it
// could not end go by themselves after their timeout.
const closeTimeout = 5 * time.Second

// Session is a session with one shard. The client keeps it alive until it is closed or
// lost; ephemeral records that were put in it live as long.
//
// Lost means that the client cannot prove any more that the session is alive: the server
// said that it has ended, or no word of the server came for the session's timeout, by
// this process's clock and counted from before the last successful question was sent. The
// server ends it no earlier, so that whoever stops what the records stand for when Done
// is closed does so in time, as long as this process runs. A process that was stopped
// and does not know it needs more: see package recipe.
type Session struct {
	c       *Client
	id      int64
	shard   int64
	timeout time.Duration
	// keeping ends when the session is not kept alive any more.
	keeping context.Context
	release context.CancelFunc
	kept    chan struct{} // closed when the goroutine that keeps it has ended

	once sync.Once
	done chan struct{}
	err  error
}

// SessionLost tells of a session that was lost.
type SessionLost struct {
	// ID is the session's, as in the versions of its records, and Shard has it.
	ID    int64
	Shard int64
	// Err says why.
	Err error
}

// NewSession opens a session in the shard that holds a key, with the client's session
// timeout: the key of the records that are to live in it, or their partition key.
func (c *Client) NewSession(ctx context.Context, key string) (*Session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.conf.requestTimeout)
	defer cancel()
	for {
		s, err := c.newSession(ctx, keyspace.Hash(key))
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errShardGone) {
			return nil, fmt.Errorf("open a session for %q: %w", key, err)
		}
	}
}

func (c *Client) newSession(ctx context.Context, hash uint32) (*Session, error) {
	shard, err := c.shardOf(ctx, hash)
	if err != nil {
		return nil, err
	}
	return c.openSession(ctx, shard.id)
}

// openSession opens a session in a shard. A session whose opening was answered and the
// answer lost ends by itself, since nobody keeps it.
func (c *Client) openSession(ctx context.Context, shard int64) (*Session, error) {
	began := time.Now()
	s := &Session{c: c, shard: shard, timeout: c.conf.sessionTimeout, kept: make(chan struct{}), done: make(chan struct{})}
	err := c.attempt(ctx, shard, forCalls, always, func(ctx context.Context, conn *grpc.ClientConn) error {
		began = time.Now()
		res, err := api.NewOxiaClientClient(conn).CreateSession(ctx, &api.CreateSessionRequest{
			Shard: shard, SessionTimeoutMs: uint32(s.timeout.Milliseconds()), ClientIdentity: c.conf.identity,
		})
		s.id = res.GetSessionId()
		return err
	})
	if err != nil {
		return nil, err
	}
	s.keeping, s.release = context.WithCancel(c.ctx)
	c.mu.Lock()
	c.open[s] = struct{}{}
	c.mu.Unlock()
	if !c.start(func() { s.keep(began) }) {
		s.release()
		close(s.kept)
		return nil, ErrClosed
	}
	return s, nil
}

// ID is the session's id, as in the versions of its records.
func (s *Session) ID() int64 { return s.id }

// Done is closed when the session was closed or lost.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err says why the session is done: ErrClosed, or why it was lost. It is nil before.
func (s *Session) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Close ends the session, and with it its records. A session that has ended already is
// no error. If the server cannot be reached, the session ends after its timeout.
func (s *Session) Close(ctx context.Context) error {
	s.release()
	<-s.kept
	if !s.end(ErrClosed) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.conf.requestTimeout)
	defer cancel()
	err := s.c.attempt(ctx, s.shard, forCalls, always, func(ctx context.Context, conn *grpc.ClientConn) error {
		_, err := api.NewOxiaClientClient(conn).CloseSession(ctx, &api.CloseSessionRequest{Shard: s.shard, SessionId: s.id})
		return err
	})
	if err == nil || errors.Is(err, ErrSessionNotFound) || errors.Is(err, errShardGone) {
		return nil
	}
	return fmt.Errorf("close session %d of shard %d: %w", s.id, s.shard, err)
}

// end makes the session done, once.
func (s *Session) end(why error) bool {
	first := false
	s.once.Do(func() {
		first = true
		s.err = why
		close(s.done)
		s.c.mu.Lock()
		delete(s.c.open, s)
		s.c.mu.Unlock()
	})
	return first
}

// lose ends the session because it was lost, and tells who wants to know.
func (s *Session) lose(why error) {
	s.release()
	if s.end(why) && s.c.conf.sessionLost != nil {
		s.c.start(func() { s.c.conf.sessionLost(SessionLost{ID: s.id, Shard: s.shard, Err: why}) })
	}
}

// heartbeat is how often a session is kept alive: a tenth of its timeout, but no more
// often than every two seconds, unless that left less than three tries.
func heartbeat(timeout time.Duration) time.Duration {
	return min(max(timeout/10, 2*time.Second), timeout/3)
}

// keep is the goroutine that keeps the session alive. proven is from before the last
// question that was answered was sent.
func (s *Session) keep(proven time.Time) {
	defer close(s.kept)
	for {
		next := proven.Add(heartbeat(s.timeout))
		if !pause(s.keeping, time.Until(next), nil) {
			return
		}
		began, err := s.beat(proven.Add(s.timeout))
		switch {
		case err == nil:
			proven = began
		case s.keeping.Err() != nil:
			return
		default:
			s.lose(fmt.Errorf("session %d of shard %d is lost: %w", s.id, s.shard, err))
			return
		}
	}
}

// beat keeps the session alive once, if it can by the deadline.
func (s *Session) beat(deadline time.Time) (began time.Time, err error) {
	ctx, cancel := context.WithDeadline(s.keeping, deadline)
	defer cancel()
	err = s.c.attempt(ctx, s.shard, forCalls, always, func(ctx context.Context, conn *grpc.ClientConn) error {
		began = time.Now()
		_, err := api.NewOxiaClientClient(conn).KeepAlive(ctx, &api.SessionHeartbeat{Shard: s.shard, SessionId: s.id})
		return err
	})
	return began, err
}

// sessionSlot has the session that the ephemeral records of a shard share. Whoever is
// in turn may use it.
type sessionSlot struct {
	turn    chan struct{}
	session *Session
}

// sharedSession returns the shared session of a shard, which it opens if there is none.
func (c *Client) sharedSession(ctx context.Context, shard int64) (*Session, error) {
	c.mu.Lock()
	slot := c.sessions[shard]
	if slot == nil {
		slot = &sessionSlot{turn: make(chan struct{}, 1)}
		c.sessions[shard] = slot
	}
	c.mu.Unlock()
	select {
	case slot.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, late(ctx, nil)
	case <-c.ctx.Done():
		return nil, ErrClosed
	}
	defer func() { <-slot.turn }()
	if slot.session != nil && slot.session.Err() == nil {
		return slot.session, nil
	}
	s, err := c.openSession(ctx, shard)
	if err == nil {
		slot.session = s
	}
	return s, err
}

// putEphemeral puts a record into the shared session of its shard.
func (c *Client) putEphemeral(ctx context.Context, put *operation) (PutResult, error) {
	ctx, cancel := context.WithTimeout(ctx, c.conf.requestTimeout)
	defer cancel()
	for {
		s, err := c.ephemeralSession(ctx, put.hash)
		if err != nil {
			return PutResult{}, fmt.Errorf("put %q: open a session: %w", put.key(), err)
		}
		put.put.SessionId = &s.id
		o := &operation{kind: kindPut, put: put.put, size: put.size, named: put.named, shard: s.shard, pinned: true}
		result, err := c.issue(ctx, o).putResult()
		if errors.Is(err, errShardGone) {
			continue
		}
		if errors.Is(err, ErrSessionNotFound) {
			s.lose(fmt.Errorf("session %d of shard %d is lost: %w", s.id, s.shard, ErrSessionNotFound))
		}
		return result, err
	}
}

func (c *Client) ephemeralSession(ctx context.Context, hash uint32) (*Session, error) {
	for {
		shard, err := c.shardOf(ctx, hash)
		if err != nil {
			return nil, err
		}
		s, err := c.sharedSession(ctx, shard.id)
		if !errors.Is(err, errShardGone) {
			return s, err
		}
	}
}

// closeSessions ends all sessions, side by side.
func (c *Client) closeSessions() error {
	ctx, cancel := context.WithTimeout(c.ctx, closeTimeout)
	defer cancel()
	c.mu.Lock()
	var closing sync.WaitGroup
	errs := make(chan error, len(c.open))
	for s := range c.open {
		closing.Go(func() { errs <- s.Close(ctx) })
	}
	c.mu.Unlock()
	closing.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}
