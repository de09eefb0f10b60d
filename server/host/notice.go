package host

import (
	"sync"

	"github.com/ostraka-db/ostraka/replication"
)

// notices tell of a shard that entries were applied, or that it is led from here or
// not any more, to whoever waits for that.
type notices struct {
	mu     sync.Mutex
	closed bool
	shards map[replication.ShardID]*notice
}

type notice struct {
	// leads is the term in which the replica here serves as leader; zero if it does
	// not.
	leads replication.Term
	// changed is closed at the next change; nil while nobody waits for it.
	changed chan struct{}
}

func newNotices() *notices { return &notices{shards: map[replication.ShardID]*notice{}} }

// Changed returns the term in which this server leads a shard, zero if it does not,
// and a channel that is closed when that changes, when something is applied to the
// shard after the call, or when the host ends.
func (h *Host) Changed(shard replication.ShardID) (replication.Term, <-chan struct{}) {
	n := h.notices
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		over := make(chan struct{})
		close(over)
		return 0, over
	}
	s := n.of(shard)
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.leads, s.changed
}

// of returns the notice of a shard. The caller holds mu.
func (n *notices) of(shard replication.ShardID) *notice {
	s := n.shards[shard]
	if s == nil {
		s = &notice{}
		n.shards[shard] = s
	}
	return s
}

// applied tells that entries were applied.
func (n *notices) applied(shard replication.ShardID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of(shard).tell()
}

// serving tells in which term this server leads a shard, zero for none.
func (n *notices) serving(shard replication.ShardID, term replication.Term) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.of(shard)
	s.leads = term
	s.tell()
}

// close tells everybody, and whoever asks later at once.
func (n *notices) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, s := range n.shards {
		s.leads = 0
		s.tell()
	}
}

// tell wakes who waits. The caller holds mu.
func (s *notice) tell() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}
