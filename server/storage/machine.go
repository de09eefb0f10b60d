package storage

import (
	"fmt"
	"log/slog"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// Machine is the state machine of all shards of a server, on package kv. It
// implements replication.StateMachine. It keeps what came of its calls until it is
// taken.
type Machine struct {
	db     *kv.DB
	logger *slog.Logger
	done   []Completion
	// answered are apart from what was done, since the node takes them by another
	// call.
	answered []Answer
	exports  exports
	// now is what Work was told last; idleAt is when snapshots are next looked
	// through for idle ones.
	now, idleAt replication.Instant
	// lost are the shards whose state is damaged, and not deleted yet; unrepaired
	// those of which an import met damage since one was installed.
	lost       map[replication.ShardID]bool
	unrepaired map[replication.ShardID]bool
	// condemn makes the next run copy what can be read of the state.
	condemn func() error
	// failed is why the machine stopped.
	failed error
}

var _ replication.StateMachine = (*Machine)(nil)

// Completion is what Node.Complete is to be given: Applied, Exported, Imported,
// Deleted or StateLost of a shard.
type Completion struct {
	Shard replication.ShardID
	Event replication.Event
}

// Answer is what Node.Answered is to be given. The result of a query that no state
// could answer is empty.
type Answer struct {
	ID     replication.QueryID
	Result []byte
}

func newMachine(db *kv.DB, o *Options) *Machine {
	return &Machine{
		db: db, logger: o.Logger, condemn: o.condemn,
		lost: map[replication.ShardID]bool{}, unrepaired: map[replication.ShardID]bool{},
		exports: exports{rate: throttle{rate: o.SnapshotRate}},
	}
}

// Take returns what came of calls since it was called before, in the order of what
// was asked.
func (m *Machine) Take() ([]Completion, []Answer) {
	done, answered := m.done, m.answered
	m.done, m.answered = nil, nil
	return done, answered
}

// Failed returns why the machine stopped, which is for good; nil if it did not. A
// machine that stopped answers nothing.
func (m *Machine) Failed() error { return m.failed }

// Work does what is due, and returns when it next wants to be called, or Never.
// Instants never go back.
func (m *Machine) Work(now replication.Instant) replication.Instant {
	m.now = max(m.now, now)
	if m.failed == nil {
		m.endIdleSnapshots()
		m.answerExports()
	}
	switch x := &m.exports; {
	case m.failed != nil:
		return replication.Never
	case len(x.waiting) > 0 && !x.rate.allows(m.now):
		return min(m.idleAt, x.rate.next())
	}
	return m.idleAt
}

// stopped reports whether nothing is done for a shard any more.
func (m *Machine) stopped(shard replication.ShardID) bool { return m.failed != nil || m.lost[shard] }

// fail takes note of an error. Damage ends one shard, until its state is deleted:
// what is asked of it meanwhile, or was not answered yet, is not answered. Anything
// else ends the machine.
func (m *Machine) fail(shard replication.ShardID, err error) {
	if !isDamage(err) {
		m.failed = err
		return
	}
	m.logger.Error("the state of a shard is damaged, and its replica lost", "shard", shard, "error", err)
	m.lost[shard] = true
	m.complete(shard, replication.StateLost{})
}

// Damaged tells the machine that somebody who read a shard's state beside it met
// damage, as a *kv.CorruptionError: the shard is lost, as if it had met that itself.
func (m *Machine) Damaged(shard replication.ShardID, err error) {
	if !m.stopped(shard) {
		m.fail(shard, err)
	}
}

// Apply implements replication.StateMachine.
func (m *Machine) Apply(shard replication.ShardID, entries []replication.Entry) {
	if m.stopped(shard) {
		return
	}
	batch := make([]kv.Entry, len(entries))
	for i, e := range entries {
		batch[i] = kv.Entry{ID: kvID(e.ID), Timestamp: uint64(e.Timestamp), Payload: e.Payload}
	}
	results, err := m.db.Apply(kv.ShardID(shard), batch)
	if err != nil {
		m.fail(shard, fmt.Errorf("apply to shard %d: %w", shard, err))
		return
	}
	encoded := make([][]byte, len(results))
	for i := range results {
		encoded[i] = results[i].Encode()
	}
	check, err := m.Checked(shard)
	if err != nil {
		m.fail(shard, err)
		return
	}
	m.complete(shard, replication.Applied{Results: encoded, Check: check})
}

// Checked returns the check of a shard: the digest of its state at the last agreed
// offset that it has applied; zero before the first. See kv.DB.Checked.
func (m *Machine) Checked(shard replication.ShardID) (replication.Check, error) {
	offset, digest, err := m.db.Checked(kv.ShardID(shard))
	return replication.Check{Offset: replication.Offset(offset), Sum: uint64(digest)}, err
}

// Delete implements replication.StateMachine.
func (m *Machine) Delete(shard replication.ShardID) {
	if !m.stopped(shard) {
		m.flushExports(shard)
	}
	if m.failed != nil {
		return
	}
	m.dropExports(shard)
	if err := m.db.DeleteShard(kv.ShardID(shard)); err != nil {
		m.failed = fmt.Errorf("delete shard %d: %w", shard, err)
		return
	}
	delete(m.lost, shard)
	m.complete(shard, replication.Deleted{})
}

func (m *Machine) complete(shard replication.ShardID, event replication.Event) {
	m.done = append(m.done, Completion{shard, event})
}
