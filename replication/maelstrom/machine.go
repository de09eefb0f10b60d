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

// The first byte of a query's body says what the rest is.
const (
	queryRead        byte = 1 // a ReadRequest; the result is a ReadResponse
	queryTransaction byte = 2 // a TransactionRequest; the result is a TransactionResponse
)

// Query implements replication.StateMachine. A body that no state could answer has
// an empty result.
func (m *machine) Query(shard replication.ShardID, id replication.QueryID, body []byte) {
	if m.failed != nil {
		return
	}
	result, err := m.read(kv.ShardID(shard), body)
	if refused := (*kv.RefusedError)(nil); err != nil && !errors.As(err, &refused) {
		m.failed = fmt.Errorf("query shard %d: %w", shard, err)
		return
	}
	m.answered = append(m.answered, answeredQuery{id, result})
}

func (m *machine) read(shard kv.ShardID, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, nil
	}
	switch body[0] {
	case queryRead:
		var req api.ReadRequest
		if proto.Unmarshal(body[1:], &req) != nil {
			return nil, nil
		}
		res, err := m.db.Read(shard, &req)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(res)
	case queryTransaction:
		var req api.TransactionRequest
		if proto.Unmarshal(body[1:], &req) != nil {
			return nil, nil
		}
		res, err := m.db.ReadTransaction(shard, &req)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(res)
	}
	return nil, nil
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
