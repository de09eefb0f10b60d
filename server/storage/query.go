package storage

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// The first byte of a query's body says what the rest is.
const (
	// QueryRead is followed by a ReadRequest; the result is a ReadResponse.
	QueryRead byte = 1
	// QueryTransaction is followed by a TransactionRequest that only reads; the
	// result is a TransactionResponse.
	QueryTransaction byte = 2
)

// Query implements replication.StateMachine.
func (m *Machine) Query(shard replication.ShardID, id replication.QueryID, body []byte) {
	if m.stopped(shard) {
		return
	}
	result, err := m.read(kv.ShardID(shard), body)
	if refused := (*kv.RefusedError)(nil); err != nil && !errors.As(err, &refused) {
		m.fail(shard, fmt.Errorf("query shard %d: %w", shard, err))
		return
	}
	m.answered = append(m.answered, Answer{id, result})
}

func (m *Machine) read(shard kv.ShardID, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, nil
	}
	switch body[0] {
	case QueryRead:
		var req api.ReadRequest
		if proto.Unmarshal(body[1:], &req) != nil {
			return nil, nil
		}
		res, err := m.db.Read(shard, &req)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(res)
	case QueryTransaction:
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
