package perf

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
)

// service is a target by way of the client library.
type service struct{ client *client.Client }

func (s service) Read(ctx context.Context, key string) (bool, error) {
	_, err := s.client.Get(ctx, key)
	if errors.Is(err, client.ErrKeyNotFound) {
		return false, nil
	}
	return true, err
}

func (s service) Write(ctx context.Context, key string, value []byte) error {
	_, err := s.client.Put(ctx, key, value)
	return err
}

func (service) Reason(err error) string { return data.Reason(err) }

// populate writes every key once, as many at a time as there may be.
func populate(ctx context.Context, c *client.Client, plan *Plan) error {
	source := newSource(plan, 0)
	// The futures of a batch are waited for in their order; what is issued and not
	// waited for is bounded by it.
	const batch = 1024
	waiting := make([]*client.Future[client.PutResult], 0, batch)
	for i := range plan.Keys {
		waiting = append(waiting, c.Async().Put(ctx, plan.key(i), source.value()))
		if len(waiting) < batch && i < plan.Keys-1 {
			continue
		}
		for _, put := range waiting {
			if _, err := put.Result(); err != nil {
				return fmt.Errorf("write the keys that are to be read: %w", err)
			}
		}
		waiting = waiting[:0]
	}
	return nil
}
