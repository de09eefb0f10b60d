package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ostraka-db/ostraka/client"
)

// tenant opens a session, puts records in it, looks at them for a while, closes it,
// and begins again. Watcher is a client of somebody else's.
type tenant struct {
	owner, watcher *client.Client
	prefix         string
	draw           *rand.Rand

	// held counts the sessions that were used, lost those of them that were lost.
	held, lost int
	wrong      []error
	// left are records that must be gone at the end: their sessions are over.
	left []string
}

// stay is for how long a tenant looks at its records, at most.
const stay = 10 * time.Second

func (n *tenant) run(ctx context.Context) {
	for ctx.Err() == nil && len(n.wrong) == 0 {
		n.hold(ctx)
		sleepUntil(ctx, time.Now().Add(breath))
	}
}

// hold uses one session.
func (n *tenant) hold(ctx context.Context) {
	key := fmt.Sprintf("%s%d", n.prefix, n.held)
	opening, cancel := context.WithTimeout(ctx, askWithin)
	session, err := n.owner.NewSession(opening, key)
	cancel()
	if err != nil {
		return
	}
	n.held++
	putting, cancel := context.WithTimeout(ctx, askWithin)
	_, err = n.owner.Put(putting, key, nil, client.InSession(session))
	cancel()
	n.left = append(n.left, key)
	if err == nil {
		n.look(ctx, key, session)
	}
	// The end of the run closes it all the same, and must not be taken for a failure.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
	defer cancel()
	if err := session.Close(closing); err == nil && ctx.Err() == nil {
		n.mustBeGone(ctx, key, session)
	}
}

// look reads the record for as long as it stays. As long as the session is not done
// after the answer, the record was there when it was read.
func (n *tenant) look(ctx context.Context, key string, session *client.Session) {
	until := time.Now().Add(time.Duration(n.draw.Int64N(int64(stay))))
	for ctx.Err() == nil && time.Now().Before(until) {
		asking, cancel := context.WithTimeout(ctx, askWithin)
		_, err := n.watcher.Get(asking, key)
		cancel()
		select {
		case <-session.Done():
			n.lost++
			return
		default:
		}
		if errors.Is(err, client.ErrKeyNotFound) {
			n.wrong = append(n.wrong, fmt.Errorf("%s is not there, and session %d is not done", key, session.ID()))
			return
		}
		sleepUntil(ctx, time.Now().Add(breath))
	}
}

// mustBeGone reads the record after its session was closed.
func (n *tenant) mustBeGone(ctx context.Context, key string, session *client.Session) {
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if _, err := n.watcher.Get(asking, key); err == nil {
		n.wrong = append(n.wrong, fmt.Errorf("%s is there, and session %d was closed", key, session.ID()))
	}
}

// verify waits until the records of all sessions are gone: those that could not be
// closed end after their timeout.
func (n *tenant) verify(ctx context.Context) error {
	if len(n.wrong) > 0 {
		return errors.Join(n.wrong...)
	}
	for {
		var there []string
		var last error
		for key, err := range n.watcher.List(ctx, n.prefix, n.prefix+"~") {
			last = err
			if err == nil {
				there = append(there, key)
			}
		}
		if last == nil && len(there) == 0 {
			return nil
		}
		if !sleepUntil(ctx, time.Now().Add(100*time.Millisecond)) {
			return fmt.Errorf("records outlive their sessions: %v; %w", there, last)
		}
	}
}
