package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Every way in which a write can fail, and what the client makes of it: refused ones are
// sent again until they end well; what may have been applied is told so, once.
func TestOutcomesOfWrites(t *testing.T) {
	plain := status.Error(codes.Unavailable, "connection lost")
	for _, c := range []struct {
		name    string
		fault   clienttest.Fault
		times   int
		want    error // of the put; nil: it ends well
		applied int
	}{
		{"not leader, without a hint", clienttest.Fault{Err: clienttest.NotLeader(0, "")}, 3, nil, 1},
		{"not leader, a hint that leads back", clienttest.Fault{Err: clienttest.NotLeader(0, clienttest.Address(0))}, 3, nil, 1},
		{"not leader, a hint to nobody", clienttest.Fault{Err: clienttest.NotLeader(0, "nobody:1")}, 1, nil, 1},
		{"not a member", clienttest.Fault{Err: api.NewError(api.ReasonNodeIsNotMember, "", nil)}, 2, nil, 1},
		{"not initialized", clienttest.Fault{Err: api.NewError(api.ReasonNotInitialized, "", nil)}, 2, nil, 1},
		{"overloaded", clienttest.Fault{Err: api.NewError(api.ReasonResourceUnavailable, "", nil)}, 5, nil, 1},
		{"shard not found", clienttest.Fault{Err: api.NewError(api.ReasonShardNotFound, "", nil)}, 2, nil, 1},
		{"unknown to the server, not applied", clienttest.Fault{Err: api.NewError(api.ReasonOutcomeUnknown, "", nil)}, 1, ErrUnknownOutcome, 0},
		{"unknown to the server, applied", clienttest.Fault{Err: api.NewError(api.ReasonOutcomeUnknown, "", nil), After: true}, 1, ErrUnknownOutcome, 1},
		{"aborted", clienttest.Fault{Err: api.NewError(api.ReasonAborted, "", nil)}, 1, ErrUnknownOutcome, 0},
		{"connection lost before", clienttest.Fault{Err: plain}, 1, ErrUnknownOutcome, 0},
		{"connection lost after", clienttest.Fault{Err: plain, After: true}, 1, ErrUnknownOutcome, 1},
		{"internal", clienttest.Fault{Err: status.Error(codes.Internal, "x")}, 1, ErrUnknownOutcome, 0},
		{"an error without a code", clienttest.Fault{Err: errors.New("x")}, 1, ErrUnknownOutcome, 0},
		{"invalid", clienttest.Fault{Err: status.Error(codes.InvalidArgument, "bad")}, 1, ErrInvalid, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
			client := newClient(f)
			f.SetFault(clienttest.Failing("WriteStream", c.times, c.fault))
			_, err := client.Put(t.Context(), "a", nil)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("put: %v, want %v", err, c.want)
			}
			if got := f.Applied(); got != c.applied {
				t.Errorf("applied %d times, want %d", got, c.applied)
			}
			if _, err := client.Put(t.Context(), "b", nil); err != nil {
				t.Errorf("a put after it: %v", err)
			}
		})
	}
}

// With a name, whatever is lost on the way, the write is applied once and the answer is
// that of the one time.
func TestExactlyOnce(t *testing.T) {
	for _, how := range []clienttest.Fault{
		{Err: status.Error(codes.Unavailable, "lost"), After: true},
		{Err: status.Error(codes.Unavailable, "lost")},
		{Err: api.NewError(api.ReasonOutcomeUnknown, "", nil), After: true},
		{Err: clienttest.NotLeader(0, "")},
	} {
		t.Run(fmt.Sprint(how), func(t *testing.T) {
			f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
			c := newClient(f, WithExactlyOnce())
			f.SetFault(clienttest.Failing("WriteOnce", 3, how))
			put, err := c.Put(t.Context(), "seq", nil, PartitionKey("p"), SequenceDeltas(1))
			if err != nil || put.Key != "seq-00000000000000000001" {
				t.Errorf("got %+v, %v", put, err)
			}
			f.SetFault(clienttest.Failing("Transact", 3, how))
			if _, err := c.Transact(t.Context(), Transaction{Operations: []Operation{ThenAppend("a", []byte("x"))}}); err != nil {
				t.Error(err)
			}
			if r, err := c.Get(t.Context(), "a"); err != nil || string(r.Value) != "x" {
				t.Errorf("after the append: %q, %v", r.Value, err)
			}
		})
	}
}

