package clienttest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Shard is the state of one shard, as if all replicas always agreed. The cluster's
// mutex guards it.
type Shard struct {
	id    int64
	order keyspace.Order
	// Hashes are what the shard holds, and Leader who serves it.
	Hashes keyspace.HashRange
	Leader string
	// Records are by key. The next one gets the version id Next.
	Records map[string]*Record
	Next    int64
	offset  int64
	log     []*api.NotificationBatch
	// Trimmed: notifications up to here are gone.
	Trimmed int64
	// sessions are by id; of each, the client's identity.
	sessions map[int64]string
	answers  map[string]*api.WriteOnceResponse
	results  map[string]*api.TransactionResponse
	// Applied counts the requests to write.
	Applied int
}

// Record is a record.
type Record struct {
	value   []byte
	version *api.Version
	indexes []*api.SecondaryIndex
}

// NewShard returns a shard without records.
func NewShard(id int64, hashes keyspace.HashRange, order keyspace.Order, leader string) *Shard {
	return &Shard{
		id: id, Hashes: hashes, order: order, Leader: leader, Records: map[string]*Record{},
		sessions: map[int64]string{}, answers: map[string]*api.WriteOnceResponse{}, results: map[string]*api.TransactionResponse{},
	}
}

// apply carries a write out.
func (s *Shard) apply(req *api.WriteRequest) *api.WriteResponse {
	s.offset++
	s.Applied++
	batch := &api.NotificationBatch{Shard: s.id, Offset: s.offset, Timestamp: 1000}
	res := &api.WriteResponse{}
	for _, put := range req.GetPuts() {
		res.Puts = append(res.Puts, s.put(put, batch))
	}
	for _, del := range req.GetDeletes() {
		res.Deletes = append(res.Deletes, &api.DeleteResponse{Status: s.delete(del, batch)})
	}
	for _, rng := range req.GetDeleteRanges() {
		for _, key := range s.keys(rng.GetStartInclusive(), rng.GetEndExclusive()) {
			delete(s.Records, key)
		}
		end := rng.GetEndExclusive()
		s.note(batch, rng.GetStartInclusive(), &api.Notification{Type: api.NotificationType_KEY_RANGE_DELETED, KeyRangeLast: &end})
		res.DeleteRanges = append(res.DeleteRanges, &api.DeleteRangeResponse{})
	}
	s.log = append(s.log, batch)
	return res
}

func (s *Shard) note(batch *api.NotificationBatch, key string, n *api.Notification) {
	batch.Notifications = append(batch.Notifications, &api.NotificationEntry{Key: &key, Value: n})
}

func (s *Shard) put(put *api.PutRequest, batch *api.NotificationBatch) *api.PutResponse {
	key := put.GetKey()
	if put.SessionId != nil && s.sessions[put.GetSessionId()] == "" {
		return &api.PutResponse{Status: api.Status_SESSION_DOES_NOT_EXIST}
	}
	if deltas := put.GetSequenceKeyDelta(); len(deltas) > 0 {
		key = s.sequence(key, deltas)
	}
	old := s.Records[key]
	if !expects(put.ExpectedVersionId, old) {
		return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}
	}
	r := &Record{value: put.GetValue(), indexes: put.GetSecondaryIndexes(), version: &api.Version{
		VersionId: s.Next, CreatedTimestamp: 1000, ModifiedTimestamp: 1000, SessionId: put.SessionId, ClientIdentity: put.ClientIdentity,
	}}
	s.Next++
	kind := api.NotificationType_KEY_CREATED
	if old != nil {
		r.version.ModificationsCount = old.version.GetModificationsCount() + 1
		kind = api.NotificationType_KEY_MODIFIED
	}
	if put.OverrideVersionId != nil {
		r.version.VersionId, r.version.ModificationsCount = put.GetOverrideVersionId(), put.GetOverrideModificationsCount()
	}
	s.Records[key] = r
	s.note(batch, key, &api.Notification{Type: kind, VersionId: &r.version.VersionId})
	res := &api.PutResponse{Version: r.version}
	if key != put.GetKey() {
		res.Key = &key
	}
	return res
}

