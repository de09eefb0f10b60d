package kv

import (
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// transact applies a transaction.
func (a *applier) transact(timestamp uint64, body []byte) (Outcome, *api.TransactionResponse, error) {
	var req api.TransactionRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		return Malformed, nil, nil
	}
	if incomplete(&req) != nil {
		return Refused, nil, nil
	}
	res, err := a.transaction(timestamp, &req)
	return Applied, res, err
}

// transaction carries a transaction out. Its changes go into the batch when it has
// committed, row by row in the order in which it first changed them; one that did
// not commit leaves nothing, and has taken no version id.
func (a *applier) transaction(timestamp uint64, req *api.TransactionRequest) (*api.TransactionResponse, error) {
	t := newTransaction(a.shard, a.state.order, a.batch)
	t.timestamp, t.nextVersion = timestamp, a.state.nextVersion
	res, err := t.run(req)
	if err != nil {
		return nil, err
	}
	if res.GetStatus() != api.TransactionResponse_COMMITTED {
		return res, nil
	}
	for _, s := range t.changes {
		var after *record
		if s.exists {
			after = &s.record
		}
		if s.stored == nil && after == nil {
			continue
		}
		if err := a.change(s.key, s.row, s.stored, after); err != nil {
			return nil, err
		}
	}
	a.state.nextVersion = t.nextVersion
	return res, nil
}
