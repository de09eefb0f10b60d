package kv

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Limits that a transaction meets while it is applied, since no more than the
// state then tells how long values are. They are rules of the entry's kind, frozen
// with it: to change one takes another kind or format version.
const (
	// MaxAppendedValueBytes bounds the value that an append makes.
	MaxAppendedValueBytes = 16 << 20
	// MaxTransactionBytes bounds the values of a transaction taken together: those
	// that it returns, puts and appends, and once for each record the value that
	// stood before what it appends. It bounds the answer, the batch, and the memory
	// that applying takes.
	MaxTransactionBytes = 32 << 20
)

// ReadsOnly reports whether a transaction changes nothing, whatever comes of it,
// so that ReadTransaction can answer it and no entry is needed.
func ReadsOnly(req *api.TransactionRequest) bool { return firstWrite(req) < 0 }

// firstWrite returns the place of the first operation that writes, or -1.
func firstWrite(req *api.TransactionRequest) int {
	for i, op := range req.GetOperations() {
		switch op.GetOperation().(type) {
		case *api.TransactionOperation_Put, *api.TransactionOperation_Delete, *api.TransactionOperation_Append:
			return i
		}
	}
	return -1
}

// transaction carries one transaction out on a state that stays as it is: what
// the transaction changes is staged beside it, each row once, and belongs to
// nobody else until the transaction has committed. Nothing needs to be undone
// therefore, and a record that is appended to a thousand times is written once.
type transaction struct {
	shard     ShardID
	order     keyspace.Order
	from      pebble.Reader
	timestamp uint64
	// partition is the transaction's partition key, or nil.
	partition *string
	// nextVersion is the version id of the next put or append.
	nextVersion int64
	// room is what is left of MaxTransactionBytes.
	room int
	// staged are the records that the transaction has changed, by key, and changes
	// the same in the order in which it first changed them.
	staged  map[string]*stagedRecord
	changes []*stagedRecord
}

// stagedRecord is a record as the transaction leaves it. It owns its value.
type stagedRecord struct {
	key string
	row []byte
	// stored is the record that the state has at the row, without its value; nil if it
	// has none.
	stored *record
	// exists says that there is a record now.
	exists bool
	record record
}

func newTransaction(shard ShardID, order keyspace.Order, from pebble.Reader) *transaction {
	return &transaction{
		shard: shard, order: order, from: from,
		room: MaxTransactionBytes, staged: map[string]*stagedRecord{},
	}
}

// run looks at the conditions and carries the operations out. The error is
// storage's. The request says what to expect and what to do everywhere (see
// incomplete).
func (t *transaction) run(req *api.TransactionRequest) (*api.TransactionResponse, error) {
	t.partition = req.PartitionKey
	for i, condition := range req.GetConditions() {
		holds, seen, err := t.holds(condition)
		if err != nil {
			return nil, err
		}
		if !holds {
			place := uint32(i)
			return &api.TransactionResponse{
				Status: api.TransactionResponse_CONDITION_FAILED, FailedCondition: &place, FailedRecord: seen,
			}, nil
		}
	}
	res := &api.TransactionResponse{Status: api.TransactionResponse_COMMITTED}
	for i, operation := range req.GetOperations() {
		result, status, err := t.do(operation)
		if err != nil {
			return nil, err
		}
		if status != api.TransactionResponse_COMMITTED {
			place := uint32(i)
			return &api.TransactionResponse{Status: status, FailedOperation: &place}, nil
		}
		res.Results = append(res.Results, result)
	}
	return res, nil
}

// holds reports whether a condition holds, and otherwise what it was held against.
func (t *transaction) holds(condition *api.TransactionCondition) (bool, *api.TransactionRecord, error) {
	holds, seen := fulfils(condition, record{}, false), &api.TransactionRecord{}
	err := t.look(condition.GetKey(), func(r record) {
		holds = fulfils(condition, r, true)
		seen.Version = r.version()
		if !holds && condition.GetIncludeValue() {
			seen.Value = append([]byte{}, r.value...)
		}
	})
	return holds, seen, err
}

// fulfils reports whether a record, or its absence, is what a condition expects.
func fulfils(condition *api.TransactionCondition, r record, exists bool) bool {
	switch expected := condition.GetExpectation().(type) {
	case *api.TransactionCondition_VersionId:
		if !exists {
			return meets(&expected.VersionId, nil)
		}
		return meets(&expected.VersionId, &r)
	case *api.TransactionCondition_Exists:
		return expected.Exists == exists
	case *api.TransactionCondition_Value:
		return exists && bytes.Equal(expected.Value, r.value)
	}
	return false
}

