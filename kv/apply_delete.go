package kv

import (
	"bytes"

	"github.com/ostraka-db/ostraka/api"
)

// delete removes one record, if there is one and its condition holds.
func (a *applier) delete(req *api.DeleteRequest) (*api.DeleteResponse, error) {
	a.key = appendRecordKey(a.key[:0], a.shard, a.state.order, req.GetKey())
	old, err := a.lookup()
	if err != nil {
		return nil, err
	}
	if old == nil {
		// Whatever was expected: a condition on a record that is not there is
		// answered by saying so.
		return &api.DeleteResponse{Status: api.Status_KEY_NOT_FOUND}, nil
	}
	if !meets(req.ExpectedVersionId, old) {
		return &api.DeleteResponse{Status: api.Status_UNEXPECTED_VERSION_ID}, nil
	}
	if err := a.change(req.GetKey(), a.key, old, nil); err != nil {
		return nil, err
	}
	return &api.DeleteResponse{Status: api.Status_OK}, nil
}

// deleteRange removes all records of a range, whatever their versions. A range
// that ends before it starts holds none.
func (a *applier) deleteRange(req *api.DeleteRangeRequest) (*api.DeleteRangeResponse, error) {
	a.key = appendRecordKey(a.key[:0], a.shard, a.state.order, req.GetStartInclusive())
	if req.GetEndExclusive() == "" {
		a.end = appendRecordsEnd(a.end[:0], a.shard)
	} else {
		a.end = appendRecordKey(a.end[:0], a.shard, a.state.order, req.GetEndExclusive())
	}
	if bytes.Compare(a.key, a.end) < 0 {
		any, err := a.clearRange(a.key, a.end)
		if err != nil {
			return nil, err
		}
		if any {
			a.deletedRange(req.GetStartInclusive(), req.GetEndExclusive())
		}
	}
	return &api.DeleteRangeResponse{Status: api.Status_OK}, nil
}
