package kv

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// transact does what a transaction does on a copy of the map, and keeps the copy
// if it came through. The limits on bytes are none of its business.
func (m *model) transact(req *api.TransactionRequest, now uint64) *api.TransactionResponse {
	for i, c := range req.GetConditions() {
		if old := m.records[c.GetKey()]; !m.holds(c, old) {
			return &api.TransactionResponse{
				Status: api.TransactionResponse_CONDITION_FAILED, FailedCondition: proto.Uint32(uint32(i)),
				FailedRecord: described(old, c.GetIncludeValue()),
			}
		}
	}
	tried := &model{order: m.order, records: maps.Clone(m.records), next: m.next, sessions: m.sessions, modelNotifications: m.modelNotifications}
	tried.told = map[string]*api.Notification{}
	res := &api.TransactionResponse{Status: api.TransactionResponse_COMMITTED}
	for _, op := range req.GetOperations() {
		res.Results = append(res.Results, tried.operate(op, req.PartitionKey, now))
	}
	*m = *tried
	// Of a transaction, what it did to each record as a whole is told.
	m.told, m.whole = map[string]*api.Notification{}, true
	return res
}

func (m *model) holds(c *api.TransactionCondition, old *modelRecord) bool {
	switch e := c.GetExpectation().(type) {
	case *api.TransactionCondition_VersionId:
		return (old == nil && e.VersionId == -1) || (old != nil && e.VersionId == old.version.GetVersionId())
	case *api.TransactionCondition_Exists:
		return e.Exists == (old != nil)
	}
	return old != nil && bytes.Equal(old.value, c.GetValue())
}

func (m *model) operate(op *api.TransactionOperation, partition *string, now uint64) *api.TransactionRecord {
	var put *api.PutRequest
	switch op := op.GetOperation().(type) {
	case *api.TransactionOperation_Get:
		return described(m.records[op.Get.GetKey()], op.Get.GetIncludeValue())
	case *api.TransactionOperation_Delete:
		deleted := described(m.records[op.Delete.GetKey()], false)
		delete(m.records, op.Delete.GetKey())
		return deleted
	case *api.TransactionOperation_Put:
		put = &api.PutRequest{Key: op.Put.GetKey(), Value: op.Put.GetValue(), ClientIdentity: op.Put.ClientIdentity}
	case *api.TransactionOperation_Append:
		put = &api.PutRequest{Key: op.Append.GetKey(), ClientIdentity: op.Append.ClientIdentity}
		if old := m.records[put.GetKey()]; old != nil {
			put.Value = slices.Clone(old.value)
		}
		put.Value = append(put.Value, op.Append.GetValue()...)
	}
	put.PartitionKey = partition
	return &api.TransactionRecord{Version: m.put(put, now).GetVersion()}
}

func described(r *modelRecord, withValue bool) *api.TransactionRecord {
	if r == nil {
		return &api.TransactionRecord{}
	}
	res := &api.TransactionRecord{Version: r.version}
	if withValue {
		res.Value = append([]byte{}, r.value...)
	}
	return res
}

// A transaction that only reads has one answer, whichever way it is asked.
func TestReadTransactionsAnswerAsEntriesDo(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		entries := entriesGenerator(6).Draw(t, "entries")
		mustApply(t, d.db, shard, entries)
		req := transactionGenerator().Draw(t, "transaction")
		req.Operations = slices.DeleteFunc(req.Operations, func(op *api.TransactionOperation) bool { return op.GetGet() == nil })
		if ValidateTransaction(req, HashRange{Max: 1<<32 - 1}) != nil {
			t.Skip("nothing is left of it")
		}
		if !ReadsOnly(req) {
			t.Fatalf("%v does not only read", req)
		}
		read, err := d.db.ReadTransaction(shard, req)
		if err != nil {
			t.Fatal(err)
		}
		last := entries[len(entries)-1].ID
		entry := Entry{ID: EntryID{Term: last.Term, Offset: last.Offset + 1}, Payload: mustTransaction(req)}
		if applied := mustApply(t, d.db, shard, []Entry{entry})[0].Transaction; !proto.Equal(read, applied) {
			t.Fatalf("%v\nread    %v\napplied %v", req, read, applied)
		}
	})
}

