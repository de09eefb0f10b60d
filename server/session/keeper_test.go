package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a ledger in memory, which can be told to fail.
type book struct {
	mu       sync.Mutex
	sessions map[int64]kv.Session
	failing  error
	// holding, if not nil, keeps Expire waiting until it is closed.
	holding chan struct{}
	batches [][]int64

	kept, expired atomic.Int64
}

func newBook(ids ...int64) *book {
	b := &book{sessions: map[int64]kv.Session{}}
	for _, id := range ids {
		b.sessions[id] = kv.Session{ID: id, Timeout: 10 * time.Second}
	}
	return b
}

func (b *book) Sessions(context.Context, replication.ShardID) ([]kv.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []kv.Session
	for _, s := range b.sessions {
		all = append(all, s)
	}
	return all, b.failing
}

func (b *book) Session(_ context.Context, _ replication.ShardID, id int64) (kv.Session, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, found := b.sessions[id]
	return s, found, b.failing
}

func (b *book) Expire(ctx context.Context, _ replication.ShardID, ids []int64) ([]int64, error) {
	b.mu.Lock()
	holding := b.holding
	b.mu.Unlock()
	if holding != nil {
		select {
		case <-holding:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing != nil {
		return nil, b.failing
	}
	b.batches = append(b.batches, ids)
	var ended []int64
	for _, id := range ids {
		if _, found := b.sessions[id]; found {
			delete(b.sessions, id)
			ended = append(ended, id)
		}
	}
	return ended, nil
}

func (b *book) SessionKeptAlive()     { b.kept.Add(1) }
func (b *book) SessionsExpired(n int) { b.expired.Add(int64(n)) }

func (b *book) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

func (b *book) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing = err
}

// with runs a test with a keeper of a book, in which time passes when nobody works.
func with(t *testing.T, b *book, do func(*testing.T, *Keeper)) {
	synctest.Test(t, func(t *testing.T) {
		k := New(b, b, slog.New(slog.DiscardHandler))
		defer k.Close()
		do(t, k)
	})
}

func after(d time.Duration) {
	time.Sleep(d) // within synctest, which has no other clock
	synctest.Wait()
}

func TestSessionThatIsNotKeptAliveExpires(t *testing.T) {
	b := newBook(1, 2)
	with(t, b, func(t *testing.T, k *Keeper) {
		k.Begin(7, 1)
		after(6 * time.Second)
		if err := k.KeepAlive(t.Context(), 7, 2); err != nil {
			t.Fatal(err)
		}
		after(5 * time.Second)
		if _, found, _ := b.Session(t.Context(), 7, 1); found {
			t.Error("session 1 is there after 11 seconds")
		}
		if err := k.KeepAlive(t.Context(), 7, 1); !errors.Is(err, ErrNotFound) {
			t.Errorf("a heartbeat of session 1 ends with %v", err)
		}
		if n := k.Count(); n != 1 || b.left() != 1 {
			t.Errorf("%d sessions are kept, %d are there", n, b.left())
		}
		after(6 * time.Second)
		if b.left() != 0 || b.expired.Load() != 2 {
			t.Errorf("%d sessions are there, %d expired", b.left(), b.expired.Load())
		}
	})
}

func TestNewReignGivesWholeTimeouts(t *testing.T) {
	b := newBook(1)
	with(t, b, func(t *testing.T, k *Keeper) {
		k.Begin(7, 1)
		after(9 * time.Second)
		k.End(7)
		after(time.Minute)
		if b.left() != 1 {
			t.Fatal("a session expired while nobody led here")
		}
		k.Begin(7, 3)
		after(9 * time.Second)
		if b.left() != 1 {
			t.Error("a session expired before its whole timeout in a new reign")
		}
		after(2 * time.Second)
		if b.left() != 0 {
			t.Error("a session did not expire in a new reign")
		}
	})
}

func TestManySessionsExpireInBatches(t *testing.T) {
	b := newBook()
	for id := range int64(300) {
		b.sessions[id+1] = kv.Session{ID: id + 1, Timeout: 5 * time.Second}
	}
	with(t, b, func(t *testing.T, k *Keeper) {
		k.Begin(7, 1)
		after(6 * time.Second)
		if b.left() != 0 {
			t.Errorf("%d sessions are left", b.left())
		}
		for _, ids := range b.batches {
			if len(ids) > kv.MaxEndedSessions {
				t.Errorf("%d sessions were ended by one entry", len(ids))
			}
		}
	})
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	b := newBook(1)
	with(t, b, func(t *testing.T, k *Keeper) {
		b.fail(errors.New("no quorum"))
		k.Begin(7, 1)
		after(5 * time.Second)
		b.fail(nil)
		after(2 * time.Second) // looked up now
		b.fail(errors.New("no quorum"))
		after(20 * time.Second)
		if b.left() != 1 {
			t.Fatal("the session is gone")
		}
		b.fail(nil)
		after(2 * time.Second)
		if b.left() != 0 {
			t.Error("the session was not ended")
		}
	})
}

// A heartbeat that comes while its session is being ended waits for what becomes of
// that, and is told the truth.
func TestHeartbeatBesideTheEndIsToldTheTruth(t *testing.T) {
	for _, ended := range []bool{true, false} {
		b := newBook(1)
		with(t, b, func(t *testing.T, k *Keeper) {
			b.holding = make(chan struct{})
			k.Begin(7, 1)
			after(11 * time.Second)
			beat := make(chan error, 1)
			go func() { beat <- k.KeepAlive(t.Context(), 7, 1) }()
			synctest.Wait()
			if len(beat) != 0 {
				t.Error("the heartbeat was answered before it was known")
			}
			if !ended {
				b.fail(errors.New("refused"))
			}
			close(b.holding)
			synctest.Wait()
			b.fail(nil)
			err := <-beat
			if ended && !errors.Is(err, ErrNotFound) {
				t.Errorf("a heartbeat of a session that was ended: %v", err)
			}
			if !ended && err == nil {
				t.Error("a heartbeat was taken while the ledger failed")
			}
		})
	}
}

func TestCreatedAndClosedSessions(t *testing.T) {
	b := newBook()
	with(t, b, func(t *testing.T, k *Keeper) {
		k.Created(7, 1, time.Second) // no reign: nobody's
		k.Begin(7, 1)
		synctest.Wait()
		b.mu.Lock()
		b.sessions[5] = kv.Session{ID: 5, Timeout: 3 * time.Second}
		b.mu.Unlock()
		k.Created(7, 5, 3*time.Second)
		k.Created(7, 6, 3*time.Second)
		k.Closed(7, 6)
		if n := k.Count(); n != 1 {
			t.Errorf("%d sessions are kept", n)
		}
		after(4 * time.Second)
		if b.left() != 0 || k.Count() != 0 {
			t.Error("the session that was created did not expire")
		}
		if len(b.batches) != 1 || len(b.batches[0]) != 1 {
			t.Errorf("ended were %v", b.batches)
		}
	})
}
