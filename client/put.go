package client

import (
	"context"
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// PutResult is what a put stored.
type PutResult struct {
	// Key is the record's key, which differs from the one given if that was the prefix
	// of a sequence.
	Key     string
	Version Version
}

// Put creates a record or overwrites it. It ends with ErrUnexpectedVersion or
// ErrSessionNotFound where an option asks for a version or a session.
func (c *Client) Put(ctx context.Context, key string, value []byte, options ...PutOption) (PutResult, error) {
	return c.Async().Put(ctx, key, value, options...).Result()
}

// Delete deletes a record. It ends with ErrKeyNotFound if there is none, and with
// ErrUnexpectedVersion where an option asks for a version.
func (c *Client) Delete(ctx context.Context, key string, options ...DeleteOption) error {
	_, err := c.Async().Delete(ctx, key, options...).Result()
	return err
}

// DeleteRange deletes the records from start to end, without end; an empty end is
// unbounded. Without PartitionKey it does so in all shards, in each at a moment of its
// own; if it fails, it may have been done in some.
func (c *Client) DeleteRange(ctx context.Context, start, end string, options ...DeleteRangeOption) error {
	_, err := c.Async().DeleteRange(ctx, start, end, options...).Result()
	return err
}

// Async offers the same operations without waiting for their end. Operations that are
// issued together travel together.
func (c *Client) Async() Async { return Async{c} }

// Async starts operations. A call returns as soon as the operation is in its shard's
// queue, and so waits only while that is full.
type Async struct{ c *Client }

// Put is Client.Put, without waiting.
func (a Async) Put(ctx context.Context, key string, value []byte, options ...PutOption) *Future[PutResult] {
	s := putSettings{once: a.c.conf.exactlyOnce}
	for _, option := range options {
		option.setPut(&s)
	}
	req, err := a.c.putRequest(key, value, &s)
	if err != nil {
		return failed[PutResult](fmt.Errorf("put %q: %w", key, err))
	}
	o := &operation{kind: kindPut, put: req, hash: routeOf(key, s.partition), named: s.once, size: sizeOfPut(req)}
	if s.session != nil {
		o.shard, o.pinned = s.session.shard, true
		req.SessionId = &s.session.id
	}
	if s.ephemeral {
		return spawn(ctx, a.c, func(ctx context.Context) (PutResult, error) { return a.c.putEphemeral(ctx, o) })
	}
	a.c.issue(ctx, o)
	return &Future[PutResult]{done: o.done, result: o.putResult}
}

func (c *Client) putRequest(key string, value []byte, s *putSettings) (*api.PutRequest, error) {
	if err := validatePut(key, value, s); err != nil {
		return nil, err
	}
	req := &api.PutRequest{
		Key: key, Value: value, PartitionKey: s.partition, ExpectedVersionId: s.expected, SequenceKeyDelta: s.deltas,
		SecondaryIndexes: s.indexes, OverrideVersionId: s.version, OverrideModificationsCount: s.count,
	}
	if c.conf.identity != "" {
		req.ClientIdentity = &c.conf.identity
	}
	return req, nil
}

func validatePut(key string, value []byte, s *putSettings) error {
	for _, err := range []error{
		checkKey(key), checkLength("value", len(value), maxValueBytes), checkPartition(s.partition),
		checkExpected("ExpectedVersion", s.expected),
	} {
		if err != nil {
			return err
		}
	}
	if err := validateIndexes(s.indexes); err != nil {
		return err
	}
	switch {
	case s.ephemeral && s.session != nil:
		return &ArgumentError{"Ephemeral", "is given beside InSession", "give one of them"}
	case s.version != nil && (*s.version < 0 || *s.count < 0):
		return &ArgumentError{"OverrideVersion", "is negative", "pass 0 or more"}
	case len(s.deltas) == 0:
		return nil
	case len(s.deltas) > maxDeltas:
		return &ArgumentError{"SequenceDeltas", fmt.Sprintf("has %d numbers", len(s.deltas)), fmt.Sprintf("pass at most %d", maxDeltas)}
	case s.partition == nil:
		return &ArgumentError{"SequenceDeltas", "is given without PartitionKey", "give one: a sequence is kept by one shard"}
	case s.deltas[0] == 0:
		return &ArgumentError{"SequenceDeltas", "begins with 0", "pass a first delta above 0"}
	case s.expected != nil:
		return &ArgumentError{"SequenceDeltas", "is given beside an expected version", "leave that out: the key is always new"}
	}
	return nil
}

func validateIndexes(indexes []*api.SecondaryIndex) error {
	if len(indexes) > maxSecondaryIndexes {
		return &ArgumentError{"SecondaryIndex", fmt.Sprintf("is given %d times", len(indexes)), fmt.Sprintf("give at most %d", maxSecondaryIndexes)}
	}
	for _, index := range indexes {
		if index.GetIndexName() == "" {
			return &ArgumentError{"SecondaryIndex", "has no name", "name the index"}
		}
		if err := checkText("SecondaryIndex", index.GetIndexName(), maxIndexNameBytes); err != nil {
			return err
		}
		if err := checkText("SecondaryIndex", index.GetSecondaryKey(), maxKeyBytes); err != nil {
			return err
		}
	}
	return nil
}

// putResult reads the result of a put that is done.
func (o *operation) putResult() (PutResult, error) {
	<-o.done
	err := o.err
	if err == nil {
		err = statusError(o.putRes.GetStatus())
	}
	if err != nil {
		return PutResult{}, fmt.Errorf("put %q: %w", o.key(), err)
	}
	r := PutResult{Key: o.put.GetKey(), Version: readVersion(o.putRes.GetVersion())}
	if o.putRes.Key != nil {
		r.Key = o.putRes.GetKey()
	}
	return r, nil
}

// Delete is Client.Delete, without waiting.
func (a Async) Delete(ctx context.Context, key string, options ...DeleteOption) *Future[struct{}] {
	s := deleteSettings{once: a.c.conf.exactlyOnce}
	for _, option := range options {
		option.setDelete(&s)
	}
	for _, err := range []error{checkKey(key), checkPartition(s.partition), checkExpected("ExpectedVersion", s.expected)} {
		if err != nil {
			return failed[struct{}](fmt.Errorf("delete %q: %w", key, err))
		}
	}
	req := &api.DeleteRequest{Key: key, ExpectedVersionId: s.expected, PartitionKey: s.partition}
	o := a.c.issue(ctx, &operation{
		kind: kindDelete, del: req, hash: routeOf(key, s.partition), named: s.once,
		size: len(key) + len(req.GetPartitionKey()) + overheadBytes,
	})
	return &Future[struct{}]{done: o.done, result: func() (struct{}, error) {
		return struct{}{}, o.statusResult("delete")
	}}
}

// statusResult reads the result of a delete or range delete that is done.
func (o *operation) statusResult(what string) error {
	<-o.done
	err := o.err
	if err == nil {
		err = statusError(o.status)
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, o.key(), err)
	}
	return nil
}

