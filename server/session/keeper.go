package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

const (
	// maxWork bounds the shards that are being looked through, or have sessions ended,
	// at a time.
	maxWork = 16
	// workWithin bounds one such piece of work.
	workWithin = 10 * time.Second
	// again is when what failed is tried again.
	again = time.Second
)

// Ledger is where sessions are written down.
type Ledger interface {
	// Sessions returns the sessions of a shard that this server led after the call
	// began.
	Sessions(ctx context.Context, shard replication.ShardID) ([]kv.Session, error)
	// Session returns one of them, and whether it is there.
	Session(ctx context.Context, shard replication.ShardID, id int64) (kv.Session, bool, error)
	// Expire ends sessions, no more than kv.MaxEndedSessions, and returns those that were
	// there. After an error they may be ended, or may yet be.
	Expire(ctx context.Context, shard replication.ShardID, ids []int64) ([]int64, error)
}

// Observer counts what becomes of sessions.
type Observer interface {
	SessionKeptAlive()
	SessionsExpired(n int)
}

// Keeper keeps the sessions of a server.
type Keeper struct {
	ledger   Ledger
	observer Observer
	logger   *slog.Logger

	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{}
	working chan struct{}
	running sync.WaitGroup

	mu        sync.Mutex
	reigns    map[replication.ShardID]*reign
	deadlines deadlines
	// begun are reigns whose sessions have not been looked through.
	begun []*reign
}

// reign is what is known while this server leads a shard.
type reign struct {
	shard    replication.ShardID
	term     replication.Term
	over     bool
	sessions map[int64]*session
	// from is when its sessions may be looked through, if they were not.
	from time.Time
}

// New returns a keeper that knows of no shard.
func New(ledger Ledger, observer Observer, logger *slog.Logger) *Keeper {
	k := &Keeper{
		ledger: ledger, observer: observer, logger: logger,
		wake: make(chan struct{}, 1), working: make(chan struct{}, maxWork),
		reigns: map[replication.ShardID]*reign{},
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.running.Go(k.run)
	return k
}

// Close ends the keeper.
func (k *Keeper) Close() {
	k.cancel()
	k.running.Wait()
}

// Begin says that this server leads a shard now.
func (k *Keeper) Begin(shard replication.ShardID, term replication.Term) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.end(shard)
	r := &reign{shard: shard, term: term, sessions: map[int64]*session{}, from: time.Now()}
	k.reigns[shard] = r
	k.begun = append(k.begun, r)
	k.wakeUp()
}

// End says that this server does not lead a shard any more.
func (k *Keeper) End(shard replication.ShardID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.end(shard)
}

func (k *Keeper) end(shard replication.ShardID) {
	r := k.reigns[shard]
	if r == nil {
		return
	}
	r.over = true
	for _, s := range r.sessions {
		k.deadlines.remove(s)
	}
	delete(k.reigns, shard)
}

// Count tells how many sessions are kept.
func (k *Keeper) Count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	count := 0
	for _, r := range k.reigns {
		count += len(r.sessions)
	}
	return count
}

// Created says that a session was created here.
func (k *Keeper) Created(shard replication.ShardID, id int64, timeout time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.reigns[shard]; r != nil {
		k.keep(r, id, timeout)
	}
}

// Closed says that a session was closed here.
func (k *Keeper) Closed(shard replication.ShardID, id int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.reigns[shard]; r != nil {
		k.forget(r, id)
	}
}

// ErrNotFound says that there is no such session, and that there will be none again.
var ErrNotFound = errors.New("there is no such session")

// KeepAlive puts the end of a session off by its whole timeout, from a moment after the
// call. The error is ErrNotFound, the ledger's or the context's.
func (k *Keeper) KeepAlive(ctx context.Context, shard replication.ShardID, id int64) error {
	for {
		s, found, err := k.ledger.Session(ctx, shard, id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		ending := k.touch(shard, id, s.Timeout)
		if ending == nil {
			k.observer.SessionKeptAlive()
			return nil
		}
		// It was about to be ended. Whether it was is known in a moment.
		select {
		case <-ending:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// touch puts the end of a session off, unless it is being ended: then it returns a
// channel that is closed when it is known whether it was.
func (k *Keeper) touch(shard replication.ShardID, id int64, timeout time.Duration) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.reigns[shard]
	if r == nil {
		return nil // it is looked up when the reign is taken up, and has its timeout then
	}
	if s := r.sessions[id]; s != nil && s.ending != nil {
		return s.ending
	}
	k.keep(r, id, timeout)
	return nil
}

// keep gives a session its whole timeout from now. The caller holds mu.
func (k *Keeper) keep(r *reign, id int64, timeout time.Duration) {
	s := r.sessions[id]
	if s == nil {
		s = &session{reign: r, id: id, at: notQueued}
		r.sessions[id] = s
	}
	k.deadlines.set(s, time.Now().Add(timeout))
	if s.at == 0 {
		k.wakeUp()
	}
}

// forget drops a session. The caller holds mu.
func (k *Keeper) forget(r *reign, id int64) {
	if s := r.sessions[id]; s != nil {
		k.deadlines.remove(s)
		delete(r.sessions, id)
	}
}

func (k *Keeper) wakeUp() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
