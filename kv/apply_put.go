package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// put creates or overwrites one record, if its condition holds. Only a put that
// succeeds takes a version id.
func (a *applier) put(timestamp uint64, req *api.PutRequest) (*api.PutResponse, error) {
	a.key = appendRecordKey(a.key[:0], a.shard, a.order, req.GetKey())
	old, found, err := a.lookup()
	if err != nil {
		return nil, err
	}
	if !meets(req.ExpectedVersionId, old, found) {
		return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}, nil
	}
	r := record{
		versionID: a.state.nextVersion,
		created:   timestamp,
		modified:  timestamp,
		hash:      keyspace.Hash(putRoute(req)),
		identity:  req.ClientIdentity,
		value:     req.GetValue(),
	}
	if found {
		r.succeed(old)
	}
	if err := a.set(a.key, &r); err != nil {
		return nil, err
	}
	a.state.nextVersion++
	return &api.PutResponse{Status: api.Status_OK, Version: r.version()}, nil
}

// lookup reads the record at a.key, as the operations before this one left it.
// What it returns has no value: an operation needs the version alone.
func (a *applier) lookup() (record, bool, error) {
	var found record
	exists, err := withRecord(a.batch, a.shard, a.order, a.key, func(r record) {
		found = r
		found.value = nil
	})
	return found, exists, err
}

// withRecord calls do with the record of a row, if there is one, and reports
// whether there is. The record's value is valid until do returns.
func withRecord(from pebble.Reader, shard ShardID, order keyspace.Order, row []byte, do func(record)) (bool, error) {
	stored, closer, err := from.Get(row)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read record: %w", err)
	}
	defer closer.Close()
	r, err := decodeRecord(stored)
	if err != nil {
		return false, recordCorruption(shard, recordKeyOf(row, order), err)
	}
	do(r)
	return true, nil
}

// meets reports whether a record, or its absence, is what an operation expects.
func meets(expected *int64, r record, found bool) bool {
	switch {
	case expected == nil:
		return true
	case !found:
		return *expected == NoVersion
	}
	return *expected == r.versionID
}

func recordCorruption(shard ShardID, key string, err error) error {
	return &CorruptionError{Shard: shard, Row: fmt.Sprintf("record %q", key), Detail: err.Error()}
}
