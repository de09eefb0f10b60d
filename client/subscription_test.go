package client

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// next returns the next event of a subscription.
func next(t *testing.T, s *Subscription) Event {
	t.Helper()
	event, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func TestSubscriptionTellsEveryKindOfChange(t *testing.T) {
	c := newClient(clienttest.New(t, 2, 1, keyspace.Hierarchical))
	ctx := t.Context()
	if _, err := c.Put(ctx, "before", nil); err != nil {
		t.Fatal(err)
	}
	s, err := c.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	created, _ := c.Put(ctx, "a", nil)
	modified, _ := c.Put(ctx, "a", nil)
	_ = c.Delete(ctx, "a")
	_ = c.DeleteRange(ctx, "b", "c")
	for i, want := range []Event{
		{Type: EventCreated, Key: "a", VersionID: created.Version.ID}, {Type: EventModified, Key: "a", VersionID: modified.Version.ID},
		{Type: EventDeleted, Key: "a"}, {Type: EventRangeDeleted, Key: "b", RangeEnd: "c"},
	} {
		got := next(t, s)
		want.Offset, want.Time = int64(i)+2, got.Time
		if got != want {
			t.Errorf("event %d is %+v, want %+v", i, got, want)
		}
	}
	if got := s.Position(); len(got) != 1 || got[0] != 5 {
		t.Errorf("position is %v", got)
	}
}

// Changes of leader, cut streams and killed servers leave no gap and no repetition.
func TestSubscriptionSurvivesEverything(t *testing.T) {
	f := clienttest.New(t, 3, 4, keyspace.Hierarchical)
	c := newClient(f)
	s, err := c.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const writes = 200
	go func() {
		for i := range writes {
			switch i {
			case 50, 90:
				f.SetFault(clienttest.Failing("GetNotifications", 5, clienttest.Fault{Err: status.Error(codes.Unavailable, "cut")}))
			case 70:
				f.Change(func() {
					for _, shard := range f.Shards {
						shard.Leader = clienttest.Address(2)
					}
				})
			case 120:
				f.Change(func() {
					for _, shard := range f.Shards {
						shard.Leader = clienttest.Address(0)
					}
				})
				f.Kill(clienttest.Address(2))
			}
			// An unknown outcome may be told of or not; here nothing is lost.
			if _, err := c.Put(context.Background(), fmt.Sprint(i), nil, ExactlyOnce()); err != nil {
				t.Errorf("put %d: %v", i, err)
			}
		}
	}()
	seen := map[string]int{}
	last := map[int64]int64{}
	for len(seen) < writes {
		event := next(t, s)
		if event.Type != EventCreated || event.Offset <= last[event.Shard] {
			t.Fatalf("event %+v comes after offset %d", event, last[event.Shard])
		}
		last[event.Shard] = event.Offset
		seen[event.Key]++
	}
	for key, times := range seen {
		if times != 1 {
			t.Errorf("%q was told %d times", key, times)
		}
	}
}

func TestSubscriptionResumes(t *testing.T) {
	c := newClient(clienttest.New(t, 2, 3, keyspace.Hierarchical))
	first, err := c.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	next(t, first)
	position := first.Position()
	first.Close()
	if _, err := first.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed subscription: %v", err)
	}
	if _, err := c.Put(t.Context(), "b", nil); err != nil {
		t.Fatal(err)
	}
	second, err := c.Subscribe(t.Context(), After(position))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if event := next(t, second); event.Key != "b" {
		t.Errorf("resumed with %+v", event)
	}
}

// What servers have dropped is an event, and what follows it is told.
func TestSubscriptionTellsAGap(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	for i := range 5 {
		if _, err := c.Put(t.Context(), fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	f.Change(func() { f.Shard(0).Trimmed = 3 })
	s, err := c.Subscribe(t.Context(), After(map[int64]int64{0: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, want := next(t, s), (Event{Type: EventGap, Offset: 3, ResumedFrom: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := next(t, s); got.Key != "3" || got.Offset != 4 {
		t.Errorf("after the gap: %+v", got)
	}
}

func TestSubscriptionThatCannotBe(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	f.SetFault(clienttest.Failing("GetNotifications", 1, clienttest.Fault{Err: api.NewError(api.ReasonNotificationsNotEnabled, "off", nil)}))
	if _, err := c.Subscribe(t.Context()); !errors.Is(err, ErrNotificationsDisabled) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Subscribe(t.Context(), After(map[int64]int64{0: -1})); !errors.Is(err, ErrInvalid) {
		t.Errorf("a negative offset: %v", err)
	}
	f.SetFault(clienttest.Failing("GetNotifications", 1, clienttest.Fault{Err: api.NewError(api.ReasonNotificationsTrimmed, "old", nil)}))
	s, err := c.Subscribe(t.Context(), After(map[int64]int64{0: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(t.Context()); err == nil {
		t.Error("a gap without an end was passed over")
	}
}

func TestSubscriptionOfOneShard(t *testing.T) {
	f := clienttest.New(t, 2, 8, keyspace.Hierarchical)
	c := newClient(f)
	s, err := c.Subscribe(t.Context(), PartitionKey("p"))
	if err != nil {
		t.Fatal(err)
	}
	if f.Count("GetNotifications") > 2 {
		t.Errorf("%d shards were asked", f.Count("GetNotifications"))
	}
	if _, err := c.Put(t.Context(), "x", nil, PartitionKey("p")); err != nil {
		t.Fatal(err)
	}
	for event, err := range s.All(t.Context()) {
		if err != nil || event.Key != "x" {
			t.Errorf("got %+v, %v", event, err)
		}
		break
	}
	// The client's end is the subscription's.
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after the client closed: %v", err)
	}
}

// Shards that come while a subscription runs are followed from their beginning.
func TestSubscriptionFollowsNewShards(t *testing.T) {
	f := clienttest.New(t, 2, 1, keyspace.Hierarchical)
	c := newClient(f)
	s, err := c.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	left := clienttest.NewShard(7, keyspace.HashRange{Max: 1 << 31}, keyspace.Hierarchical, clienttest.Address(0))
	right := clienttest.NewShard(8, keyspace.HashRange{Min: 1<<31 + 1, Max: 1<<32 - 1}, keyspace.Hierarchical, clienttest.Address(1))
	f.Change(func() { f.Shards = []*clienttest.Shard{left, right} })
	seen := map[string]bool{}
	for i := range 20 {
		if _, err := c.Put(t.Context(), fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	for len(seen) < 20 {
		seen[next(t, s).Key] = true
	}
}
