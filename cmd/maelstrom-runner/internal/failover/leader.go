package failover

import (
	"regexp"
	"sync"
)

// Tracker learns from what nodes log which one leads.
type Tracker struct {
	pattern *regexp.Regexp

	mu      sync.Mutex // guards everything below
	leader  string
	changed chan struct{} // closed and replaced when leader changes
}

// NewTracker returns a tracker that looks for a pattern; nil finds nobody.
func NewTracker(pattern *regexp.Regexp) *Tracker {
	return &Tracker{pattern: pattern, changed: make(chan struct{})}
}

// Line tells the tracker what a node logged.
func (t *Tracker) Line(node, line string) {
	if t.pattern != nil && t.pattern.MatchString(line) {
		t.set(node)
	}
}

// Forget tells the tracker that a node does not lead any more.
func (t *Tracker) Forget(node string) {
	if leader, _ := t.Leader(); leader == node {
		t.set("")
	}
}

// Leader returns the leader, or "", and a channel that is closed when it changes.
func (t *Tracker) Leader() (node string, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leader, t.changed
}

func (t *Tracker) set(node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leader = node
	close(t.changed)
	t.changed = make(chan struct{})
}
