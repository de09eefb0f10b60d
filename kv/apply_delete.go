package kv

import (
	"bytes"
	"fmt"

	"github.com/ostraka-db/ostraka/api"
)

// delete removes one record, if there is one and its condition holds.
func (a *applier) delete(req *api.DeleteRequest) (*api.DeleteResponse, error) {
	a.key = appendRecordKey(a.key[:0], a.shard, a.order, req.GetKey())
	old, found, err := a.lookup()
	if err != nil {
		return nil, err
	}
	if !found {
		// Whatever was expected: a condition on a record that is not there is
		// answered by saying so.
		return &api.DeleteResponse{Status: api.Status_KEY_NOT_FOUND}, nil
	}
	if !meets(req.ExpectedVersionId, old, found) {
		return &api.DeleteResponse{Status: api.Status_UNEXPECTED_VERSION_ID}, nil
	}
	if err := a.unset(a.key); err != nil {
		return nil, err
	}
	return &api.DeleteResponse{Status: api.Status_OK}, nil
}

// deleteRange removes all records of a range, whatever their versions. A range
// that ends before it starts holds none.
func (a *applier) deleteRange(req *api.DeleteRangeRequest) (*api.DeleteRangeResponse, error) {
	a.key = appendRecordKey(a.key[:0], a.shard, a.order, req.GetStartInclusive())
	if req.GetEndExclusive() == "" {
		a.end = appendRecordsEnd(a.end[:0], a.shard)
	} else {
		a.end = appendRecordKey(a.end[:0], a.shard, a.order, req.GetEndExclusive())
	}
	if bytes.Compare(a.key, a.end) < 0 {
		if err := a.batch.DeleteRange(a.key, a.end, nil); err != nil {
			return nil, fmt.Errorf("delete range: %w", err)
		}
		a.digester.add(mutationDeleteRange, a.key[shardBytes:], a.end[shardBytes:])
	}
	return &api.DeleteRangeResponse{Status: api.Status_OK}, nil
}
