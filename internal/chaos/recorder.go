package chaos

import (
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/internal/history"
)

// recorder is a history that many clients write.
type recorder struct {
	begun time.Time

	mu      sync.Mutex
	history history.History
	full    bool
	next    history.Process
}

func newRecorder(begun time.Time) *recorder { return &recorder{begun: begun} }

// process returns a process that nobody was before.
func (r *recorder) process() history.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	return r.next
}

// add appends an event. It returns false when there is no room for more.
func (r *recorder) add(e history.Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Time = time.Since(r.begun)
	if !r.history.Add(e) {
		r.full = true
	}
	return !r.full
}

// events are those so far; nobody may add any more.
func (r *recorder) events() []history.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history.Events()
}
