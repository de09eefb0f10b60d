package report

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/host"
)

const (
	// Every is how often all replicas are looked at.
	Every = 3 * time.Second
	// Soon is within how long a replica is looked at that was touched: long enough for a
	// thousand of them to be one look.
	Soon = 100 * time.Millisecond
	// MaxReplicas bounds what a follower is given at a time.
	MaxReplicas = 256
	// measuresPerLook is how many replicas' sizes are measured in one look at all.
	measuresPerLook = 128
)

// Source is what is reported of.
type Source interface {
	// Shards returns the shards of which a replica is here, in order.
	Shards() []replication.ShardID
	// Replicas tells of those replicas of some shards that are here.
	Replicas(shards []replication.ShardID, tell func(replication.ShardID, replication.ReplicaState, host.Traffic))
	// Measure measures the state of a shard here; an error says that it cannot be told.
	Measure(shard replication.ShardID) (Measure, error)
}

// Measure is what is asked of the storage engine.
type Measure struct {
	// DiskBytes is about what the state takes on the disk.
	DiskBytes int64
	// CheckedDigest is the digest of the state at CheckedOffset, the last offset at which
	// replicas are compared.
	CheckedOffset int64
	CheckedDigest uint64
	// Digest is that of the state now, after the entry at DigestOffset.
	DigestOffset int64
	Digest       uint64
}

// Reporter keeps the reports. See the package comment.
type Reporter struct {
	source Source
	start  time.Time
	wake   chan struct{}

	mu sync.Mutex // guards what follows
	// look counts the changes of what follows.
	look    uint64
	reports map[replication.ShardID]*entry
	// lookedAt is when all replicas were looked at last; zero if they never were.
	lookedAt time.Time
	touched  map[replication.ShardID]bool
	// following counts the followers.
	following int
	// changed is closed when there is something new for followers.
	changed chan struct{}

	// next is where measuring goes on, and measures are what it found. They are of
	// Run's goroutine alone.
	next     replication.ShardID
	measures map[replication.ShardID]Measure
}

// entry is the newest report of a replica.
type entry struct {
	seen    *sight
	message *api.ReplicaReport
	// look is when it became so.
	look uint64
}

// New returns a reporter that looks at nothing before Run.
func New(s Source) *Reporter {
	return &Reporter{
		source: s, start: time.Now(), wake: make(chan struct{}, 1),
		reports: map[replication.ShardID]*entry{}, touched: map[replication.ShardID]bool{},
		changed: make(chan struct{}), measures: map[replication.ShardID]Measure{},
	}
}

// Touch says that something happened to a replica that is worth a look soon.
func (r *Reporter) Touch(shard replication.ShardID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.following == 0 {
		return
	}
	r.touched[shard] = true
	r.signal()
}

func (r *Reporter) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run looks at replicas until the channel is closed.
func (r *Reporter) Run(stop <-chan struct{}) {
	all := time.NewTicker(Every)
	defer all.Stop()
	soon := time.NewTimer(0)
	soon.Stop()
	waiting := false
	for {
		select {
		case <-stop:
			return
		case <-all.C:
			if r.followed() {
				r.lookAtAll()
			}
		case <-r.wake:
			if !waiting {
				waiting = true
				soon.Reset(Soon)
			}
		case <-soon.C:
			waiting = false
			r.lookSoon()
		}
	}
}

func (r *Reporter) followed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.following > 0
}

// lookSoon looks at what was touched, or at all for the first time.
func (r *Reporter) lookSoon() {
	r.mu.Lock()
	touched := slices.Sorted(maps.Keys(r.touched))
	clear(r.touched)
	first := r.lookedAt.IsZero() && r.following > 0
	r.mu.Unlock()
	switch {
	case first:
		r.lookAtAll()
	case len(touched) > 0:
		r.keep(touched, r.take(touched), time.Time{})
	}
}

// lookAtAll looks at every replica.
func (r *Reporter) lookAtAll() {
	shards, at := r.source.Shards(), time.Now()
	r.measure(shards)
	r.keep(nil, r.take(shards), at)
}

// measure measures the next few replicas, in turn.
func (r *Reporter) measure(shards []replication.ShardID) {
	maps.DeleteFunc(r.measures, func(id replication.ShardID, _ Measure) bool {
		_, here := slices.BinarySearch(shards, id)
		return !here
	})
	from, _ := slices.BinarySearch(shards, r.next)
	for i := range min(len(shards), measuresPerLook) {
		id := shards[(from+i)%len(shards)]
		r.next = id + 1
		if m, err := r.source.Measure(id); err == nil {
			r.measures[id] = m
		}
	}
}

// take looks at some shards, and returns what is there of them.
func (r *Reporter) take(shards []replication.ShardID) map[replication.ShardID]*sight {
	taken := make(map[replication.ShardID]*sight, len(shards))
	r.source.Replicas(shards, func(id replication.ShardID, state replication.ReplicaState, traffic host.Traffic) {
		seen := see(id, &state, traffic)
		seen.measure, seen.measured = r.measures[id]
		taken[id] = seen
	})
	return taken
}

// keep takes in what was seen at some shards; at all of them if none are named, and at is
// the time of that.
func (r *Reporter) keep(touched []replication.ShardID, taken map[replication.ShardID]*sight, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look++
	changed := !at.IsZero()
	for id, seen := range taken {
		known := r.reports[id]
		if at.IsZero() {
			// Counters are those of the last look at all: a rate has to have a time.
			seen.traffic = host.Traffic{}
			if known != nil {
				seen.traffic = known.seen.traffic
			}
		}
		if known == nil || !known.seen.equal(seen) {
			r.reports[id] = &entry{seen: seen, message: seen.message(), look: r.look}
			changed = true
		}
	}
	if !at.IsZero() {
		r.lookedAt = at
		touched = slices.Collect(maps.Keys(r.reports))
	}
	for _, id := range touched {
		if known := r.reports[id]; known != nil && taken[id] == nil {
			// Followers that were told of it find it missing.
			delete(r.reports, id)
			changed = true
		}
	}
	if changed {
		close(r.changed)
		r.changed = make(chan struct{})
	}
}
