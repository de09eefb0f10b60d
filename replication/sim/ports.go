package sim

import (
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

type walDurable = wal.Durable

// logPort is the log of a process, watched.
type logPort struct{ process *process }

// Submit implements replication.Log.
func (l *logPort) Submit(shard replication.ShardID, op replication.LogOp) {
	l.process.server.world.laws.submitted(l.process.server, shard, op)
	l.process.disk.Log().Submit(shard, op)
}

// Read implements replication.Log.
func (l *logPort) Read(shard replication.ShardID, id replication.ReadID, first replication.Offset, maxBytes int) {
	l.process.asked = true
	l.process.disk.Log().Read(shard, id, first, maxBytes)
}

// machinePort is the state machine of a process, watched.
type machinePort struct{ process *process }

// Apply implements replication.StateMachine.
func (m *machinePort) Apply(shard replication.ShardID, entries []replication.Entry) {
	m.process.disk.Machine().Apply(shard, entries)
	m.process.server.world.laws.applied(m.process.server, shard, entries)
}

// Query implements replication.StateMachine.
func (m *machinePort) Query(shard replication.ShardID, id replication.QueryID, body []byte) {
	m.process.disk.Machine().Query(shard, id, body)
}

// Export implements replication.StateMachine.
func (m *machinePort) Export(shard replication.ShardID, ask replication.ExportAsk) {
	m.process.disk.Machine().Export(shard, ask)
}

// Import implements replication.StateMachine.
func (m *machinePort) Import(shard replication.ShardID, part replication.SnapshotPart) {
	m.process.disk.Machine().Import(shard, part)
	if part.Final {
		m.process.server.world.laws.imported(m.process.server, shard, part.Last)
	}
}

// Delete implements replication.StateMachine.
func (m *machinePort) Delete(shard replication.ShardID) {
	m.process.server.world.laws.dropped(m.process.server, shard)
	m.process.disk.Machine().Delete(shard)
}
