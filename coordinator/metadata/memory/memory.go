package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// Store is the memory that providers share.
type Store struct {
	mu        sync.Mutex // guards what follows
	documents map[string]metadata.Document
	lease     metadata.Lease
	version   int64
	providers []*provider
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{documents: map[string]metadata.Document{}} }

// Open returns a provider of the store.
func (s *Store) Open() metadata.Provider {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &provider{store: s, changed: make(chan struct{}, 1)}
	s.providers = append(s.providers, p)
	return p
}

// provider is one user's access to a store.
type provider struct {
	store   *Store
	changed chan struct{}
}

func (p *provider) Read(ctx context.Context, keys []string) (map[string]metadata.Document, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	found := make(map[string]metadata.Document, len(keys))
	for _, key := range keys {
		if d, ok := p.store.documents[key]; ok {
			found[key] = d
		}
	}
	return found, nil
}

func (p *provider) List(ctx context.Context, prefix string) (map[string]metadata.Document, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	found := maps.Clone(p.store.documents)
	maps.DeleteFunc(found, func(key string, _ metadata.Document) bool { return !strings.HasPrefix(key, prefix) })
	return found, nil
}

func (p *provider) Update(ctx context.Context, changes []metadata.Change) []error {
	if err := ctx.Err(); err != nil {
		return metadata.Failed(len(changes), fmt.Errorf("store documents: %w", err))
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	errs := make([]error, len(changes))
	for i, c := range changes {
		before := p.store.documents[c.Key].Version
		switch err := c.Check(); {
		case err != nil:
			errs[i] = err
		case before != c.Version:
			errs[i] = fmt.Errorf("store document %s over version %d, and there is %d: %w", c.Key, c.Version, before, metadata.ErrConflict)
		case c.Deletes():
			delete(p.store.documents, c.Key)
		default:
			p.store.documents[c.Key] = metadata.Document{Value: slices.Clone(c.Value), Version: before + 1}
		}
	}
	return errs
}

func (p *provider) ReadLease(ctx context.Context) (metadata.Lease, int64, error) {
	if err := ctx.Err(); err != nil {
		return metadata.Lease{}, 0, fmt.Errorf("read the lease: %w", err)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.store.lease, p.store.version, nil
}

func (p *provider) WriteLease(ctx context.Context, lease metadata.Lease, version int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.store.version != version {
		return fmt.Errorf("write the lease over version %d, and there is %d: %w", version, p.store.version, metadata.ErrConflict)
	}
	p.store.lease, p.store.version = lease, version+1
	for _, one := range p.store.providers {
		select {
		case one.changed <- struct{}{}:
		default:
		}
	}
	return nil
}

func (p *provider) LeaseChanged() <-chan struct{} { return p.changed }

func (p *provider) Close() error {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.store.providers = slices.DeleteFunc(p.store.providers, func(one *provider) bool { return one == p })
	return nil
}
