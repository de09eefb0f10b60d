package cluster

import (
	"sync"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// Directory holds the newest map.
type Directory struct {
	mu sync.Mutex
	// current is nil until a coordinator has told the cluster's state.
	current *Map
	changed chan struct{}
	// led are the reigns that replicas here told before there was a map.
	led map[replication.ShardID]reign
}

type reign struct {
	term   replication.Term
	leader replication.ServerID
}

// NewDirectory returns a directory that knows nothing.
func NewDirectory() *Directory {
	return &Directory{changed: make(chan struct{}), led: map[replication.ShardID]reign{}}
}

// Map returns the newest map, nil while there is none, and a channel that is closed
// when another takes its place.
func (d *Directory) Map() (*Map, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current, d.changed
}

// Told takes what a coordinator tells, and reports whether it was news: what is of an
// earlier revision than the newest is not listened to.
func (d *Directory) Told(state *api.ClusterState) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.current
	if before == nil {
		before = &Map{}
	} else if state.GetRevision() < before.Revision {
		return false
	}
	next := before.follows(state)
	for id, r := range d.led {
		if s, found := next.Shard(id); found {
			s.keep(r.term, r.leader)
			next.shards[bucketOf(id)][id] = s
			delete(d.led, id)
		}
	}
	d.set(next)
	return true
}

// Leads takes from a replica of this server who leads its shard in a term.
func (d *Directory) Leads(shard replication.ShardID, term replication.Term, leader replication.ServerID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		if s, found := d.current.Shard(shard); found {
			before := s
			if s.keep(term, leader); s != before {
				d.set(d.current.with(s))
			}
			return
		}
	}
	if term >= d.led[shard].term {
		d.led[shard] = reign{term, leader}
	}
}

// set takes a map into use. The caller holds mu.
func (d *Directory) set(next *Map) {
	d.current = next
	close(d.changed)
	d.changed = make(chan struct{})
}