func TestTransactionWithoutANameIsUnknownWhenItsAnswerIsLost(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	lost := clienttest.Fault{Err: status.Error(codes.Unavailable, "lost"), After: true}
	f.SetFault(clienttest.Failing("Transact", 1, lost))
	_, err := c.Transact(t.Context(), Transaction{Operations: []Operation{ThenPut("a", nil)}})
	if !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("a write: %v", err)
	}
	f.SetFault(clienttest.Failing("Transact", 1, lost))
	records, err := c.Transact(t.Context(), Transaction{Operations: []Operation{ThenGet("a")}})
	if err != nil || !records[0].Exists {
		t.Errorf("a read: %+v, %v", records, err)
	}
}

// One operation that the server refuses must not take those of others with it.
func TestABadOperationFailsAlone(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f, WithBatchLinger(time.Hour), WithMaxBatch(1<<20, 3))
	calls := 0
	f.SetFault(func(call clienttest.Call) clienttest.Fault {
		if call.Method != "WriteStream" {
			return clienttest.Fault{}
		}
		calls++
		if calls == 1 || calls == 3 { // the batch of three, and then the second of them alone
			return clienttest.Fault{Err: status.Error(codes.InvalidArgument, "bad")}
		}
		return clienttest.Fault{}
	})
	var puts []*Future[PutResult]
	for i := range 3 {
		puts = append(puts, c.Async().Put(t.Context(), fmt.Sprint(i), nil))
	}
	for i, put := range puts {
		if _, err := put.Result(); (i == 1) != errors.Is(err, ErrInvalid) {
			t.Errorf("put %d: %v", i, err)
		}
	}
}

// A write whose time is up before it was sent was not applied, and one that was sent is
// unknown. The virtual clock runs only while nothing else can.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
		c := newClient(f, WithRequestTimeout(5*time.Second))
		f.SetFault(func(call clienttest.Call) clienttest.Fault {
			return clienttest.Fault{Hang: call.Method != "GetShardAssignments"}
		})
		began := time.Now()
		first := c.Async().Put(t.Context(), "sent", nil)
		synctest.Wait()
		second := c.Async().Put(t.Context(), "waits behind it", nil)
		read := c.Async().Get(t.Context(), "read")
		if _, err := first.Result(); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a put that was sent: %v", err)
		}
		if _, err := second.Result(); errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a put that was not: %v", err)
		}
		if _, err := read.Result(); errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a get: %v", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		waiting := c.Async().Put(ctx, "cancelled", nil)
		cancel()
		if _, err := waiting.Result(); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("a put that was cancelled: %v", err)
		}
		c.stop()
		f.Stop()
	})
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	hanging := make(chan struct{}, 10)
	f.SetFault(func(call clienttest.Call) clienttest.Fault {
		hanging <- struct{}{}
		return clienttest.Fault{Hang: true}
	})
	sent := c.Async().Put(t.Context(), "a", nil)
	<-hanging
	read := c.Async().Get(t.Context(), "a")
	<-hanging
	queued := c.Async().Put(t.Context(), "b", nil)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sent.Result(); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, ErrClosed) {
		t.Errorf("a put that was sent: %v", err)
	}
	if _, err := queued.Result(); !errors.Is(err, ErrClosed) || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("a put that was not: %v", err)
	}
	if _, err := read.Result(); !errors.Is(err, ErrClosed) {
		t.Errorf("a get: %v", err)
	}
	if _, err := c.Put(t.Context(), "c", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("a put after closing: %v", err)
	}
	if _, err := c.NewSession(t.Context(), "c"); !errors.Is(err, ErrClosed) {
		t.Errorf("a session after closing: %v", err)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	dial := dialer(f)
	if _, err := New(t.Context(), clienttest.Address(0), dial, WithNamespace("other")); !errors.Is(err, ErrNamespaceNotFound) {
		t.Errorf("another namespace: %v", err)
	}
	if _, err := New(t.Context(), ""); !errors.Is(err, ErrInvalid) {
		t.Errorf("no address: %v", err)
	}
	f.SetFault(clienttest.Failing("GetShardAssignments", 3, clienttest.Fault{Err: api.NewError(api.ReasonNotInitialized, "", nil)}))
	c, err := New(t.Context(), clienttest.Address(0), dial)
	if err != nil {
		t.Fatalf("a server that is not ready at once: %v", err)
	}
	_ = c.Close()
	_, err = New(t.Context(), "nobody:1", dial, WithRequestTimeout(20*time.Millisecond))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody there: %v", err)
	}
}
