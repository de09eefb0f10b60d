package shards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/replication"
)

// Completion is what came of a call for a shard.
type Completion struct {
	Shard replication.ShardID
	Event replication.Event
}

// Stage is how far a document has come.
type Stage uint8

// The stages. Begun is told of every document, and means nothing for what is stored: its
// store may conflict, or be lost. Done means that it is, or was, the stored one.
const (
	Begun Stage = iota + 1
	Done
)

// Options are a store's. All are required.
type Options struct {
	Provider metadata.Provider
	// Within bounds how long an answer may take. The core gives up later.
	Within time.Duration
	// Complete takes answers.
	Complete func([]Completion)
	// Written is told of documents. They are not to be changed.
	Written func(replication.ShardID, replication.Document, Stage)
	// Stored is told of each call of the provider that stored documents: how many, in
	// what time, and of how many of them it is not known whether they are stored.
	Stored func(documents int, took time.Duration, unknown int)
	Logger *slog.Logger
}

// Store implements replication.MetadataStore.
type Store struct {
	options Options
	stop    context.CancelFunc
	running sync.WaitGroup
	loads   queue[replication.ShardID]
	stores  queue[write]
}

type write struct {
	shard    replication.ShardID
	document replication.Document
}

// queue is what waits while the provider is at work. Each shard has one call of a kind
// under way at a time, but for those whose answers the core does not wait for any
// more; that bounds it.
type queue[T any] struct {
	mu      sync.Mutex
	waiting []T
	wake    chan struct{}
}

func (q *queue[T]) put(one T) {
	q.mu.Lock()
	q.waiting = append(q.waiting, one)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// each gives what waits to a function, together, until the context is done.
func (q *queue[T]) each(ctx context.Context, do func([]T)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		}
		q.mu.Lock()
		waiting := q.waiting
		q.waiting = nil
		q.mu.Unlock()
		if len(waiting) > 0 {
			do(waiting)
		}
	}
}

// Open returns a store, which works until Close.
func Open(o Options) *Store {
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{options: o, stop: stop}
	s.loads.wake, s.stores.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	s.running.Go(func() { s.loads.each(ctx, func(ids []replication.ShardID) { s.load(ctx, ids) }) })
	s.running.Go(func() { s.stores.each(ctx, func(writes []write) { s.store(ctx, writes) }) })
	return s
}

// Close ends the store. What waits is not answered.
func (s *Store) Close() {
	s.stop()
	s.running.Wait()
}

// Load implements replication.MetadataStore.
func (s *Store) Load(shard replication.ShardID) { s.loads.put(shard) }

// CompareAndSet implements replication.MetadataStore.
func (s *Store) CompareAndSet(shard replication.ShardID, document replication.Document) {
	s.options.Written(shard, document, Begun)
	s.stores.put(write{shard, document})
}

// half is how long one call of the provider may take: what came while one was under
// way waits for that and for its own.
func (s *Store) half(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.options.Within/2)
}

func (s *Store) load(ctx context.Context, ids []replication.ShardID) {
	calling, cancel := s.half(ctx)
	defer cancel()
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = Key(id)
	}
	found, err := s.options.Provider.Read(calling, keys)
	if err != nil {
		s.options.Logger.Warn("documents of shards cannot be loaded", "shards", len(ids), "error", err)
	}
	answers := make([]Completion, len(ids))
	for i, id := range ids {
		answers[i] = Completion{Shard: id, Event: s.loaded(id, found[keys[i]], err)}
	}
	s.options.Complete(answers)
}

func (s *Store) loaded(id replication.ShardID, stored metadata.Document, err error) replication.DocumentLoaded {
	if err != nil {
		return replication.DocumentLoaded{Failed: true}
	}
	if stored.Version == 0 {
		return replication.DocumentLoaded{}
	}
	document, err := read(stored)
	if err != nil {
		s.options.Logger.Error("the document of a shard cannot be read; the shard stays as it is", "shard", id, "error", err)
		return replication.DocumentLoaded{Failed: true}
	}
	s.options.Written(id, document, Done)
	return replication.DocumentLoaded{Document: document, Found: true}
}

// read reads a stored document. Its own version is the provider's.
func read(stored metadata.Document) (replication.Document, error) {
	document, err := Decode(stored.Value)
	if err == nil && document.Version != stored.Version {
		err = fmt.Errorf("it has version %d, and is stored as %d", document.Version, stored.Version)
	}
	return document, err
}

func (s *Store) store(ctx context.Context, writes []write) {
	calling, cancel := s.half(ctx)
	defer cancel()
	changes := make([]metadata.Change, len(writes))
	for i, w := range writes {
		value, err := Encode(w.document)
		if err != nil {
			// What is empty is refused; nothing at all would delete the document.
			value = []byte{}
			s.options.Logger.Error("the document of a shard cannot be stored", "shard", w.shard, "error", err)
		}
		changes[i] = metadata.Change{Key: Key(w.shard), Value: value, Version: w.document.Version - 1}
	}
	began := time.Now()
	errs := s.options.Provider.Update(calling, changes)
	answers, unknown := make([]Completion, len(writes)), 0
	var first error
	for i, w := range writes {
		answer := replication.DocumentStored{Version: w.document.Version, Term: w.document.Term}
		switch {
		case errs[i] == nil:
			answer.Outcome = replication.StoreDone
			s.options.Written(w.shard, w.document, Done)
		case errors.Is(errs[i], metadata.ErrConflict):
			answer.Outcome = replication.StoreConflict
		default:
			answer.Outcome = replication.StoreUnknown
			first, unknown = errs[i], unknown+1
		}
		answers[i] = Completion{Shard: w.shard, Event: answer}
	}
	s.options.Stored(len(writes), time.Since(began), unknown)
	if unknown > 0 && ctx.Err() == nil {
		s.options.Logger.Warn("documents of shards may not be stored", "shards", unknown, "error", first)
	}
	s.options.Complete(answers)
}

// List returns all shards' documents that a provider has.
func List(ctx context.Context, p metadata.Provider) (map[replication.ShardID]replication.Document, error) {
	stored, err := p.List(ctx, KeyPrefix)
	if err != nil {
		return nil, err
	}
	documents := make(map[replication.ShardID]replication.Document, len(stored))
	for key, one := range stored {
		var id replication.ShardID
		if _, err := fmt.Sscanf(key, KeyPrefix+"%d", &id); err != nil {
			return nil, fmt.Errorf("list the shards' documents: %q is no key of one: %w", key, err)
		}
		document, err := read(one)
		if err != nil {
			return nil, fmt.Errorf("list the shards' documents: shard %d: %w", id, err)
		}
		documents[id] = document
	}
	return documents, nil
}
