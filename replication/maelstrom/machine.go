package maelstrom

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// machine is the state machine, on package kv. It works while it is called, and
// keeps what came of it for the loop.
type machine struct {
	db *kv.DB
	// applied and answered are completions that the node has not been given.
	applied  []appliedBatch
	answered []answeredQuery
	// failed is why the machine stopped. The node must stop too.
	failed error
}

type appliedBatch struct {
	shard replication.ShardID
	event replication.Applied
}

type answeredQuery struct {
	id     replication.QueryID
	result []byte
}

// Apply implements replication.StateMachine.
func (m *machine) Apply(shard replication.ShardID, entries []replication.Entry) {
	if m.failed != nil {
		return
	}
	batch := make([]kv.Entry, len(entries))
	for i, e := range entries {
		batch[i] = kv.Entry{ID: kvID(e.ID), Timestamp: uint64(e.Timestamp), Payload: e.Payload}
	}
	results, err := m.db.Apply(kv.ShardID(shard), batch)
	if err != nil {
		m.failed = fmt.Errorf("apply to shard %d: %w", shard, err)
		return
	}
	encoded := make([][]byte, len(results))
	for i := range results {
		encoded[i] = results[i].Encode()
	}
	m.applied = append(m.applied, appliedBatch{shard, replication.Applied{Results: encoded}})
}

// Query implements replication.StateMachine. The body is a ReadRequest, the
// result a ReadResponse; a request that no state could answer has an empty one.
func (m *machine) Query(shard replication.ShardID, id replication.QueryID, body []byte) {
	if m.failed != nil {
		return
	}
	answer, err := m.read(shard, body)
	if err != nil {
		m.failed = fmt.Errorf("query shard %d: %w", shard, err)
		return
	}
	m.answered = append(m.answered, answeredQuery{id, answer})
}

func (m *machine) read(shard replication.ShardID, body []byte) ([]byte, error) {
	var req api.ReadRequest
	if proto.Unmarshal(body, &req) != nil {
		return nil, nil
	}
	res, err := m.db.Read(kv.ShardID(shard), &req)
	if refused := (*kv.RefusedError)(nil); errors.As(err, &refused) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return proto.Marshal(res)
}

func kvID(id replication.EntryID) kv.EntryID {
	return kv.EntryID{Term: int64(id.Term), Offset: int64(id.Offset)}
}

// take returns the completions since the last call.
func (m *machine) take() ([]appliedBatch, []answeredQuery) {
	applied, answered := m.applied, m.answered
	m.applied, m.answered = nil, nil
	return applied, answered
}
