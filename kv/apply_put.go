package kv

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// put creates or overwrites one record, if its condition holds. Only a put that
// succeeds takes a version id.
func (a *applier) put(timestamp uint64, req *api.PutRequest) (*api.PutResponse, error) {
	key, res := req.GetKey(), &api.PutResponse{}
	if deltas := req.GetSequenceKeyDelta(); len(deltas) > 0 {
		next, possible, err := nextInSequence(a.batch, a.shard, a.state.order, key, deltas)
		if err != nil {
			return nil, err
		}
		if !possible {
			return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}, nil
		}
		key, res.Key = next, &next
	}
	a.key = appendRecordKey(a.key[:0], a.shard, a.state.order, key)
	old, err := a.lookup()
	if err != nil {
		return nil, err
	}
	if !meets(req.ExpectedVersionId, old) {
		return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}, nil
	}
	if req.SessionId != nil {
		_, found, err := readSession(a.batch, a.shard, req.GetSessionId())
		if err != nil {
			return nil, err
		}
		if !found {
			return &api.PutResponse{Status: api.Status_SESSION_DOES_NOT_EXIST}, nil
		}
	}
	r := record{
		versionID: a.state.nextVersion,
		created:   timestamp,
		modified:  timestamp,
		hash:      keyspace.Hash(putRoute(req)),
		identity:  req.ClientIdentity,
		session:   req.SessionId,
		indexes:   indexEntriesOf(req),
		value:     req.GetValue(),
	}
	if old != nil {
		r.succeed(old)
	}
	r.override(req)
	if err := a.change(key, a.key, old, &r); err != nil {
		return nil, err
	}
	a.state.nextVersion = max(a.state.nextVersion, r.versionID+1)
	res.Version = r.version()
	return res, nil
}

// indexEntriesOf returns where a put wants its record to be found: ascending, and each
// place once.
func indexEntriesOf(req *api.PutRequest) []indexEntry {
	if len(req.GetSecondaryIndexes()) == 0 {
		return nil
	}
	entries := make([]indexEntry, len(req.GetSecondaryIndexes()))
	for i, e := range req.GetSecondaryIndexes() {
		entries[i] = indexEntry{e.GetIndexName(), e.GetSecondaryKey()}
	}
	slices.SortFunc(entries, indexEntry.compare)
	return slices.Compact(entries)
}

// lookup reads the record at a.key, as the operations before this one left it; nil if
// there is none. It comes without its value: an operation needs the rest alone.
func (a *applier) lookup() (*record, error) {
	var found *record
	_, err := withRecord(a.batch, a.shard, a.state.order, a.key, func(r record) {
		r.value = nil
		found = &r
	})
	return found, err
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
func meets(expected *int64, r *record) bool {
	switch {
	case expected == nil:
		return true
	case r == nil:
		return *expected == NoVersion
	}
	return *expected == r.versionID
}

func recordCorruption(shard ShardID, key string, err error) error {
	return &CorruptionError{Shard: shard, Row: fmt.Sprintf("record %q", key), Detail: err.Error()}
}
