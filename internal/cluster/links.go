package cluster

import (
	"sync"
)

// links are the ways between processes, by name, each direction by itself. All are
// whole at first.
type links struct {
	mu  sync.Mutex
	cut map[link]bool
	// changed is closed, and made anew, with every change.
	changed chan struct{}
}

type link struct{ from, to string }

func newLinks() *links { return &links{cut: map[link]bool{}, changed: make(chan struct{})} }

// set cuts a direction, or makes it whole.
func (l *links) set(from, to string, cut bool) {
	l.change(func() {
		if cut {
			l.cut[link{from, to}] = true
		} else {
			delete(l.cut, link{from, to})
		}
	})
}

func (l *links) heal() { l.change(func() { clear(l.cut) }) }

func (l *links) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

// state tells whether a direction is cut, and what is closed when that may change.
func (l *links) state(from, to string) (cut bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut[link{from, to}], l.changed
}

// wait returns true when a direction is whole, and false when done is closed.
func (l *links) wait(from, to string, done <-chan struct{}) bool {
	for {
		cut, changed := l.state(from, to)
		if !cut {
			return true
		}
		select {
		case <-changed:
		case <-done:
			return false
		}
	}
}
