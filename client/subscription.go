package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// maxQueuedBatches bounds the batches of a subscription that were received and wait for
// the consumer, besides the one that each shard's stream holds.
const maxQueuedBatches = 64

// EventType is what an Event tells.
type EventType uint8

// The types of events.
const (
	// EventCreated, EventModified and EventDeleted are about the record Key.
	EventCreated EventType = iota + 1
	EventModified
	EventDeleted
	// EventRangeDeleted: all records from Key to RangeEnd, without it, were deleted; an
	// empty RangeEnd is unbounded.
	EventRangeDeleted
	// EventGap: the servers have dropped what happened in Shard after ResumedFrom and up
	// to Offset. Whoever keeps a picture of the records reads them again.
	EventGap
)

// String returns the type's name.
func (t EventType) String() string {
	switch t {
	case EventCreated:
		return "created"
	case EventModified:
		return "modified"
	case EventDeleted:
		return "deleted"
	case EventRangeDeleted:
		return "range deleted"
	case EventGap:
		return "gap"
	}
	return fmt.Sprintf("event-%d", uint8(t))
}

// Event is one change of the records of a namespace.
type Event struct {
	Type     EventType
	Key      string
	RangeEnd string
	// VersionID is the version that a put made: of EventCreated and EventModified only.
	VersionID int64
	// Shard and Offset say where in which log the change is. All changes of one write
	// have one offset.
	Shard  int64
	Offset int64
	// Time is the write's, by the clock of the leader that took it.
	Time time.Time
	// ResumedFrom is, of a gap, the last offset before it.
	ResumedFrom int64
}

// Subscription is the changes of a namespace from a moment on. One goroutine at a time
// reads it.
type Subscription struct {
	c         *Client
	partition *uint32 // only the shard that holds this hash
	ctx       context.Context
	cancel    context.CancelCauseFunc
	running   sync.WaitGroup
	batches   chan []Event
	rest      []Event // of the batch that is being delivered

	mu       sync.Mutex
	position map[int64]int64
	known    map[int64]bool // shards that are, or were, followed
}

// Subscribe starts to receive the changes of all records of the namespace, or with
// PartitionKey those of the shard that holds it. When it returns, every write that
// begins later will be told, over changes of leader, and more than once if need be. Of
// each shard, changes come in the order in which they were made.
//
// The consumer sets the pace: a slow one lags, and when servers drop what it has not
// come to yet, EventGap tells. The subscription ends with the context.
func (c *Client) Subscribe(ctx context.Context, options ...SubscribeOption) (*Subscription, error) {
	settings := subscribeSettings{}
	for _, option := range options {
		option.setSubscribe(&settings)
	}
	s := &Subscription{
		c: c, batches: make(chan []Event, maxQueuedBatches),
		position: map[int64]int64{}, known: map[int64]bool{},
	}
	for shard, offset := range settings.after {
		if shard < 0 || offset < 0 {
			return nil, fmt.Errorf("subscribe: %w", &ArgumentError{"After", fmt.Sprintf("has shard %d at offset %d", shard, offset),
				"pass what Position returned"})
		}
	}
	if settings.partition != nil {
		hash := keyspace.Hash(*settings.partition)
		s.partition = &hash
	}
	maps.Copy(s.position, settings.after)
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	if err := s.begin(); err != nil {
		s.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return s, nil
}

// begin follows the shards there are, and returns when each has its place.
func (s *Subscription) begin() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.c.conf.requestTimeout)
	defer cancel()
	if _, err := s.c.allShards(ctx); err != nil {
		return err
	}
	now := s.c.router.load()
	var placing []<-chan struct{}
	for _, shard := range s.wanted(now) {
		placing = append(placing, s.join(shard.id, nil))
	}
	if !s.start(func() { s.watch(now) }) {
		return ErrClosed
	}
	for _, placed := range placing {
		select {
		case <-placed:
		case <-ctx.Done():
			return late(ctx, nil)
		case <-s.c.ctx.Done():
			return ErrClosed
		}
	}
	return nil
}

// start runs do in a goroutine that Close, and the client's, wait for.
func (s *Subscription) start(do func()) bool {
	s.running.Add(1)
	started := s.c.start(func() { defer s.running.Done(); do() })
	if !started {
		s.running.Done()
	}
	return started
}

// wanted returns the shards that the subscription is about.
func (s *Subscription) wanted(now *routes) shardMap {
	if s.partition == nil {
		return now.shards
	}
	if one, found := now.shards.of(*s.partition); found {
		return shardMap{one}
	}
	return nil
}

// watch follows the shards that come later. All their changes are of interest: what was
// written before they came was written after the subscription began.
func (s *Subscription) watch(now *routes) {
	defer context.AfterFunc(s.c.ctx, func() { s.cancel(ErrClosed) })()
	for {
		select {
		case <-now.superseded:
		case <-s.ctx.Done():
			return
		}
		now = s.c.router.load()
		for _, shard := range s.wanted(now) {
			if !s.known[shard.id] {
				var beginning int64
				s.join(shard.id, &beginning)
			}
		}
	}
}

