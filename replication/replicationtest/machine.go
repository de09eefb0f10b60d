package replicationtest

import (
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/replication"
)

// machine is a state machine that keeps registers. A payload "x=1" sets x; the
// query "x" reads it. What it applied is as durable as its disk's log.
type machine struct {
	server  *server
	applied []applyCall
	queries []queryCall
}

type applyCall struct {
	shard   replication.ShardID
	entries []replication.Entry
}

type queryCall struct {
	shard replication.ShardID
	id    replication.QueryID
	key   string
}

// Apply implements replication.StateMachine.
func (m *machine) Apply(shard replication.ShardID, entries []replication.Entry) {
	m.applied = append(m.applied, applyCall{shard, entries})
}

// Query implements replication.StateMachine.
func (m *machine) Query(shard replication.ShardID, id replication.QueryID, body []byte) {
	m.queries = append(m.queries, queryCall{shard, id, string(body)})
}

// value reads a register out of the entries that the shard has applied.
func (m *machine) value(shard replication.ShardID, key string) string {
	s := m.server.disk.shard(shard)
	for _, e := range slices.Backward(s.current[:s.applied]) {
		if name, value, ok := strings.Cut(string(e.Payload), "="); ok && name == key {
			return value
		}
	}
	return absent
}
