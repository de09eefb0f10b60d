package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// bubble runs a test in virtual time with a cluster and a client, which it stops.
// Sessions that are lost are told to the channel.
func bubble(t *testing.T, servers, shards int, test func(*testing.T, *clienttest.Cluster, *Client, <-chan SessionLost)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := clienttest.New(t, servers, shards, keyspace.Hierarchical)
		lost := make(chan SessionLost, 10)
		c := newClient(f, WithSessionTimeout(10*time.Second), WithSessionLost(func(l SessionLost) { lost <- l }))
		test(t, f, c, lost)
		f.SetFault(nil)
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		f.Stop()
	})
}

func TestHeartbeatLeavesRoomForThreeTries(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		2 * time.Second: 2 * time.Second / 3, 6 * time.Second: 2 * time.Second, 15 * time.Second: 2 * time.Second,
		60 * time.Second: 6 * time.Second, 5 * time.Minute: 30 * time.Second,
	} {
		if got := heartbeat(timeout); got != want {
			t.Errorf("a session of %s is kept alive every %s, want %s", timeout, got, want)
		}
	}
}

func TestEphemeralRecordsShareASessionAndGoWithTheClient(t *testing.T) {
	f := clienttest.New(t, 2, 1, keyspace.Hierarchical)
	owner, other := newClient(f, WithIdentity("owner")), newClient(f)
	var puts []*Future[PutResult]
	for _, key := range []string{"a", "b", "c"} {
		puts = append(puts, owner.Async().Put(t.Context(), key, nil, Ephemeral()))
	}
	session := int64(-1)
	for _, put := range puts {
		result, err := put.Result()
		if err != nil || !result.Version.Ephemeral {
			t.Fatalf("got %+v, %v", result, err)
		}
		if session >= 0 && result.Version.Session != session {
			t.Errorf("sessions %d and %d", session, result.Version.Session)
		}
		session = result.Version.Session
	}
	if n := f.Count("CreateSession"); n != 1 {
		t.Errorf("%d sessions were opened", n)
	}
	if _, err := other.Get(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	if err := owner.Close(); err != nil {
		t.Error(err)
	}
	if _, err := other.Get(t.Context(), "b"); !errors.Is(err, ErrKeyNotFound) {
		t.Errorf("after the owner closed: %v", err)
	}
}

// A session lives as long as its client asks, over lost answers and changes of leader.
func TestSessionsAreKeptAlive(t *testing.T) {
	bubble(t, 2, 1, func(t *testing.T, f *clienttest.Cluster, c *Client, _ <-chan SessionLost) {
		s, err := c.NewSession(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Put(t.Context(), "a", nil, InSession(s)); err != nil {
			t.Fatal(err)
		}
		f.SetFault(clienttest.Failing("KeepAlive", 4, clienttest.Fault{Err: status.Error(codes.Unavailable, "lost"), After: true}))
		time.Sleep(20 * time.Second)
		f.Lead(0, clienttest.Address(1))
		time.Sleep(time.Minute)
		if s.Err() != nil || f.Count("KeepAlive") < 30 {
			t.Errorf("after %d heartbeats: %v", f.Count("KeepAlive"), s.Err())
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if !errors.Is(s.Err(), ErrClosed) {
			t.Errorf("a closed session says %v", s.Err())
		}
		if _, err := c.Get(t.Context(), "a"); !errors.Is(err, ErrKeyNotFound) {
			t.Errorf("its record: %v", err)
		}
		if _, err := c.Put(t.Context(), "b", nil, InSession(s)); !errors.Is(err, ErrSessionNotFound) {
			t.Errorf("a put in it: %v", err)
		}
	})
}

// A session that nobody answers for is told to be lost no later than its timeout after
// the last answer, which is no later than when the server ends it.
func TestSilenceLosesASessionInTime(t *testing.T) {
	bubble(t, 1, 1, func(t *testing.T, f *clienttest.Cluster, c *Client, lost <-chan SessionLost) {
		s, err := c.NewSession(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // heartbeats at 2 s and 4 s
		f.SetFault(func(call clienttest.Call) clienttest.Fault { return clienttest.Fault{Hang: true} })
		silent := time.Now()
		<-s.Done()
		if took := time.Since(silent); took != 9*time.Second {
			t.Errorf("it was lost %s after the silence began, want 9s: 10s after the last heartbeat", took)
		}
		if told := <-lost; told.ID != s.ID() || !errors.Is(told.Err, context.DeadlineExceeded) {
			t.Errorf("told %+v", told)
		}
	})
}

func TestSessionThatTheServerEndedIsLostAtOnce(t *testing.T) {
	bubble(t, 1, 1, func(t *testing.T, f *clienttest.Cluster, c *Client, lost <-chan SessionLost) {
		if _, err := c.Put(t.Context(), "a", nil, Ephemeral()); err != nil {
			t.Fatal(err)
		}
		f.Change(func() { f.Shard(0).EndSession(1) })
		if told := <-lost; !errors.Is(told.Err, ErrSessionNotFound) || told.Shard != 0 {
			t.Errorf("told %+v", told)
		}
		// The next ephemeral record has a session of its own.
		put, err := c.Put(t.Context(), "a", nil, Ephemeral())
		if err != nil || put.Version.Session == 1 {
			t.Errorf("got %+v, %v", put, err)
		}
	})
}

// A put that finds its session gone says so, and loses the session.
func TestPutIntoALostSession(t *testing.T) {
	bubble(t, 1, 1, func(t *testing.T, f *clienttest.Cluster, c *Client, _ <-chan SessionLost) {
		if _, err := c.Put(t.Context(), "a", nil, Ephemeral()); err != nil {
			t.Fatal(err)
		}
		f.Change(func() { f.Shard(0).EndSession(1) })
		if _, err := c.Put(t.Context(), "b", nil, Ephemeral()); !errors.Is(err, ErrSessionNotFound) {
			t.Errorf("the first put: %v", err)
		}
		if _, err := c.Put(t.Context(), "b", nil, Ephemeral()); err != nil {
			t.Errorf("the second put: %v", err)
		}
	})
}

func TestCloseDoesNotWaitForSessionsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
		c := newClient(f)
		if _, err := c.NewSession(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		f.SetFault(func(call clienttest.Call) clienttest.Fault { return clienttest.Fault{Hang: true} })
		began := time.Now()
		if err := c.Close(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		if took := time.Since(began); took != closeTimeout {
			t.Errorf("close took %s", took)
		}
		f.Stop()
	})
}

func TestSessionsThatAreRefused(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	f.SetFault(clienttest.Failing("CreateSession", 1, clienttest.Fault{Err: api.NewError(api.ReasonInvalidSessionTimeout, "no", nil)}))
	if _, err := c.NewSession(t.Context(), "a"); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
