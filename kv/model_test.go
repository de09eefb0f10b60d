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
		steps := rapid.IntRange(1, 12).Draw(t, "steps")
		for i := range steps {
			now := rapid.Uint64Range(1000, 2000).Draw(t, "timestamp")
			entry := Entry{ID: EntryID{Term: 1, Offset: int64(i) + 1}, Timestamp: now}
			var req, want proto.Message
			if rapid.Bool().Draw(t, "transaction") {
				transaction := transactionGenerator().Draw(t, "transaction")
				entry.Payload = mustTransaction(transaction)
				req, want = transaction, m.transact(transaction, now)
			} else {
				write := writeGenerator().Draw(t, "write")
				entry.Payload = mustPayload(write)
				req, want = write, m.write(write, now)
			}
			if got := responseOf(mustApply(t, d.db, shard, []Entry{entry})[0]); !proto.Equal(got, want) {
				t.Fatalf("%v\ngot  %v\nwant %v", req, got, want)
			}
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
}

type model struct {
	records map[string]*modelRecord
	next    int64
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
		}
		res.Deletes = append(res.Deletes, answer)
	}
	for _, del := range req.GetDeleteRanges() {
		maps.DeleteFunc(m.records, func(key string, _ *modelRecord) bool {
			return key >= del.GetStartInclusive() && (del.GetEndExclusive() == "" || key < del.GetEndExclusive())
		})
		res.DeleteRanges = append(res.DeleteRanges, &api.DeleteRangeResponse{})
	}
	return res
}

func (m *model) put(put *api.PutRequest, now uint64) *api.PutResponse {
	old := m.records[put.GetKey()]
	current := int64(NoVersion)
	if old != nil {
		current = old.version.GetVersionId()
	}
	if put.ExpectedVersionId != nil && put.GetExpectedVersionId() != current {
		return &api.PutResponse{Status: api.Status_UNEXPECTED_VERSION_ID}
	}
	version := &api.Version{
		VersionId: m.next, CreatedTimestamp: now, ModifiedTimestamp: now, ClientIdentity: put.ClientIdentity,
	}
	if old != nil {
		version.ModificationsCount = old.version.GetModificationsCount() + 1
		version.CreatedTimestamp = old.version.GetCreatedTimestamp()
	}
	m.next++
	m.records[put.GetKey()] = &modelRecord{value: put.GetValue(), version: version}
	return &api.PutResponse{Version: version}
}

// everyRead asks for every key, and between and beyond them, in every way.
func (m *model) everyRead() *api.ReadRequest {
	req := &api.ReadRequest{}
	for _, key := range []string{"", "a", "a/b", "a0", "b", "b\x00", "b\x00\x00", "c", "d", "é", "\U0010ffff"} {
		for number := range api.KeyComparisonType_name {
			req.Gets = append(req.Gets, &api.GetRequest{
				Key: key, ComparisonType: api.KeyComparisonType(number), IncludeValue: number%2 == 0,
			})
		}
	}
	return req
}

func (m *model) read(get *api.GetRequest) *api.GetResponse {
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

func (m *model) nearest(key string, comparison api.KeyComparisonType) (string, bool) {
	var candidates []string
	for candidate := range m.records {
		c := keyspace.Natural.Compare(candidate, key)
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
	slices.SortFunc(candidates, keyspace.Natural.Compare)
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
