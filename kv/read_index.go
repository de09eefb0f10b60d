package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
)

// getByIndex looks for a record by a secondary key. Where several records have the key
// that is found, it is the first of them, but for what is nearest below a key: that is
// the last record of the nearest secondary key.
func (r *lookups) getByIndex(req *api.GetRequest) (res *api.GetResponse, err error) {
	asked := indexEntry{req.GetSecondaryIndexName(), req.GetKey()}
	it, err := r.from.NewIter(&pebble.IterOptions{
		LowerBound: appendIndexStart(nil, r.shard, asked.index),
		UpperBound: appendIndexStop(nil, r.shard, asked.index),
	})
	if err != nil {
		return nil, err
	}
	// An iterator that came to no row may have failed: closing it tells.
	defer func() { err = errors.Join(err, it.Close()) }()

	at, err := r.seekIndex(it, asked, req.GetComparisonType())
	if err != nil {
		return nil, err
	}
	if at == nil {
		return &api.GetResponse{Status: api.Status_KEY_NOT_FOUND}, nil
	}
	_, err = withRecord(r.from, r.shard, r.order, appendRecordKey(nil, r.shard, r.order, at.record), func(rec record) {
		res = answerOf(&rec, req.GetIncludeValue())
	})
	if err == nil && res == nil {
		err = missingRecord(r.shard, at)
	}
	if err != nil {
		return nil, err
	}
	res.Key, res.SecondaryIndexKey = &at.record, &at.entry.key
	return res, nil
}

// seekIndex returns the row that the comparison asks for; nil if there is none.
func (r *lookups) seekIndex(it *pebble.Iterator, asked indexEntry, comparison api.KeyComparisonType) (*indexRow, error) {
	bound := appendIndexBound(nil, r.shard, r.order, asked)
	read := func(valid bool) (*indexRow, error) {
		if !valid {
			return nil, it.Error()
		}
		return indexRowOf(r.shard, it.Key(), r.order)
	}
	switch comparison {
	case api.KeyComparisonType_LOWER:
		return read(it.SeekLT(bound))
	case api.KeyComparisonType_HIGHER:
		return read(it.SeekGE(append(bound, 0, indexAfter)))
	case api.KeyComparisonType_CEILING:
		return read(it.SeekGE(bound))
	}
	// EQUAL or FLOOR: validateGet lets no other pass.
	at, err := read(it.SeekGE(bound))
	if err != nil || (at != nil && at.entry.key == asked.key) {
		return at, err
	}
	if comparison == api.KeyComparisonType_FLOOR {
		return read(it.SeekLT(bound))
	}
	return nil, nil
}

// missingRecord is a row in an index whose record is not there.
func missingRecord(shard ShardID, at *indexRow) error {
	return &CorruptionError{
		Shard: shard, Row: fmt.Sprintf("entry %q of index %q", at.entry.key, at.entry.index),
		Detail: fmt.Sprintf("there is no record %q", at.record),
	}
}
