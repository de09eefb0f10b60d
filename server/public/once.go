package public

import (
	"context"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// WriteOnce implements api.OstrakaServer.
func (s *Service) WriteOnce(ctx context.Context, req *api.WriteOnceRequest) (*api.WriteOnceResponse, error) {
	t, err := s.target(&req.Shard)
	if err != nil {
		return nil, err
	}
	if err := kv.ValidateWriteOnce(req, t.Range); err != nil {
		return nil, t.failed(err)
	}
	payload, err := appendBody(kv.WriteOncePayload(nil), req)
	if err != nil {
		return nil, err
	}
	written, _, err := t.once(ctx, payload)
	return written, err
}

// transactOnce carries out a transaction that has a name.
func (t *target) transactOnce(ctx context.Context, req *api.TransactRequest) (*api.TransactionResponse, error) {
	if err := kv.ValidateTransactOnce(req, t.Range); err != nil {
		return nil, t.failed(err)
	}
	payload, err := appendBody(kv.TransactOncePayload(nil), req)
	if err != nil {
		return nil, err
	}
	_, done, err := t.once(ctx, payload)
	return done, err
}

// once proposes a named request, and returns the answer of the first that had its name.
func (t *target) once(ctx context.Context, payload []byte) (*api.WriteOnceResponse, *api.TransactionResponse, error) {
	result, err := t.write(ctx, payload)
	if err != nil {
		return nil, nil, err
	}
	written, done, err := kv.DecodeOnce(result)
	return written, done, t.failed(err)
}