func expects(expected *int64, r *Record) bool {
	switch {
	case expected == nil:
		return true
	case r == nil:
		return *expected == api.NoVersion
	}
	return *expected == r.version.GetVersionId()
}

// sequence returns the next key of a sequence.
func (s *Shard) sequence(prefix string, deltas []uint64) string {
	last := make([]uint64, len(deltas))
	for _, key := range s.keys("", "") {
		if rest, is := strings.CutPrefix(key, prefix+"-"); is {
			for i, part := range strings.Split(rest, "-") {
				_, _ = fmt.Sscanf(part, "%d", &last[i])
			}
		}
	}
	key := prefix
	for i, delta := range deltas {
		key += fmt.Sprintf("-%020d", last[i]+delta)
	}
	return key
}

func (s *Shard) delete(del *api.DeleteRequest, batch *api.NotificationBatch) api.Status {
	old := s.Records[del.GetKey()]
	switch {
	case old == nil:
		return api.Status_KEY_NOT_FOUND
	case !expects(del.ExpectedVersionId, old):
		return api.Status_UNEXPECTED_VERSION_ID
	}
	delete(s.Records, del.GetKey())
	s.note(batch, del.GetKey(), &api.Notification{Type: api.NotificationType_KEY_DELETED})
	return api.Status_OK
}

// EndSession deletes a session and its records.
func (s *Shard) EndSession(id int64) {
	delete(s.sessions, id)
	s.offset++
	batch := &api.NotificationBatch{Shard: s.id, Offset: s.offset}
	for key, r := range s.Records {
		if r.version.SessionId != nil && r.version.GetSessionId() == id {
			s.delete(&api.DeleteRequest{Key: key}, batch)
		}
	}
	s.log = append(s.log, batch)
}

// keys returns the keys of a range, sorted.
func (s *Shard) keys(start, end string) []string {
	var keys []string
	for key := range s.Records {
		if s.order.Compare(key, start) >= 0 && (end == "" || s.order.Compare(key, end) < 0) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, s.order.Compare)
	return keys
}

