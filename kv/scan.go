package kv

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// ErrScanGone is the answer of a scan whose shard was replaced or deleted since it
// began. Whoever wants the range begins another.
var ErrScanGone = errors.New("the shard was replaced or deleted while it was scanned")

// Scan walks the records of a range, in their order, at one moment: that of the call
// that made it. Between calls it pins files of that moment, and no memory once what was
// in memory then was flushed; how many are open at a time is their owner's to bound,
// and how long. It belongs to one goroutine at a time. It is closed before the database
// is, also after an error.
type Scan struct{ walk }

// List is a Scan of keys alone.
type List struct{ walk }

// Scan begins to walk a range of records, from start_inclusive, in the order of the
// shard's keys, to end_exclusive, or to the last record if that is empty. It walks a
// moment no earlier than the call. With the name of a secondary index, the range is one
// of its secondary keys, in the same order; records of one secondary key come in the
// order of their own, and a record comes as often as it is in the range. The shard has no records of its own, so
// include_internal_keys shows none: sessions, indexes and the like are rows of other
// kinds.
//
// The error is a *RefusedError if no state has such a range, a *ShardIDError, or
// storage's.
func (db *DB) Scan(shard ShardID, req *api.RangeScanRequest) (*Scan, error) {
	w, err := db.beginWalk(shard, req)
	if err != nil {
		return nil, err
	}
	return &Scan{w}, nil
}

// List begins to walk the keys of a range. It does with keys what Scan does with
// records.
func (db *DB) List(shard ShardID, req *api.ListRequest) (*List, error) {
	w, err := db.beginWalk(shard, req)
	if err != nil {
		return nil, err
	}
	w.keysOnly = true
	return &List{w}, nil
}

// Next returns the records that follow those of the call before, each with its key and
// its value, and whether there are no more. It returns at least one if there is one,
// and ends before the first that would be one more than maxRecords, or would make keys
// and values more than maxBytes. The caller owns them.
//
// The error is ErrScanGone or storage's; the scan is then over.
func (s *Scan) Next(maxRecords, maxBytes int) (records []*api.GetResponse, done bool, err error) {
	room := maxBytes
	done, err = s.each(func(at *place) (bool, error) {
		room -= len(at.key) + len(at.secondary) + len(at.record.value)
		if len(records) > 0 && (room < 0 || len(records) >= maxRecords) {
			return false, nil
		}
		res := answerOf(&at.record, true)
		res.Key = &at.key
		if s.index != "" {
			res.SecondaryIndexKey = &at.secondary
		}
		records = append(records, res)
		return true, nil
	})
	return records, done, err
}

// Next returns the keys that follow those of the call before, and whether there are no
// more. It has the limits of Scan.Next.
func (l *List) Next(maxKeys, maxBytes int) (keys []string, done bool, err error) {
	room := maxBytes
	done, err = l.each(func(at *place) (bool, error) {
		room -= len(at.key)
		if len(keys) > 0 && (room < 0 || len(keys) >= maxKeys) {
			return false, nil
		}
		keys = append(keys, at.key)
		return true, nil
	})
	return keys, done, err
}

// rangeRequest is what a ListRequest and a RangeScanRequest have in common.
type rangeRequest interface {
	GetStartInclusive() string
	GetEndExclusive() string
	GetSecondaryIndexName() string
}

func validateRange(req rangeRequest) *RefusedError {
	if refused := checkText("start_inclusive", req.GetStartInclusive(), MaxKeyBytes); refused != nil {
		return refused
	}
	if refused := checkText("end_exclusive", req.GetEndExclusive(), MaxKeyBytes); refused != nil {
		return refused
	}
	return nil
}

// walk is a range of rows at one moment, of which those before next were seen. It opens
// an iterator for each call and none in between: an iterator pins what was in memory
// when it was made, as long as it is open.
type walk struct {
	db    *DB
	shard ShardID
	order keyspace.Order
	// index is the secondary index whose rows are walked; empty for the records.
	index string
	// keysOnly says that nothing is wanted of the records.
	keysOnly bool
	// replaced is how often the shard had been replaced when the walk began.
	replaced uint64
	snapshot *pebble.EventuallyFileOnlySnapshot
	// next is where to go on, and end where to stop, exclusive.
	next, end []byte
	done      bool
	closed    bool
}

