package storage

import (
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// Import implements replication.StateMachine. A part that is refused changes
// nothing: what is kept is said, and comes no further. Where the shard's state turns
// out to be damaged, the import ends with that: the core has the state deleted, and
// begins another.
func (m *Machine) Import(shard replication.ShardID, part replication.SnapshotPart) {
	if m.stopped(shard) {
		return
	}
	progress, err := m.db.Import(kv.ShardID(shard), kv.SnapshotPart{
		Last: kvID(part.Last), Position: part.Position, Data: part.Data, Final: part.Final,
	})
	refused := (*kv.SnapshotError)(nil)
	switch {
	case errors.As(err, &refused):
		m.logger.Warn("a part of a snapshot is refused", "error", err, "kept", progress.Position)
	case err != nil:
		m.importFailed(shard, fmt.Errorf("import into shard %d: %w", shard, err))
		return
	case progress.Installed:
		delete(m.unrepaired, shard)
		// Test benches count this line.
		m.logger.Info("snapshot installed", "shard", shard, "last", part.Last, "bytes", progress.Position)
	}
	m.complete(shard, replication.Imported{Last: part.Last, Position: progress.Position, Installed: progress.Installed})
}

// importFailed takes note of an error. Damage that an import meets again, although the
// shard was deleted since, is in the way of every import.
func (m *Machine) importFailed(shard replication.ShardID, err error) {
	if !isDamage(err) || !m.unrepaired[shard] {
		m.unrepaired[shard] = true
		m.fail(shard, err)
		return
	}
	m.failed = errors.Join(fmt.Errorf("%w: %w", ErrCondemned, err), m.condemn())
}