// DeleteRange is Client.DeleteRange, without waiting.
func (a Async) DeleteRange(ctx context.Context, start, end string, options ...DeleteRangeOption) *Future[struct{}] {
	s := deleteRangeSettings{once: a.c.conf.exactlyOnce}
	for _, option := range options {
		option.setDeleteRange(&s)
	}
	if err := checkRange(start, end, s.partition); err != nil {
		return failed[struct{}](fmt.Errorf("delete the range from %q to %q: %w", start, end, err))
	}
	o := func() *operation {
		return &operation{
			kind: kindDeleteRange, named: s.once, size: len(start) + len(end) + overheadBytes,
			rng: &api.DeleteRangeRequest{StartInclusive: start, EndExclusive: end},
		}
	}
	if s.partition == nil {
		return spawn(ctx, a.c, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, a.c.onAllShards(ctx, o, func(o *operation) error { return o.statusResult("delete the range from") })
		})
	}
	one := o()
	one.hash = keyspace.Hash(*s.partition)
	a.c.issue(ctx, one)
	return &Future[struct{}]{done: one.done, result: func() (struct{}, error) {
		return struct{}{}, one.statusResult("delete the range from")
	}}
}

// routeOf returns the hash by which an operation on a key is routed.
func routeOf(key string, partition *string) uint32 {
	if partition != nil {
		return keyspace.Hash(*partition)
	}
	return keyspace.Hash(key)
}

func sizeOfPut(req *api.PutRequest) int {
	size := len(req.GetKey()) + len(req.GetValue()) + len(req.GetPartitionKey()) + len(req.GetClientIdentity()) + overheadBytes
	for _, index := range req.GetSecondaryIndexes() {
		size += len(index.GetIndexName()) + len(index.GetSecondaryKey())
	}
	return size
}
