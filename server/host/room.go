package host

import (
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/ostraka-db/ostraka/replication"
)

// rooms are where writes wait until their shard has room for them, each shard for
// itself and in the order in which they came.
type rooms struct {
	mu    sync.Mutex
	rooms map[replication.ShardID]*semaphore.Weighted
}

func newRooms() *rooms { return &rooms{rooms: map[replication.ShardID]*semaphore.Weighted{}} }

// of returns the room of a shard. That is made for any number, and kept: callers name
// shards that the cluster has.
func (r *rooms) of(shard replication.ShardID) *semaphore.Weighted {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := r.rooms[shard]
	if room == nil {
		room = semaphore.NewWeighted(shardRoom)
		r.rooms[shard] = room
	}
	return room
}