// place is one step of a walk. It is valid until the next.
type place struct {
	key string
	// secondary is the secondary key in the index that is walked.
	secondary string
	// record is empty in a walk of keys alone.
	record record
}

func (db *DB) beginWalk(shard ShardID, req rangeRequest) (w walk, err error) {
	if shard < 0 {
		return walk{}, &ShardIDError{Shard: shard}
	}
	if refused := validateRange(req); refused != nil {
		return walk{}, refused
	}
	start, end := shardBounds(shard)
	w = walk{db: db, shard: shard, replaced: db.replaced.count(shard)}
	w.snapshot = db.pebble.NewEventuallyFileOnlySnapshot([]pebble.KeyRange{{Start: start, End: end}})
	if w.order, err = db.orderAt(w.snapshot, shard); err != nil {
		_ = w.snapshot.Close() // never fails: it only lets go
		return walk{}, w.failed(err)
	}
	w.setBounds(req)
	return w, nil
}

func (w *walk) setBounds(req rangeRequest) {
	start, end := req.GetStartInclusive(), req.GetEndExclusive()
	w.index = req.GetSecondaryIndexName()
	switch {
	case w.index == "":
		w.next, w.end = recordBounds(w.shard, w.order, start, end)
	case end == "":
		w.next = appendIndexBound(nil, w.shard, w.order, indexEntry{w.index, start})
		w.end = appendIndexStop(nil, w.shard, w.index)
	default:
		w.next = appendIndexBound(nil, w.shard, w.order, indexEntry{w.index, start})
		w.end = appendIndexBound(nil, w.shard, w.order, indexEntry{w.index, end})
	}
}

// Close lets go of what is pinned. It may be called more than once.
func (w *walk) Close() {
	if !w.closed {
		w.closed = true
		_ = w.snapshot.Close() // never fails: it only lets go
	}
}

// each calls take with what follows, until it does not take one, which then comes first
// in the next call, or until there is no more, which it reports.
func (w *walk) each(take func(*place) (bool, error)) (done bool, err error) {
	if w.done || w.closed {
		return true, nil
	}
	defer func() {
		if err != nil {
			w.done, err = true, w.failed(err)
		}
	}()
	if w.db.replaced.count(w.shard) != w.replaced {
		return false, ErrScanGone
	}
	if bytes.Compare(w.next, w.end) >= 0 {
		w.done = true
		return true, nil
	}
	it, err := w.snapshot.NewIter(&pebble.IterOptions{LowerBound: w.next, UpperBound: w.end})
	if err != nil {
		return false, err
	}
	// An iterator that came to no row may have failed: closing it tells.
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		at, err := w.placeOf(it)
		if err != nil {
			return false, err
		}
		took, err := take(&at)
		if err != nil {
			return false, err
		}
		if !took {
			w.next = append(w.next[:0], it.Key()...)
			return false, nil
		}
	}
	w.done = it.Error() == nil
	return true, nil
}

// placeOf reads the iterator's row, and the record where it is wanted.
func (w *walk) placeOf(it *pebble.Iterator) (at place, err error) {
	if w.index != "" {
		return w.indexPlaceOf(it.Key())
	}
	at.key = recordKeyOf(it.Key(), w.order)
	if w.keysOnly {
		return at, nil
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return place{}, err
	}
	if at.record, err = decodeRecord(value); err != nil {
		return place{}, recordCorruption(w.shard, at.key, err)
	}
	return at, nil
}

func (w *walk) indexPlaceOf(row []byte) (at place, err error) {
	from, err := indexRowOf(w.shard, row, w.order)
	if err != nil {
		return place{}, err
	}
	at.key, at.secondary = from.record, from.entry.key
	if w.keysOnly {
		return at, nil
	}
	found, err := withRecord(w.snapshot, w.shard, w.order, appendRecordKey(nil, w.shard, w.order, at.key), func(r record) {
		at.record = r
		at.record.value = bytes.Clone(r.value)
	})
	if err == nil && !found {
		err = missingRecord(w.shard, from)
	}
	return at, err
}

func (w *walk) failed(err error) error {
	return fmt.Errorf("shard %d: scan: %w", w.shard, damageOf(w.shard, err))
}
