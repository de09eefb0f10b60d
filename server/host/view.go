package host

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// View is the right to read a shard's state, which a confirmed read gives. The
// state is that of any moment after the confirmation.
type View struct {
	Shard replication.ShardID

	host       *Host
	generation uint64
}

// Read lets a function read the shard's state; a scan that it opens may be read on
// after it. It holds up the removal of the state and the installation of a snapshot,
// and nothing else, so that it does not wait for a client. The error is the
// function's, or a *RefusedError if the state was dropped since.
func (v View) Read(read func(*kv.DB) error) error { return v.host.look(v.Shard, &v.generation, read) }

// Peek lets a function read a shard's state as it is here, which nothing confirms:
// that of a follower may be old, and there may be none.
func (h *Host) Peek(shard replication.ShardID, read func(*kv.DB) error) error {
	return h.look(shard, nil, read)
}

func (h *Host) look(shard replication.ShardID, generation *uint64, read func(*kv.DB) error) error {
	g := h.gates.of(shard)
	g.mu.RLock()
	defer g.mu.RUnlock()
	if generation != nil && g.generation.Load() != *generation {
		return &RefusedError{Shard: shard, Why: replication.RefusedNotLeader}
	}
	err := read(h.disk.State())
	if isDamage(err) {
		h.state.put(stateTask{kind: taskDamage, shard: shard, damage: fmt.Errorf("read shard %d: %w", shard, err)})
		h.state.start()
	}
	return err
}

// isDamage reports whether an error says that what is stored cannot be read.
func isDamage(err error) bool {
	damage := (*kv.CorruptionError)(nil)
	return errors.As(err, &damage)
}

// gate stands before a shard's state: many may read it, and whoever replaces or
// removes it is alone.
type gate struct {
	mu sync.RWMutex
	// generation counts how often it was asked to remove the state. The loop counts,
	// at the moment at which the node asks.
	generation atomic.Uint64
}

type gates struct {
	mu    sync.Mutex
	gates map[replication.ShardID]*gate
}

func newGates() *gates { return &gates{gates: map[replication.ShardID]*gate{}} }

// of returns the gate of a shard.
func (g *gates) of(shard replication.ShardID) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.gates[shard]
	if found == nil {
		found = &gate{}
		g.gates[shard] = found
	}
	return found
}
