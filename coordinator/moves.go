package coordinator

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// Moved is what moves.
type Moved string

// What moves.
const (
	MovedReplica Moved = "replica"
	MovedLeader  Moved = "leader"
)

// Move is a move that is under way.
type Move struct {
	What  Moved
	Shard replication.ShardID
	Kind  plan.Kind
	// Reason says why, with the figures.
	Reason string
	// Began is when it was decided.
	Began time.Time
	// To is who is to lead.
	To replication.ServerID
}

// moves are those that are under way.
type moves struct {
	observer Observer
	logger   *slog.Logger

	mu       sync.Mutex // guards what follows
	replicas map[replication.ShardID]Move
	leaders  map[replication.ShardID]Move
}

func newMoves(o Observer, logger *slog.Logger) *moves {
	return &moves{observer: o, logger: logger, replicas: map[replication.ShardID]Move{}, leaders: map[replication.ShardID]Move{}}
}

// replica takes note that a shard's replicas are to be elsewhere. A move that was under way
// has not succeeded.
func (m *moves) replica(c plan.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.giveUp(m.replicas, c.Shard)
	m.observer.MovePlanned(MovedReplica, c.Kind)
	m.found(c)
}

// giveUp ends a move that is under way in favour of the next. It is locked.
func (m *moves) giveUp(of map[replication.ShardID]Move, shard replication.ShardID) {
	if one, moves := of[shard]; moves {
		m.end(of, one, false)
	}
}

// end ends a move. It is locked.
func (m *moves) end(of map[replication.ShardID]Move, one Move, done bool) {
	delete(of, one.Shard)
	m.observer.MoveEnded(one.What, one.Kind, done)
	m.logger.Info("move ended", "what", one.What, "shard", one.Shard, "kind", one.Kind, "done", done, "took", time.Since(one.Began))
}

// found takes a move that began before, in a reign that is over.
func (m *moves) found(c plan.Change) {
	m.replicas[c.Shard] = Move{
		What: MovedReplica, Shard: c.Shard, Kind: c.Kind, Reason: c.Reason, Began: time.UnixMilli(c.Began),
	}
}

// leader takes note that a leadership is to move.
func (m *moves) leader(t plan.TransferLeader) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.giveUp(m.leaders, t.Shard)
	m.observer.MovePlanned(MovedLeader, t.Kind)
	m.leaders[t.Shard] = Move{What: MovedLeader, Shard: t.Shard, Kind: t.Kind, Reason: t.Reason, Began: time.Now(), To: t.To}
}

// settle ends the moves that succeeded, and those that did not in time, or cannot any
// more.
func (m *moves) settle(v *view, o *plan.Options, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, one := range m.replicas {
		if s, there := v.shardNow(id); !there || placed(&s.Document, s.Wanted) {
			m.end(m.replicas, one, there)
		}
	}
	for id, one := range m.leaders {
		s, there := v.shardNow(id)
		if leads := there && s.Leader == one.To; leads || !there || now.Sub(one.Began) > o.TransferWithin {
			m.end(m.leaders, one, leads)
		}
	}
}

// now are the moves that are under way, the oldest first.
func (m *moves) now() []Move {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Move
	for _, of := range []map[replication.ShardID]Move{m.replicas, m.leaders} {
		for _, one := range of {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Move) int { return a.Began.Compare(b.Began) })
	return all
}
