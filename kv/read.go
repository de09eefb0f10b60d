package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Read looks records up. All answers come from one moment, no earlier than the
// call: whoever wants them no older than some entry calls when that is applied.
// There is one answer per question, in order, and the caller owns them.
//
// The error is a *RefusedError if a question cannot be answered by any state,
// a *ShardIDError, or storage's.
func (db *DB) Read(shard ShardID, req *api.ReadRequest) (*api.ReadResponse, error) {
	if shard < 0 {
		return nil, &ShardIDError{Shard: shard}
	}
	for i, get := range req.GetGets() {
		if refused := validateGet(get); refused != nil {
			return nil, refused.in("gets", i)
		}
	}
	snapshot := db.pebble.NewSnapshot()
	defer snapshot.Close()
	order, err := db.orderAt(snapshot, shard)
	if err != nil {
		return nil, err
	}
	r := lookups{shard: shard, order: order, from: snapshot}
	res := &api.ReadResponse{Gets: make([]*api.GetResponse, 0, len(req.GetGets()))}
	for _, get := range req.GetGets() {
		answer, err := r.get(get)
		if err != nil {
			return nil, fmt.Errorf("shard %d: read %q: %w", shard, get.GetKey(), damageOf(shard, err))
		}
		res.Gets = append(res.Gets, answer)
	}
	return res, nil
}

func validateGet(get *api.GetRequest) *RefusedError {
	switch get.GetComparisonType() {
	case api.KeyComparisonType_EQUAL, api.KeyComparisonType_FLOOR, api.KeyComparisonType_CEILING,
		api.KeyComparisonType_LOWER, api.KeyComparisonType_HIGHER:
		return nil
	}
	return refuse(Invalid, "comparison_type", fmt.Sprintf("is %d", get.GetComparisonType()),
		"send one of EQUAL, FLOOR, CEILING, LOWER, HIGHER")
}

// lookups answers the questions of one call of Read.
type lookups struct {
	shard ShardID
	order keyspace.Order
	from  pebble.Reader
}

func (r *lookups) get(req *api.GetRequest) (*api.GetResponse, error) {
	if req.GetSecondaryIndexName() != "" {
		return r.getByIndex(req)
	}
	row := appendRecordKey(nil, r.shard, r.order, req.GetKey())
	if req.GetComparisonType() == api.KeyComparisonType_EQUAL {
		return r.getEqual(row, req.GetIncludeValue())
	}
	return r.getNear(row, req.GetComparisonType(), req.GetIncludeValue())
}

func (r *lookups) getEqual(row []byte, includeValue bool) (*api.GetResponse, error) {
	stored, closer, err := r.from.Get(row)
	if errors.Is(err, pebble.ErrNotFound) {
		return &api.GetResponse{Status: api.Status_KEY_NOT_FOUND}, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return r.answer(row, stored, includeValue)
}

// getNear looks for the nearest key on one side. It walks the records span alone,
// so what else the shard holds costs it nothing.
func (r *lookups) getNear(row []byte, comparison api.KeyComparisonType, includeValue bool) (res *api.GetResponse, err error) {
	it, err := r.from.NewIter(&pebble.IterOptions{
		LowerBound: appendSpan(nil, r.shard, spanRecords),
		UpperBound: appendRecordsEnd(nil, r.shard),
	})
	if err != nil {
		return nil, err
	}
	// An iterator that came to no record may have failed: closing it tells.
	defer func() { err = errors.Join(err, it.Close()) }()

	if !seek(it, row, comparison) {
		return &api.GetResponse{Status: api.Status_KEY_NOT_FOUND}, nil
	}
	res, err = r.answer(it.Key(), it.Value(), includeValue)
	if err != nil {
		return nil, err
	}
	key := recordKeyOf(it.Key(), r.order)
	res.Key = &key
	return res, nil
}

// seek moves the iterator to the row that the comparison asks for. The row after
// any row is the row with a zero byte more.
func seek(it *pebble.Iterator, row []byte, comparison api.KeyComparisonType) bool {
	switch comparison {
	case api.KeyComparisonType_FLOOR:
		return it.SeekLT(append(row, 0))
	case api.KeyComparisonType_LOWER:
		return it.SeekLT(row)
	case api.KeyComparisonType_HIGHER:
		return it.SeekGE(append(row, 0))
	default: // CEILING: validateGet lets no other pass
		return it.SeekGE(row)
	}
}

func (r *lookups) answer(row, stored []byte, includeValue bool) (*api.GetResponse, error) {
	rec, err := decodeRecord(stored)
	if err != nil {
		return nil, recordCorruption(r.shard, recordKeyOf(row, r.order), err)
	}
	return answerOf(&rec, includeValue), nil
}

// answerOf returns what a reader is told of a record, without its key.
func answerOf(r *record, includeValue bool) *api.GetResponse {
	res := &api.GetResponse{Status: api.Status_OK, Version: r.version()}
	if includeValue {
		// A copy, and not nil: an empty value is a value.
		res.Value = append([]byte{}, r.value...)
	}
	return res
}
