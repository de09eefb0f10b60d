package kv

import (
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// transact applies a transaction. Its changes go into the batch when it has
// committed, row by row in the order in which it first changed them; one that did
// not commit leaves nothing, and has taken no version id.
func (a *applier) transact(timestamp uint64, body []byte) (Outcome, *api.TransactionResponse, error) {
	var req api.TransactionRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		return Malformed, nil, nil
	}
	if incomplete(&req) != nil {
		return Refused, nil, nil
	}
	t := newTransaction(a.shard, a.order, a.batch)
	t.timestamp, t.nextVersion = timestamp, a.state.nextVersion
	res, err := t.run(&req)
	if err != nil {
		return 0, nil, err
	}
	if res.GetStatus() != api.TransactionResponse_COMMITTED {
		return Applied, res, nil
	}
	for _, s := range t.changes {
		switch {
		case s.exists:
			err = a.set(s.row, &s.record)
		case s.stored:
			err = a.unset(s.row)
		}
		if err != nil {
			return 0, nil, err
		}
	}
	a.state.nextVersion = t.nextVersion
	return Applied, res, nil
}