// do carries one operation out. A status other than COMMITTED ends the transaction.
func (t *transaction) do(operation *api.TransactionOperation) (*api.TransactionRecord, api.TransactionResponse_Status, error) {
	switch op := operation.GetOperation().(type) {
	case *api.TransactionOperation_Get:
		return t.get(op.Get)
	case *api.TransactionOperation_Put:
		return t.put(op.Put)
	case *api.TransactionOperation_Delete:
		return t.delete(op.Delete)
	default: // an append: incomplete lets nothing else pass
		return t.append(operation.GetAppend())
	}
}

func (t *transaction) get(req *api.TransactionGet) (*api.TransactionRecord, api.TransactionResponse_Status, error) {
	found, fits := &api.TransactionRecord{}, true
	err := t.look(req.GetKey(), func(r record) {
		found.Version = r.version()
		if !req.GetIncludeValue() {
			return
		}
		if fits = t.spend(len(r.value)); fits {
			// A copy, and not nil: an empty value is a value.
			found.Value = append([]byte{}, r.value...)
		}
	})
	if !fits {
		return nil, api.TransactionResponse_TRANSACTION_TOO_LARGE, err
	}
	return found, api.TransactionResponse_COMMITTED, err
}

func (t *transaction) put(req *api.TransactionPut) (*api.TransactionRecord, api.TransactionResponse_Status, error) {
	if !t.spend(len(req.GetValue())) {
		return nil, api.TransactionResponse_TRANSACTION_TOO_LARGE, nil
	}
	s, err := t.stage(req.GetKey(), false)
	if err != nil {
		return nil, 0, err
	}
	return t.write(s, req.GetKey(), req.GetValue(), req.ClientIdentity), api.TransactionResponse_COMMITTED, nil
}

func (t *transaction) append(req *api.TransactionAppend) (*api.TransactionRecord, api.TransactionResponse_Status, error) {
	_, known := t.staged[req.GetKey()]
	s, err := t.stage(req.GetKey(), true)
	if err != nil {
		return nil, 0, err
	}
	before, added := len(s.record.value), len(req.GetValue())
	if added > MaxAppendedValueBytes-before {
		return nil, api.TransactionResponse_VALUE_TOO_LARGE, nil
	}
	cost := added
	if !known {
		cost += before
	}
	if !t.spend(cost) {
		return nil, api.TransactionResponse_TRANSACTION_TOO_LARGE, nil
	}
	value := append(s.record.value, req.GetValue()...)
	return t.write(s, req.GetKey(), value, req.ClientIdentity), api.TransactionResponse_COMMITTED, nil
}

func (t *transaction) delete(req *api.TransactionDelete) (*api.TransactionRecord, api.TransactionResponse_Status, error) {
	s, err := t.stage(req.GetKey(), false)
	if err != nil {
		return nil, 0, err
	}
	deleted := &api.TransactionRecord{}
	if s.exists {
		deleted.Version = s.record.version()
	}
	s.exists, s.record = false, record{}
	return deleted, api.TransactionResponse_COMMITTED, nil
}

// write gives a staged record a new value, which it owns from then on.
func (t *transaction) write(s *stagedRecord, key string, value []byte, identity *string) *api.TransactionRecord {
	route := key
	if t.partition != nil {
		route = *t.partition
	}
	r := record{
		versionID: t.nextVersion,
		created:   t.timestamp,
		modified:  t.timestamp,
		hash:      keyspace.Hash(route),
		identity:  identity,
		value:     value,
	}
	if s.exists {
		r.succeed(&s.record)
	}
	s.exists, s.record = true, r
	t.nextVersion++
	return &api.TransactionRecord{Version: r.version()}
}

// look calls do with a record as the operations before this one left it, if there
// is one. The record's value is valid until do returns.
func (t *transaction) look(key string, do func(record)) error {
	if s, changed := t.staged[key]; changed {
		if s.exists {
			do(s.record)
		}
		return nil
	}
	_, err := withRecord(t.from, t.shard, t.order, appendRecordKey(nil, t.shard, t.order, key), do)
	return err
}

// stage returns a record that is about to be changed, as the operations before
// this one left it. A record that is staged for the first time comes with its
// value only if that is wanted.
func (t *transaction) stage(key string, withValue bool) (*stagedRecord, error) {
	if s, changed := t.staged[key]; changed {
		return s, nil
	}
	s := &stagedRecord{key: key, row: appendRecordKey(nil, t.shard, t.order, key)}
	stored, err := withRecord(t.from, t.shard, t.order, s.row, func(r record) {
		value := r.value
		r.value = nil
		s.record, s.stored = r, &r
		if withValue {
			s.record.value = bytes.Clone(value)
		}
	})
	if err != nil {
		return nil, err
	}
	s.exists = stored
	t.staged[key] = s
	t.changes = append(t.changes, s)
	return s, nil
}

// spend takes bytes from the transaction's room, if they fit.
func (t *transaction) spend(bytes int) bool {
	if bytes > t.room {
		return false
	}
	t.room -= bytes
	return true
}
