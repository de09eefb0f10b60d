package server

import (
	"sync"
	"sync/atomic"

	"github.com/ostraka-db/ostraka/replication"
)

// self is what coordinators are told of this server, and the coordinators that there
// are. Its methods may be called from any goroutine; none of them waits.
type self struct {
	leaderships atomic.Int64

	mu       sync.Mutex
	draining bool
	// changed is closed when something of this changes.
	changed chan struct{}
	// coordinators are those that attend, and how many streams each has.
	coordinators map[replication.ServerID]int
}

func newSelf() *self {
	return &self{changed: make(chan struct{}), coordinators: map[replication.ServerID]int{}}
}

// state returns what is to be told, and a channel that is closed when that changes.
func (s *self) state() (draining bool, leaderships int64, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining, s.leaderships.Load(), s.changed
}

func (s *self) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *self) drain() { s.change(func() { s.draining = true }) }

// leads counts leaderships.
func (s *self) leads(more int64) { s.change(func() { s.leaderships.Add(more) }) }

// attends takes note that a coordinator's stream begins or ends, and returns the
// coordinators that there are now.
func (s *self) attends(id replication.ServerID, more int) []replication.ServerID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.coordinators[id] += more
	if s.coordinators[id] <= 0 {
		delete(s.coordinators, id)
	}
	ids := make([]replication.ServerID, 0, len(s.coordinators))
	for id := range s.coordinators {
		ids = append(ids, id)
	}
	return ids
}

// attended reports whether a coordinator attends.
func (s *self) attended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.coordinators) > 0
}
