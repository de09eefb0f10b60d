package public

import (
	"context"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// Transact implements api.OstrakaServer. A transaction that only gets is a read, and
// needs no name to be repeated.
func (s *Service) Transact(ctx context.Context, req *api.TransactRequest) (*api.TransactionResponse, error) {
	t, err := s.target(&req.Shard)
	if err != nil {
		return nil, err
	}
	transaction := req.GetTransaction()
	if transaction == nil {
		return nil, invalid("transaction", "is missing", "send one")
	}
	if req.GetName() != nil && !kv.ReadsOnly(transaction) {
		return t.transactOnce(ctx, req)
	}
	if err := kv.ValidateTransaction(transaction, t.Range); err != nil {
		return nil, t.failed(err)
	}
	if kv.ReadsOnly(transaction) {
		return t.readTransaction(ctx, transaction)
	}
	payload, err := appendBody(kv.TransactionPayload(nil), transaction)
	if err != nil {
		return nil, err
	}
	res := &api.TransactionResponse{}
	if err := t.carryOut(ctx, payload, res); err != nil {
		return nil, err
	}
	return res, nil
}

func (t *target) readTransaction(ctx context.Context, req *api.TransactionRequest) (*api.TransactionResponse, error) {
	var res *api.TransactionResponse
	err := t.look(ctx, func(db *kv.DB) (err error) {
		res, err = db.ReadTransaction(t.kvID(), req)
		return err
	})
	return res, err
}
