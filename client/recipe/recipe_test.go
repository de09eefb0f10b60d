package recipe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(f *clienttest.Cluster, options ...client.Option) *client.Client {
	t := f.Test()
	t.Helper()
	dial := client.WithDialOptions(grpc.WithContextDialer(f.Dial))
	c, err := client.New(context.Background(), clienttest.Address(0), append(options, dial)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// One holds the lock at a time, each with a greater token, whatever goes wrong on the way.
func TestOneHoldsTheLock(t *testing.T) {
	f := clienttest.New(t, 3, 2, keyspace.Hierarchical)
	lost := clienttest.Fault{Err: status.Error(codes.Unavailable, "lost"), After: true}
	f.SetFault(clienttest.Failing("WriteStream", 3, lost))
	var mu sync.Mutex
	holders, last, rounds := 0, int64(-1), 0
	var contenders sync.WaitGroup
	for range 4 {
		c := newClient(f)
		contenders.Go(func() {
			for range 5 {
				l, err := Acquire(t.Context(), c, "lock", WithPartitionKey("p"))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				holders++
				rounds++
				if holders != 1 || l.Token() <= last {
					t.Errorf("%d hold the lock, with token %d after %d", holders, l.Token(), last)
				}
				last = l.Token()
				mu.Unlock()
				_, err = c.Transact(t.Context(), client.Transaction{
					Conditions: []client.Condition{l.Condition()}, Operations: []client.Operation{client.ThenAppend("log", []byte("x"))},
				}, client.PartitionKey("p"))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				holders--
				mu.Unlock()
				if err := l.Release(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	contenders.Wait()
	if rounds != 20 {
		t.Errorf("the lock was held %d times of 20", rounds)
	}
}

func TestTryAcquire(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	a, b := newClient(f), newClient(f)
	held, err := TryAcquire(t.Context(), a, "lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryAcquire(t.Context(), b, "lock"); !errors.Is(err, ErrHeld) {
		t.Errorf("a lock that is held: %v", err)
	}
	if held.Err() != nil {
		t.Errorf("it was lost by that: %v", held.Err())
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
	<-held.Lost()
	if held.Err() == nil {
		t.Error("a released lock says that it is held")
	}
	again, err := TryAcquire(t.Context(), b, "lock")
	if err != nil || again.Token() <= held.Token() {
		t.Fatalf("after the release: %v, %v", again, err)
	}
	if err := again.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// Every way to lose a lock closes Lost, and what was fenced by it does not happen.
func TestLostLock(t *testing.T) {
	for name, lose := range map[string]func(*clienttest.Cluster, *client.Client) error{
		"the record is deleted": func(_ *clienttest.Cluster, c *client.Client) error { return c.Delete(context.Background(), "lock") },
		"the record is overwritten": func(_ *clienttest.Cluster, c *client.Client) error {
			_, err := c.Put(context.Background(), "lock", nil)
			return err
		},
		"a range is deleted": func(_ *clienttest.Cluster, c *client.Client) error {
			return c.DeleteRange(context.Background(), "a", "z")
		},
		"the session is ended": func(f *clienttest.Cluster, _ *client.Client) error {
			f.Change(func() { f.Shard(0).EndSession(1) })
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
			c := newClient(f)
			l, err := Acquire(t.Context(), c, "lock")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.DeleteRange(t.Context(), "x", "y"); err != nil { // of other records
				t.Fatal(err)
			}
			if err := lose(f, c); err != nil {
				t.Fatal(err)
			}
			<-l.Lost()
			if l.Err() == nil {
				t.Error("it does not say why")
			}
			_, err = c.Transact(t.Context(), client.Transaction{
				Conditions: []client.Condition{l.Condition()}, Operations: []client.Operation{client.ThenPut("lock", nil)},
			})
			if !errors.Is(err, client.ErrConditionFailed) {
				t.Errorf("a write fenced by a lost lock: %v", err)
			}
			if err := l.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A holder that hears nothing knows that it lost the lock before another can have it.
func TestSilenceLosesTheLockInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
		c := newClient(f, client.WithSessionTimeout(6*time.Second))
		l, err := Acquire(t.Context(), c, "lock")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		f.SetFault(func(call clienttest.Call) clienttest.Fault { return clienttest.Fault{Hang: true} })
		<-l.Lost()
		if took := time.Since(began); took != 6*time.Second || !errors.Is(l.Err(), context.DeadlineExceeded) {
			t.Errorf("lost after %s: %v", took, l.Err())
		}
		f.SetFault(nil)
		if err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		f.Stop()
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	l, err := Acquire(t.Context(), c, "lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 100)
	f.SetFault(func(call clienttest.Call) clienttest.Fault {
		if call.Method == "Read" {
			asked <- struct{}{}
		}
		return clienttest.Fault{}
	})
	ended := make(chan error)
	go func() {
		_, err := Acquire(ctx, c, "lock")
		ended <- err
	}()
	<-asked // it found the lock held
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.SetFault(func(call clienttest.Call) clienttest.Fault {
		return clienttest.Fault{Hang: call.Method == "GetNotifications"}
	})
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, c, "lock"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without notifications: %v", err)
	}
	f.SetFault(nil)
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestElection(t *testing.T) {
	f := clienttest.New(t, 2, 1, keyspace.Hierarchical)
	observer := newClient(f)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := make(chan Candidate)
	var observing sync.WaitGroup
	observing.Go(func() {
		defer close(seen)
		for candidate, err := range Observe(ctx, observer, "election") {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			seen <- candidate
		}
	})
	if first := <-seen; first.Leads {
		t.Errorf("somebody leads at the beginning: %+v", first)
	}
	for i := range 3 {
		name := fmt.Sprint("candidate ", i)
		l, err := Campaign(t.Context(), newClient(f), "election", name)
		if err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got != (Candidate{Name: name, Token: l.Token(), Leads: true}) {
			t.Errorf("observed %+v", got)
		}
		if got, err := Leader(t.Context(), observer, "election"); err != nil || got.Name != name {
			t.Errorf("leader is %+v, %v", got, err)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if got := <-seen; got.Leads {
			t.Errorf("after resigning: %+v", got)
		}
	}
	cancel()
	for range seen {
	}
	observing.Wait()
}
