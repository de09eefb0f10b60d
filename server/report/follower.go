package report

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// Follower is told of replicas, each time that they changed.
type Follower struct {
	reporter *Reporter
	// look is that up to which pending was gathered: what is yet to be told, in order.
	look    uint64
	pending []replication.ShardID
	// told are the replicas that it knows of.
	told map[replication.ShardID]bool
}

// Follow returns a follower that knows of no replica.
func (r *Reporter) Follow() *Follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.following++
	if r.following == 1 {
		// What was seen before the last one went may be long over.
		clear(r.reports)
		r.lookedAt = time.Time{}
		r.signal()
	}
	return &Follower{reporter: r, told: map[replication.ShardID]bool{}}
}

// Stop ends the follower.
func (f *Follower) Stop() {
	f.reporter.mu.Lock()
	defer f.reporter.mu.Unlock()
	f.reporter.following--
}

// Next returns what the follower is told next, nil if that is nothing, and a channel that
// is closed when there is more.
func (f *Follower) Next() (*api.ReplicaReports, <-chan struct{}) {
	r := f.reporter
	r.mu.Lock()
	defer r.mu.Unlock()
	news := f.look < r.look
	if len(f.pending) == 0 && news {
		f.gather()
	}
	if !news && len(f.pending) == 0 || r.lookedAt.IsZero() {
		return nil, r.changed
	}
	some := f.pending[:min(len(f.pending), MaxReplicas)]
	f.pending = f.pending[len(some):]
	told := &api.ReplicaReports{LookedAtMs: r.lookedAt.Sub(r.start).Milliseconds()}
	for _, id := range some {
		if known := r.reports[id]; known != nil {
			told.Replicas = append(told.Replicas, known.message)
			f.told[id] = true
		} else if f.told[id] {
			told.Gone = append(told.Gone, int64(id))
			delete(f.told, id)
		}
	}
	if len(f.pending) > 0 || f.look < r.look {
		return told, closed
	}
	told.Complete = true
	return told, r.changed
}

// gather makes pending what changed since the last time. The reporter is locked.
func (f *Follower) gather() {
	for id, known := range f.reporter.reports {
		if known.look > f.look {
			f.pending = append(f.pending, id)
		}
	}
	for id := range f.told {
		if f.reporter.reports[id] == nil {
			f.pending = append(f.pending, id)
		}
	}
	slices.Sort(f.pending)
	f.look = f.reporter.look
}

// closed is the channel of those who need not wait.
var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