// join follows a shard, from its place in position if it has one, or else from start,
// or else from the present. The channel is closed when its place is known. Calls follow
// one another.
func (s *Subscription) join(shard int64, start *int64) <-chan struct{} {
	s.known[shard] = true
	s.mu.Lock()
	if offset, resumed := s.position[shard]; resumed {
		start = &offset
	}
	s.mu.Unlock()
	f := &follower{s: s, shard: shard, after: start, placed: make(chan struct{})}
	if start != nil {
		close(f.placed)
	}
	s.start(f.run)
	return f.placed
}

// Next returns the next change, as soon as there is one. An error is final, unless it is
// this call's context that ended.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for len(s.rest) == 0 {
		select {
		case s.rest = <-s.batches:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		case <-s.ctx.Done():
			return Event{}, fmt.Errorf("subscription: %w", context.Cause(s.ctx))
		}
	}
	event := s.rest[0]
	s.rest = s.rest[1:]
	if len(s.rest) == 0 || s.rest[0].Offset != event.Offset || s.rest[0].Shard != event.Shard {
		s.mu.Lock()
		s.position[event.Shard] = event.Offset
		s.mu.Unlock()
	}
	return event, nil
}

// All yields the changes until the context or the subscription ends, and then the error.
func (s *Subscription) All(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			event, err := s.Next(ctx)
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Position returns, by shard, the last offset of which all changes were returned: what
// After takes to go on from there, in this process or another. Any goroutine may call it.
func (s *Subscription) Position() map[int64]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.position)
}

// Close ends the subscription and waits for its goroutines.
func (s *Subscription) Close() {
	s.cancel(ErrClosed)
	s.running.Wait()
}

// follower receives the changes of one shard.
type follower struct {
	s      *Subscription
	shard  int64
	after  *int64 // the last offset that was received; nil: none is asked for
	placed chan struct{}
}

func (f *follower) run() {
	for f.s.ctx.Err() == nil {
		err := f.s.c.attempt(f.s.ctx, f.shard, forStreams, always, f.receive)
		reason, details := api.ReasonOf(err)
		switch {
		case errors.Is(err, errShardGone):
			// Those that took its place are joined by watch.
			if f.after == nil {
				close(f.placed)
			}
			return
		case reason == api.ReasonNotificationsTrimmed:
			err = f.gap(details[api.MetadataResumeAfter], err)
		}
		if err != nil {
			f.s.cancel(err)
		}
	}
}

// receive takes in one stream.
func (f *follower) receive(ctx context.Context, conn *grpc.ClientConn) error {
	req := &api.NotificationsRequest{Shard: f.shard, StartOffsetExclusive: f.after}
	stream, err := api.NewOxiaClientClient(conn).GetNotifications(ctx, req)
	if err != nil {
		return err
	}
	for {
		batch, err := stream.Recv()
		if err != nil {
			return ended(err)
		}
		if f.after == nil {
			// The first batch of a stream from the present only tells the place.
			f.place(batch.GetOffset())
			close(f.placed)
		}
		if batch.GetOffset() <= *f.after {
			continue
		}
		if err := f.deliver(ctx, readEvents(f.shard, batch)); err != nil {
			return err
		}
		after := batch.GetOffset()
		f.after = &after
	}
}

// place notes where the shard's changes begin, so that a position has it even before the
// first one.
func (f *follower) place(offset int64) {
	f.after = &offset
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.position[f.shard] = offset
}

// gap tells that changes are missing, and goes on after them.
func (f *follower) gap(resume string, why error) error {
	offset, err := strconv.ParseInt(resume, 10, 64)
	if err != nil || f.after == nil || offset <= *f.after {
		return fmt.Errorf("the server does not say from where to resume: %w", why)
	}
	event := Event{Type: EventGap, Shard: f.shard, Offset: offset, ResumedFrom: *f.after}
	f.after = &offset
	return f.deliver(f.s.ctx, []Event{event})
}

func (f *follower) deliver(ctx context.Context, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	select {
	case f.s.batches <- events:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func readEvents(shard int64, batch *api.NotificationBatch) []Event {
	events := make([]Event, 0, len(batch.GetNotifications()))
	for _, entry := range batch.GetNotifications() {
		n := entry.GetValue()
		e := Event{
			Key: entry.GetKey(), VersionID: n.GetVersionId(), RangeEnd: n.GetKeyRangeLast(),
			Shard: shard, Offset: batch.GetOffset(), Time: time.UnixMilli(int64(batch.GetTimestamp())),
		}
		switch n.GetType() {
		case api.NotificationType_KEY_CREATED:
			e.Type = EventCreated
		case api.NotificationType_KEY_MODIFIED:
			e.Type = EventModified
		case api.NotificationType_KEY_DELETED:
			e.Type = EventDeleted
		case api.NotificationType_KEY_RANGE_DELETED:
			e.Type = EventRangeDeleted
		default:
			continue // of a newer server
		}
		events = append(events, e)
	}
	return events
}