// rows returns the answers of a range scan: by key, or by an index.
func (s *Shard) rows(start, end string, index *string) []*api.GetResponse {
	var rows []*api.GetResponse
	if index == nil {
		for _, key := range s.keys(start, end) {
			rows = append(rows, s.row(key, nil))
		}
		return rows
	}
	for _, key := range s.keys("", "") {
		for _, entry := range s.Records[key].indexes {
			secondary := entry.GetSecondaryKey()
			if entry.GetIndexName() == *index && s.order.Compare(secondary, start) >= 0 &&
				(end == "" || s.order.Compare(secondary, end) < 0) {
				rows = append(rows, s.row(key, &secondary))
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b *api.GetResponse) int {
		return s.order.Compare(a.GetSecondaryIndexKey(), b.GetSecondaryIndexKey())
	})
	return rows
}

func (s *Shard) row(key string, secondary *string) *api.GetResponse {
	r := s.Records[key]
	return &api.GetResponse{Version: r.version, Value: bytes.Clone(r.value), Key: &key, SecondaryIndexKey: secondary}
}

// get answers a question.
func (s *Shard) get(get *api.GetRequest) *api.GetResponse {
	rows := s.rows("", "", get.SecondaryIndexName)
	keyOf := func(r *api.GetResponse) string {
		if get.SecondaryIndexName != nil {
			return r.GetSecondaryIndexKey()
		}
		return r.GetKey()
	}
	var found *api.GetResponse
	for _, r := range rows {
		by := s.order.Compare(keyOf(r), get.GetKey())
		switch get.GetComparisonType() {
		case api.KeyComparisonType_EQUAL:
			if by == 0 && found == nil {
				found = r
			}
		case api.KeyComparisonType_FLOOR:
			if by <= 0 {
				found = r
			}
		case api.KeyComparisonType_LOWER:
			if by < 0 {
				found = r
			}
		case api.KeyComparisonType_CEILING:
			if by >= 0 && found == nil {
				found = r
			}
		case api.KeyComparisonType_HIGHER:
			if by > 0 && found == nil {
				found = r
			}
		}
	}
	if found == nil {
		return &api.GetResponse{Status: api.Status_KEY_NOT_FOUND}
	}
	if !get.GetIncludeValue() {
		found.Value = nil
	} else if found.Value == nil {
		found.Value = []byte{}
	}
	if get.GetComparisonType() == api.KeyComparisonType_EQUAL && get.SecondaryIndexName == nil {
		found.Key = nil
	}
	return found
}

// transact carries a transaction out.
func (s *Shard) transact(req *api.TransactionRequest) *api.TransactionResponse {
	for i, condition := range req.GetConditions() {
		if !s.holds(condition) {
			at := uint32(i)
			res := &api.TransactionResponse{
				Status: api.TransactionResponse_CONDITION_FAILED, FailedCondition: &at, FailedRecord: &api.TransactionRecord{},
			}
			if r := s.Records[condition.GetKey()]; r != nil {
				res.FailedRecord.Version = r.version
				if condition.GetIncludeValue() {
					res.FailedRecord.Value = r.value
				}
			}
			return res
		}
	}
	s.offset++
	batch := &api.NotificationBatch{Shard: s.id, Offset: s.offset}
	res := &api.TransactionResponse{Status: api.TransactionResponse_COMMITTED}
	for _, operation := range req.GetOperations() {
		res.Results = append(res.Results, s.step(operation, batch))
	}
	s.log = append(s.log, batch)
	return res
}

func (s *Shard) holds(condition *api.TransactionCondition) bool {
	r := s.Records[condition.GetKey()]
	switch e := condition.GetExpectation().(type) {
	case *api.TransactionCondition_VersionId:
		return expects(&e.VersionId, r)
	case *api.TransactionCondition_Exists:
		return e.Exists == (r != nil)
	case *api.TransactionCondition_Value:
		return r != nil && bytes.Equal(e.Value, r.value)
	}
	return false
}

func (s *Shard) step(operation *api.TransactionOperation, batch *api.NotificationBatch) *api.TransactionRecord {
	switch op := operation.GetOperation().(type) {
	case *api.TransactionOperation_Get:
		if r := s.Records[op.Get.GetKey()]; r != nil {
			return &api.TransactionRecord{Version: r.version, Value: r.value}
		}
	case *api.TransactionOperation_Put:
		res := s.put(&api.PutRequest{Key: op.Put.GetKey(), Value: op.Put.GetValue(), ClientIdentity: op.Put.ClientIdentity}, batch)
		return &api.TransactionRecord{Version: res.GetVersion()}
	case *api.TransactionOperation_Append:
		var before []byte
		if r := s.Records[op.Append.GetKey()]; r != nil {
			before = r.value
		}
		res := s.put(&api.PutRequest{Key: op.Append.GetKey(), Value: slices.Concat(before, op.Append.GetValue())}, batch)
		return &api.TransactionRecord{Version: res.GetVersion()}
	case *api.TransactionOperation_Delete:
		old := s.Records[op.Delete.GetKey()]
		s.delete(&api.DeleteRequest{Key: op.Delete.GetKey()}, batch)
		if old != nil {
			return &api.TransactionRecord{Version: old.version}
		}
	}
	return &api.TransactionRecord{}
}

// onceKey is the name of a request as a key.
func onceKey(name *api.RequestName) string {
	return fmt.Sprintf("%x/%d", name.GetClient(), name.GetSequence())
}

// once applies a named write, or returns its answer.
func (s *Shard) once(req *api.WriteOnceRequest) *api.WriteOnceResponse {
	key := onceKey(req.GetName())
	if known := s.answers[key]; known != nil {
		again := proto.CloneOf(known)
		again.Repeated = true
		return again
	}
	s.answers[key] = &api.WriteOnceResponse{Write: s.apply(req.GetWrite())}
	return s.answers[key]
}
