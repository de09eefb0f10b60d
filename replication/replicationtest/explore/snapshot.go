package explore

import (
	"encoding/binary"

	"github.com/ostraka-db/ostraka/replication"
)

// A snapshot is one part, and carries the number of a state: the entries that
// were applied. The state machine gives one at once, and takes its time to
// install one.

// export answers the oldest question for a snapshot.
func (t *transition) export() {
	s := &t.server
	ask := s.exports[0]
	s.exports = s.exports[1:]
	state := s.machine
	number := t.x.states.number(appendEntries(nil, state), func() []replication.Entry { return state })
	t.step(replication.Exported{ID: ask.ID, Part: replication.SnapshotPart{
		Last: headOf(state), Data: binary.AppendUvarint(nil, uint64(number)), Final: true,
	}})
}

// install takes the snapshot that was handed over.
func (t *transition) install() {
	s := &t.server
	part := s.importing
	number, _ := binary.Uvarint(part.Data)
	s.importing, s.machine = nil, t.x.states.things[number]
	t.step(replication.Imported{Last: part.Last, Position: int64(len(part.Data)), Installed: true})
}

// trim lets the log go as far as the state machine holds it.
func (t *transition) trim() {
	t.step(replication.Trim{To: replication.Offset(len(t.server.machine))})
}
