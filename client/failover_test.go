package client

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// A leader that is killed takes nothing with it but the answers it owed: everything else
// goes on with its successor, and every write that was acknowledged is there.
func TestKilledLeader(t *testing.T) {
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprint("exactly once ", once), func(t *testing.T) {
			f := clienttest.New(t, 3, 3, keyspace.Hierarchical)
			var options []Option
			if once {
				options = append(options, WithExactlyOnce())
			}
			c := newClient(f, options...)
			var acked, lost sync.Map
			var unknowns, number atomic.Int64
			started := make(chan struct{}, 1000)
			stop := make(chan struct{})
			var writers sync.WaitGroup
			for range 8 {
				writers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						key := fmt.Sprintf("k%d", number.Add(1))
						_, err := c.Put(t.Context(), key, nil)
						switch {
						case err == nil:
							acked.Store(key, true)
						case errors.Is(err, ErrUnknownOutcome):
							unknowns.Add(1)
							lost.Store(key, true)
						default:
							t.Errorf("put %q: %v", key, err)
						}
						select {
						case started <- struct{}{}:
						default:
						}
					}
				})
			}
			for range 100 {
				<-started
			}
			f.Kill(clienttest.Address(1))
			f.Change(func() { f.Shard(1).Leader = clienttest.Address(2) })
			for len(started) > 0 {
				<-started
			}
			for range 200 {
				<-started
			}
			close(stop)
			writers.Wait()
			if once && unknowns.Load() > 0 {
				t.Errorf("%d outcomes are unknown", unknowns.Load())
			}
			acked.Range(func(key, _ any) bool {
				if _, err := c.Get(t.Context(), key.(string)); err != nil {
					t.Errorf("acknowledged %q: %v", key, err)
				}
				return true
			})
		})
	}
}

// A server that does not lead any more says who does; nothing is lost or unknown, and
// the order of what one goroutine wrote to one key is kept.
func TestLeadershipMovesUnderLoad(t *testing.T) {
	f := clienttest.New(t, 3, 1, keyspace.Hierarchical)
	c := newClient(f)
	const writes = 300
	var puts []*Future[PutResult]
	for i := range writes {
		if i%50 == 0 {
			f.Lead(0, clienttest.Address(i/50%3))
		}
		puts = append(puts, c.Async().Put(t.Context(), "key", fmt.Append(nil, i)))
	}
	for i, put := range puts {
		result, err := put.Result()
		if err != nil {
			t.Fatalf("put %d: %v", i, err)
		}
		if result.Version.Modifications != int64(i) {
			t.Fatalf("put %d was the %dth", i, result.Version.Modifications)
		}
	}
	if r, err := c.Get(t.Context(), "key"); err != nil || string(r.Value) != fmt.Sprint(writes-1) {
		t.Errorf("the last write is %q, %v", r.Value, err)
	}
}

// A leader that stops without a sign answers nobody. What reads it is asked again of its
// successor as soon as that is known; what writes is unknown.
func TestSilentLeader(t *testing.T) {
	f := clienttest.New(t, 3, 1, keyspace.Hierarchical)
	c := newClient(f)
	asked := make(chan string, 100)
	f.SetFault(func(call clienttest.Call) clienttest.Fault {
		if call.Server != clienttest.Address(0) {
			return clienttest.Fault{}
		}
		asked <- call.Method
		return clienttest.Fault{Hang: true}
	})
	put := c.Async().Put(t.Context(), "a", nil)
	get := c.Async().Get(t.Context(), "a")
	<-asked
	<-asked
	f.Change(func() { f.Deaf[clienttest.Address(0)] = true })
	f.Lead(0, clienttest.Address(1))
	if _, err := get.Result(); !errors.Is(err, ErrKeyNotFound) {
		t.Errorf("a get: %v", err)
	}
	if _, err := put.Result(); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("a put: %v", err)
	}
	if _, err := c.Put(t.Context(), "b", nil); err != nil {
		t.Errorf("a put after it: %v", err)
	}
}

// A scan that was cut off after its first records says so, and before them begins anew.
func TestInterruptedScans(t *testing.T) {
	f := clienttest.New(t, 2, 1, keyspace.Hierarchical)
	c := newClient(f)
	keys := fill(t, c)
	f.SetFault(clienttest.Failing("RangeScan", 2, clienttest.Fault{Err: clienttest.NotLeader(0, "")}))
	count := 0
	for _, err := range c.RangeScan(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != len(keys) {
		t.Errorf("scanned %d records of %d", count, len(keys))
	}
	f.SetFault(clienttest.Failing("RangeScan part", 1, clienttest.Fault{Err: clienttest.NotLeader(0, "")}))
	count = 0
	var last error
	for _, err := range c.RangeScan(t.Context(), "", "") {
		if err != nil {
			last = err
			break
		}
		count++
	}
	if !errors.Is(last, ErrInterrupted) || count == 0 || count == len(keys) {
		t.Errorf("after %d records: %v", count, last)
	}
	for range c.RangeScan(t.Context(), "", "") {
		break // what was not consumed holds nothing
	}
}

// A consumer that does not come to a scan's records does not hold up anything else.
func TestSlowScanHoldsNothingUp(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	value := make([]byte, 64<<10)
	for i := range 40 {
		if _, err := c.Put(t.Context(), fmt.Sprintf("%03d", i), value); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for _, err := range c.RangeScan(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(t.Context(), "000"); err != nil {
			t.Fatal(err)
		}
		seen++
	}
	if seen != 40 {
		t.Errorf("saw %d records", seen)
	}
}

// Shards that were split take over what their parent was asked.
func TestSplitShard(t *testing.T) {
	f := clienttest.New(t, 2, 1, keyspace.Hierarchical)
	c := newClient(f)
	fill(t, c)
	f.Change(func() {
		parent := f.Shards[0]
		left := clienttest.NewShard(1, keyspace.HashRange{Max: 1 << 31}, keyspace.Hierarchical, clienttest.Address(0))
		right := clienttest.NewShard(2, keyspace.HashRange{Min: 1<<31 + 1, Max: 1<<32 - 1}, keyspace.Hierarchical, clienttest.Address(1))
		for key, r := range parent.Records {
			if left.Hashes.Contains(keyspace.Hash(key)) {
				left.Records[key] = r
			} else {
				right.Records[key] = r
			}
		}
		left.Next, right.Next = parent.Next, parent.Next
		f.Shards = []*clienttest.Shard{left, right}
	})
	var puts []*Future[PutResult]
	for i := range 50 {
		puts = append(puts, c.Async().Put(t.Context(), fmt.Sprintf("new%d", i), nil))
	}
	for _, put := range puts {
		if _, err := put.Result(); err != nil {
			t.Error(err)
		}
	}
	var keys []string
	for key, err := range c.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if len(keys) != 110 || !slices.IsSortedFunc(keys, keyspace.Hierarchical.Compare) {
		t.Errorf("listed %d keys", len(keys))
	}
	if r, err := c.Get(t.Context(), "k", Higher()); err != nil || r.Key != keys[0] {
		t.Errorf("got %+v, %v", r, err)
	}
}
