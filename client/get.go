package client

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Get looks a record up. It ends with ErrKeyNotFound if there is none.
func (c *Client) Get(ctx context.Context, key string, options ...GetOption) (Record, error) {
	return c.Async().Get(ctx, key, options...).Result()
}

// Get is Client.Get, without waiting.
func (a Async) Get(ctx context.Context, key string, options ...GetOption) *Future[Record] {
	s := getSettings{}
	for _, option := range options {
		option.setGet(&s)
	}
	if err := validateGet(key, &s); err != nil {
		return failed[Record](fmt.Errorf("get %q: %w", key, err))
	}
	newGet := func() *operation {
		return &operation{kind: kindGet, size: len(key) + overheadBytes, get: &api.GetRequest{
			Key: key, IncludeValue: !s.noValue, ComparisonType: s.comparison, SecondaryIndexName: s.index,
		}}
	}
	exact := s.comparison == api.KeyComparisonType_EQUAL && s.index == nil
	if s.partition == nil && !exact {
		return spawn(ctx, a.c, func(ctx context.Context) (Record, error) { return a.c.getNearest(ctx, key, newGet) })
	}
	o := newGet()
	o.hash = routeOf(key, s.partition)
	a.c.issue(ctx, o)
	return &Future[Record]{done: o.done, result: o.record}
}

func validateGet(key string, s *getSettings) error {
	if s.index == nil && s.comparison == api.KeyComparisonType_EQUAL && key == "" {
		return &ArgumentError{"key", "is empty", "name a record"}
	}
	if s.index != nil && *s.index == "" {
		return &ArgumentError{"UseIndex", "has no name", "name the index"}
	}
	if err := checkText("key", key, maxKeyBytes); err != nil {
		return err
	}
	return checkPartition(s.partition)
}

// record reads the result of a get that is done.
func (o *operation) record() (Record, error) {
	<-o.done
	err := o.err
	if err == nil {
		err = statusError(o.getRes.GetStatus())
	}
	if err != nil {
		return Record{}, fmt.Errorf("get %q: %w", o.key(), err)
	}
	asked := o.get.GetKey()
	if o.get.SecondaryIndexName != nil {
		asked = ""
	}
	return readRecord(o.getRes, asked), nil
}

// getNearest asks all shards and returns the record that comes nearest.
func (c *Client) getNearest(ctx context.Context, key string, newGet func() *operation) (Record, error) {
	var found []Record
	descending := false
	err := c.onAllShards(ctx, newGet, func(o *operation) error {
		if o.err != nil {
			return fmt.Errorf("get %q: %w", key, o.err)
		}
		comparison := o.get.GetComparisonType()
		descending = comparison == api.KeyComparisonType_FLOOR || comparison == api.KeyComparisonType_LOWER
		if o.getRes.GetStatus() == api.Status_KEY_NOT_FOUND {
			return nil
		}
		record, err := o.record()
		found = append(found, record)
		return err
	})
	if err != nil {
		return Record{}, err
	}
	if len(found) == 0 {
		return Record{}, fmt.Errorf("get %q: %w", key, ErrKeyNotFound)
	}
	best, order := found[0], c.order()
	for _, r := range found[1:] {
		if by := compareRecords(order, r, best); by < 0 != descending {
			best = r
		}
	}
	return best, nil
}

// compareRecords orders records as servers do: by secondary key, which is empty where
// no index is read, then by key.
func compareRecords(order keyspace.Order, a, b Record) int {
	return cmp.Or(order.Compare(a.SecondaryKey, b.SecondaryKey), order.Compare(a.Key, b.Key))
}