// A transaction that does not commit leaves no more than its offset.
func TestTransactionsThatFailLeaveNoTrace(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		mustApply(t, d.db, shard, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(putOf("a", "b"))}})
		before, err := d.db.readState(shard)
		if err != nil {
			t.Fatal(err)
		}
		rows := recordRowsOf(t, d.db, shard)
		req := transactionGenerator().Draw(t, "transaction")
		if rapid.IntRange(0, 9).Draw(t, "how") > 0 {
			req.Conditions = append(req.Conditions, ifExists("a", false))
		} else {
			req.Operations = append(req.Operations, doPut("b", string(make([]byte, MaxTransactionBytes))), doPut("c", "d"))
		}
		result := mustApply(t, d.db, shard, []Entry{{ID: EntryID{Term: 1, Offset: 2}, Payload: mustTransaction(req)}})[0]
		if status := result.Transaction.GetStatus(); status == api.TransactionResponse_COMMITTED {
			t.Fatalf("%v was committed", req)
		}
		if len(result.Transaction.GetResults()) != 0 {
			t.Fatalf("results of a transaction that failed: %v", result.Transaction)
		}
		if after := recordRowsOf(t, d.db, shard); after != rows {
			t.Fatalf("records:\n%s\nwant:\n%s", after, rows)
		}
		after, err := d.db.readState(shard)
		if err != nil {
			t.Fatal(err)
		}
		if after.nextVersion != before.nextVersion {
			t.Fatalf("the next version id is %d, was %d", after.nextVersion, before.nextVersion)
		}
	})
}

func transactionGenerator() *rapid.Generator[*api.TransactionRequest] {
	return rapid.Custom(func(t *rapid.T) *api.TransactionRequest {
		req := &api.TransactionRequest{
			Conditions: rapid.SliceOfN(conditionGenerator(), 0, 2).Draw(t, "conditions"),
			Operations: rapid.SliceOfN(operationGenerator(), 0, 6).Draw(t, "operations"),
		}
		if rapid.Bool().Draw(t, "routed") {
			req.PartitionKey = proto.String(rapid.SampledFrom([]string{"", "p"}).Draw(t, "partition"))
		}
		return req
	})
}

// Few values, so that conditions on them hold.
var valueGenerator = rapid.SampledFrom([]string{"", "x", "xx", "\xff"})

func conditionGenerator() *rapid.Generator[*api.TransactionCondition] {
	return rapid.Custom(func(t *rapid.T) *api.TransactionCondition {
		key := keyGenerator.Draw(t, "key")
		var c *api.TransactionCondition
		switch rapid.IntRange(0, 2).Draw(t, "expectation") {
		case 0:
			c = ifVersion(key, rapid.Int64Range(-1, 12).Draw(t, "version"))
		case 1:
			c = ifExists(key, rapid.Bool().Draw(t, "exists"))
		default:
			c = ifValue(key, valueGenerator.Draw(t, "value"))
		}
		c.IncludeValue = rapid.Bool().Draw(t, "include value")
		return c
	})
}

func operationGenerator() *rapid.Generator[*api.TransactionOperation] {
	return rapid.Custom(func(t *rapid.T) *api.TransactionOperation {
		key, value := keyGenerator.Draw(t, "key"), valueGenerator.Draw(t, "value")
		var identity *string
		if rapid.Bool().Draw(t, "identified") {
			identity = proto.String(rapid.SampledFrom([]string{"", "alice"}).Draw(t, "identity"))
		}
		switch rapid.IntRange(0, 3).Draw(t, "operation") {
		case 0:
			op := doGet(key)
			op.GetGet().IncludeValue = rapid.Bool().Draw(t, "include value")
			return op
		case 1:
			op := doPut(key, value)
			op.GetPut().ClientIdentity = identity
			return op
		case 2:
			op := doAppend(key, value)
			op.GetAppend().ClientIdentity = identity
			return op
		}
		return doDelete(key)
	})
}
