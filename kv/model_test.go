package kv

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// The state machine against a map with a counter.
func TestStateMachineDoesWhatAMapDoes(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		m := &model{records: map[string]*modelRecord{}}
		m.order = rapid.SampledFrom([]keyspace.Order{keyspace.Hierarchical, keyspace.Natural}).Draw(t, "order")
		m.silent = rapid.IntRange(0, 4).Draw(t, "notifications") == 0
		mustApply(t, d.db, shard, []Entry{{
			ID: EntryID{Term: 1, Offset: 1}, Payload: mustBarrier(&api.ShardSettings{
				KeyOrder: api.KeyOrder(m.order), NotificationsDisabled: m.silent,
			}),
		}})
		steps := rapid.IntRange(1, 12).Draw(t, "steps")
		for i := range steps {
			now := rapid.Uint64Range(1000, 2000).Draw(t, "timestamp")
			entry := Entry{ID: EntryID{Term: 1, Offset: int64(i) + 2}, Timestamp: now}
			var req, want proto.Message
			before := maps.Clone(m.records)
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 6:
				entry.Payload = m.drawTrim(t, entry.ID.Offset)
			case 0, 1:
				transaction := transactionGenerator().Draw(t, "transaction")
				entry.Payload = mustTransaction(transaction)
				req, want = transaction, m.transact(transaction, now)
			case 2:
				entry.Payload = m.drawSession(t, entry.ID.Offset)
			default:
				write := writeGenerator().Draw(t, "write")
				entry.Payload = mustPayload(write)
				req, want = write, m.write(write, now)
			}
			result := mustApply(t, d.db, shard, []Entry{entry})[0]
			if got := responseOf(result); want != nil && !proto.Equal(got, want) {
				t.Fatalf("%v\ngot  %v\nwant %v", req, got, want)
			}
			m.checkSessions(t, d.db, shard, result)
			m.notify(entry, before)
			m.checkNotifications(t, d.db, shard, entry.ID.Offset)
			reads := m.everyRead()
			gotReads, err := d.db.Read(shard, reads)
			if err != nil {
				t.Fatal(err)
			}
			for j, get := range reads.GetGets() {
				if want := m.read(get); !proto.Equal(gotReads.GetGets()[j], want) {
					t.Fatalf("read %v\ngot  %v\nwant %v", get, gotReads.GetGets()[j], want)
				}
			}
			checkScan(t, d.db, shard, m)
			checkIndexScan(t, d.db, shard, m)
			checkRows(t, d.db, shard)
		}
	})
}

func responseOf(r Result) proto.Message {
	if r.Kind == KindTransaction {
		return r.Transaction
	}
	return r.Response
}

type modelRecord struct {
	value   []byte
	version *api.Version
	indexes []indexEntry
}

type model struct {
	order   keyspace.Order
	records map[string]*modelRecord
	next    int64
	modelNotifications
	// sessions are those that there are, ended those that the last entry ended.
	sessions, ended []int64
}

func (m *model) write(req *api.WriteRequest, now uint64) *api.WriteResponse {
	res := &api.WriteResponse{}
	for _, put := range req.GetPuts() {
		res.Puts = append(res.Puts, m.put(put, now))
	}
	for _, del := range req.GetDeletes() {
		answer := &api.DeleteResponse{}
		old := m.records[del.GetKey()]
		switch {
		case old == nil:
			answer.Status = api.Status_KEY_NOT_FOUND
		case del.ExpectedVersionId != nil && del.GetExpectedVersionId() != old.version.GetVersionId():
			answer.Status = api.Status_UNEXPECTED_VERSION_ID
		default:
			delete(m.records, del.GetKey())
			m.tell(del.GetKey(), api.NotificationType_KEY_DELETED)
		}
		res.Deletes = append(res.Deletes, answer)
	}
	for _, del := range req.GetDeleteRanges() {
		left := len(m.records)
		maps.DeleteFunc(m.records, func(key string, _ *modelRecord) bool {
			return m.inRange(key, del.GetStartInclusive(), del.GetEndExclusive())
		})
		if len(m.records) < left {
			m.tellRange(del.GetStartInclusive(), del.GetEndExclusive())
		}
		res.DeleteRanges = append(res.DeleteRanges, &api.DeleteRangeResponse{})
	}
	return res
}

