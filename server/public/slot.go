package public

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// slots bound how many ranges are open at a time.
type slots struct{ free *semaphore.Weighted }

func newSlots(n int64) *slots { return &slots{semaphore.NewWeighted(n)} }

// slot is the right to have something open. While its owner waits for a client, it can
// be taken away; what was open is closed then.
type slot struct {
	slots *slots
	close func()

	mu sync.Mutex
	// waits says that the owner waits, gone that the slot is not its own any more.
	waits, gone bool
}

// take waits for a slot, and no longer than the context lasts.
func (s *slots) take(ctx context.Context) (*slot, error) {
	if err := s.free.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return &slot{slots: s, close: func() {}}, nil
}

// opened says how to close what was opened.
func (s *slot) opened(close func()) { s.close = close }

// errTooSlow says that the slot was taken away.
var errTooSlow = errors.New("the client did not read for too long")

// waiting runs something that waits for a client. Its error is that of the function,
// or errTooSlow if it took longer than scanPatience; the slot is gone then.
func (s *slot) waiting(wait func() error) error {
	s.mu.Lock()
	s.waits = true
	s.mu.Unlock()
	timer := time.AfterFunc(scanPatience, s.takeAway)
	defer timer.Stop()
	err := wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = false
	if err == nil && s.gone {
		err = errTooSlow
	}
	return err
}

func (s *slot) takeAway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waits {
		s.end()
	}
}

// give closes what is open and gives the slot back, if it was not taken away.
func (s *slot) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
}

// end ends the slot, once. The caller holds mu.
func (s *slot) end() {
	if !s.gone {
		s.gone = true
		s.close()
		s.slots.free.Release(1)
	}
}