func (m *model) put(put *api.PutRequest, now uint64) *api.PutResponse {
	key, res := put.GetKey(), &api.PutResponse{}
	if deltas := put.GetSequenceKeyDelta(); len(deltas) > 0 {
		if key = m.nextInSequence(key, deltas); key == "" {
			return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}
		}
		res.Key = &key
	}
	old := m.records[key]
	current := int64(NoVersion)
	if old != nil {
		current = old.version.GetVersionId()
	}
	if put.ExpectedVersionId != nil && put.GetExpectedVersionId() != current {
		return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}
	}
	if put.SessionId != nil && !slices.Contains(m.sessions, put.GetSessionId()) {
		return &api.PutResponse{Status: api.Status_SESSION_DOES_NOT_EXIST}
	}
	version := &api.Version{
		SessionId: put.SessionId,
		VersionId: m.next, CreatedTimestamp: now, ModifiedTimestamp: now, ClientIdentity: put.ClientIdentity,
	}
	if old != nil {
		version.ModificationsCount = old.version.GetModificationsCount() + 1
		version.CreatedTimestamp = old.version.GetCreatedTimestamp()
	}
	if put.OverrideVersionId != nil {
		version.VersionId = put.GetOverrideVersionId()
	}
	if put.OverrideModificationsCount != nil {
		version.ModificationsCount = put.GetOverrideModificationsCount()
	}
	m.next = max(m.next, version.GetVersionId()+1)
	m.records[key] = &modelRecord{value: put.GetValue(), version: version, indexes: modelIndexes(put)}
	if old == nil {
		m.tell(key, api.NotificationType_KEY_CREATED)
	} else {
		m.tell(key, api.NotificationType_KEY_MODIFIED)
	}
	res.Version = version
	return res
}

// everyRead asks for every key, and between and beyond them, in every way.
func (m *model) everyRead() *api.ReadRequest {
	req := &api.ReadRequest{}
	for _, key := range []string{"", "/", "a", "a/", "a/b", "a//", "a0", "b", "b\x00", "b\x00\x00", "c", "d", "é", "\U0010ffff"} {
		for number := range api.KeyComparisonType_name {
			req.Gets = append(req.Gets, &api.GetRequest{
				Key: key, ComparisonType: api.KeyComparisonType(number), IncludeValue: number%2 == 0,
			})
		}
	}
	return m.everyIndexRead(req)
}

func (m *model) read(get *api.GetRequest) *api.GetResponse {
	if get.GetSecondaryIndexName() != "" {
		return m.readIndex(get)
	}
	key, found := m.nearest(get.GetKey(), get.GetComparisonType())
	if !found {
		return &api.GetResponse{Status: api.Status_KEY_NOT_FOUND}
	}
	res := &api.GetResponse{Version: m.records[key].version}
	if get.GetIncludeValue() {
		res.Value = append([]byte{}, m.records[key].value...)
	}
	if get.GetComparisonType() != api.KeyComparisonType_EQUAL {
		res.Key = &key
	}
	return res
}

func (m *model) inRange(key, start, end string) bool {
	return m.order.Compare(key, start) >= 0 && (end == "" || m.order.Compare(key, end) < 0)
}

func (m *model) nearest(key string, comparison api.KeyComparisonType) (string, bool) {
	var candidates []string
	for candidate := range m.records {
		c := m.order.Compare(candidate, key)
		switch comparison {
		case api.KeyComparisonType_EQUAL:
			if c == 0 {
				candidates = append(candidates, candidate)
			}
		case api.KeyComparisonType_FLOOR, api.KeyComparisonType_LOWER:
			if c < 0 || (c == 0 && comparison == api.KeyComparisonType_FLOOR) {
				candidates = append(candidates, candidate)
			}
		default:
			if c > 0 || (c == 0 && comparison == api.KeyComparisonType_CEILING) {
				candidates = append(candidates, candidate)
			}
		}
	}
	if len(candidates) == 0 {
		return "", false
	}
	slices.SortFunc(candidates, m.order.Compare)
	if comparison == api.KeyComparisonType_FLOOR || comparison == api.KeyComparisonType_LOWER {
		return candidates[len(candidates)-1], true
	}
	return candidates[0], true
}

// putOf returns a write of one record.
func putOf(key, value string) *api.WriteRequest {
	return &api.WriteRequest{Puts: []*api.PutRequest{{Key: key, Value: []byte(value)}}}
}

func ExampleDB_Apply() {
	d := newDisk(panicking{})
	defer d.close(panicking{})
	results, err := d.db.Apply(1, []Entry{
		{ID: EntryID{Term: 1, Offset: 1}, Payload: BarrierPayload()},
		{ID: EntryID{Term: 1, Offset: 2}, Timestamp: 1000, Payload: mustPayload(putOf("greeting", "hello"))},
	})
	if err != nil {
		panic(err)
	}
	fmt.Print(describeResults(results))
	// Output:
	// 1.1 applied
	// 1.2 applied
	//   put: OK version=0 modifications=0 created=1000 modified=1000
}

// panicking is for examples, which have nobody to tell.
type panicking struct{}

func (panicking) Helper() {}

func (panicking) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
