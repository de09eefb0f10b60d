package kv

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// The limits of transactions, and what a script cannot write down; the rest of
// what is refused is in testdata/scripts/validate_transactions.txt.
func TestTransactionLimits(t *testing.T) {
	long := strings.Repeat("k", MaxKeyBytes+1)
	many := func(n int) *api.TransactionRequest {
		req := &api.TransactionRequest{Conditions: []*api.TransactionCondition{ifExists("a", true)}}
		for range n - 1 {
			req.Operations = append(req.Operations, doGet("a"))
		}
		return req
	}
	of := func(ops ...*api.TransactionOperation) *api.TransactionRequest {
		return &api.TransactionRequest{Operations: ops}
	}
	named := doAppend("a", "")
	named.GetAppend().ClientIdentity = proto.String(strings.Repeat("k", MaxIdentityBytes+1))
	unknown := func(m proto.Message) { m.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1}) }
	newer, newerKind, newerCondition := doDelete("a"), &api.TransactionOperation{}, ifExists("a", true)
	unknown(newer.GetDelete())
	unknown(newerKind)
	unknown(newerCondition)
	half := strings.Repeat("v", MaxRequestBytes/2)

	for _, c := range []struct {
		name   string
		req    *api.TransactionRequest
		reason Reason // 0: accepted
		field  string
	}{
		{"most operations", many(MaxTransactionOperations), 0, ""},
		{"too many operations", many(MaxTransactionOperations + 1), TooLarge, "request"},
		{"longest value", of(doPut("a", strings.Repeat("v", MaxValueBytes))), 0, ""},
		{"value too long", of(doPut("a", strings.Repeat("v", MaxValueBytes+1))), TooLarge, "operations[0].put.value"},
		{"too much appended", of(doAppend("a", strings.Repeat("v", MaxValueBytes+1))), TooLarge, "operations[0].append.value"},
		{"expected value too long", &api.TransactionRequest{Conditions: []*api.TransactionCondition{ifValue("a", strings.Repeat("v", MaxValueBytes+1))}}, TooLarge, "conditions[0].value"},
		{"request too large", of(doPut("a", half), doPut("b", half)), TooLarge, "request"},
		{"key too long", of(doGet("a"), doGet(long)), TooLarge, "operations[1].get.key"},
		{"partition key too long", &api.TransactionRequest{PartitionKey: &long, Operations: many(2).Operations}, TooLarge, "partition_key"},
		{"identity too long", of(named), TooLarge, "operations[0].append.client_identity"},
		{"key that is not UTF-8", of(doDelete("\xff")), Invalid, "operations[0].delete.key"},
		{"field of a newer client", of(newer), Unsupported, "operations[0].delete"},
		{"operation of a newer client", of(newerKind), Unsupported, "operations[0]"},
		{"condition of a newer client", &api.TransactionRequest{Conditions: []*api.TransactionCondition{newerCondition}}, Unsupported, "conditions[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ValidateTransaction(c.req, keyspace.FullRange)
			refused := (*RefusedError)(nil)
			switch {
			case c.reason == 0 && err != nil:
				t.Errorf("refused: %v", err)
			case c.reason == 0:
			case !errors.As(err, &refused):
				t.Errorf("got %v, want a refusal", err)
			case refused.Reason != c.reason || refused.Field != c.field:
				t.Errorf("got %v of %s, want %v of %s", refused.Reason, refused.Field, c.reason, c.field)
			}
		})
	}
}

// What grows or gathers while a transaction is applied ends at a limit, to the
// byte, and the transaction with it.
func TestTransactionsEndAtTheirLimits(t *testing.T) {
	const (
		committed = api.TransactionResponse_COMMITTED
		longValue = api.TransactionResponse_VALUE_TOO_LARGE
		tooMuch   = api.TransactionResponse_TRANSACTION_TOO_LARGE
		full      = MaxAppendedValueBytes
	)
	bytesOf := func(n int) string { return strings.Repeat("v", n) }
	put := func(key string, n int) *api.TransactionOperation { return doPut(key, bytesOf(n)) }
	add := func(key string, n int) *api.TransactionOperation { return doAppend(key, bytesOf(n)) }
	ops := func(ops ...*api.TransactionOperation) []*api.TransactionOperation { return ops }
	for _, c := range []struct {
		name   string
		ops    []*api.TransactionOperation
		status api.TransactionResponse_Status
		failed uint32
	}{
		// The records "full" and "other" have values of the greatest length.
		{"the longest append", ops(add("a", full)), committed, 0},
		{"an append too long", ops(add("a", full+1)), longValue, 0},
		{"an append to a full value", ops(doGet("a"), add("full", 1)), longValue, 1},
		{"an append of nothing to a full value", ops(add("full", 0)), committed, 0},
		{"an append to a full value that was put", ops(put("a", full), add("a", 1)), longValue, 1},
		{"an append to a full value that was emptied", ops(doDelete("full"), add("full", full)), committed, 0},
		{"as much as fits", ops(put("a", full), doGet("full"), put("b", 0)), committed, 0},
		{"a put too much", ops(doGet("full"), doGet("other"), put("b", 1)), tooMuch, 2},
		{"a get too much", ops(put("b", 1), doGet("full"), doGet("other")), tooMuch, 2},
		{"an append that finds too much", ops(put("b", 1), doGet("full"), add("other", 0)), tooMuch, 2},
		{"appends that find the same", ops(put("a", full-2), add("a", 1), add("full", 0), add("full", 0), add("a", 1)), committed, 0},
		{"gets of the same", ops(doGet("full"), doGet("full"), doGet("full")), tooMuch, 2},
		{"versions cost nothing", ops(doGet("full"), doGet("full"), doDelete("full"), doDelete("other")), committed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openForTest(t)
			mustApply(t, db, 1, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(&api.WriteRequest{
				Puts: []*api.PutRequest{{Key: "full", Value: []byte(bytesOf(full))}, {Key: "other", Value: []byte(bytesOf(full))}},
			})}})
			payload := mustTransaction(&api.TransactionRequest{Operations: c.ops})
			res := mustApply(t, db, 1, []Entry{{ID: EntryID{Term: 1, Offset: 2}, Payload: payload}})[0].Transaction
			if res.GetStatus() != c.status || res.GetFailedOperation() != c.failed {
				t.Errorf("%v of operation %d, want %v of operation %d", res.GetStatus(), res.GetFailedOperation(), c.status, c.failed)
			}
			if (res.FailedOperation != nil) != (c.status != committed) || (len(res.GetResults()) == len(c.ops)) != (c.status == committed) {
				t.Errorf("failed operation %v, %d results", res.FailedOperation, len(res.GetResults()))
			}
		})
	}
}

// A record is written once for all that a transaction does to it, so that many
// appends to a long value are no more than one.
func TestManyAppendsAreOneWrite(t *testing.T) {
	db := openForTest(t)
	req := &api.TransactionRequest{Operations: []*api.TransactionOperation{doPut("a", strings.Repeat("v", 1<<20))}}
	for range MaxTransactionOperations - 1 {
		req.Operations = append(req.Operations, doAppend("a", "+"))
	}
	before := db.pebble.Metrics().MemTable.Size
	res := mustApply(t, db, 1, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: mustTransaction(req)}})[0].Transaction
	if res.GetStatus() != api.TransactionResponse_COMMITTED {
		t.Fatalf("ended with %v", res.GetStatus())
	}
	if grown := db.pebble.Metrics().MemTable.Size - before; grown > 8<<20 {
		t.Errorf("took %d bytes", grown)
	}
	read, err := db.ReadTransaction(1, &api.TransactionRequest{Operations: []*api.TransactionOperation{doGet("a")}})
	if err != nil {
		t.Fatal(err)
	}
	want := append(bytes.Repeat([]byte("v"), 1<<20), bytes.Repeat([]byte("+"), MaxTransactionOperations-1)...)
	got := read.GetResults()[0]
	if !bytes.Equal(got.GetValue(), want) || got.GetVersion().GetModificationsCount() != MaxTransactionOperations-1 {
		t.Errorf("a value of %d bytes, %v", len(got.GetValue()), got.GetVersion())
	}
}

// What an operation returned stays as it was, whatever is appended later.
func TestResultsDoNotShareMemory(t *testing.T) {
	db := openForTest(t)
	mustApply(t, db, 1, []Entry{{ID: EntryID{Term: 1, Offset: 1}, Payload: mustPayload(putOf("a", "one"))}})
	payload := mustTransaction(&api.TransactionRequest{Operations: []*api.TransactionOperation{
		doAppend("a", "+"), doGet("a"), doAppend("a", "+"), doGet("a"),
	}})
	sent := bytes.Clone(payload)
	results := mustApply(t, db, 1, []Entry{{ID: EntryID{Term: 1, Offset: 2}, Payload: payload}})[0].Transaction.GetResults()
	first, second := results[1].GetValue(), results[3].GetValue()
	_ = append(first, '!')
	if string(first) != "one+" || string(second) != "one++" || !bytes.Equal(payload, sent) {
		t.Errorf("%q, %q, %x", first, second, payload)
	}
}

// What ValidateTransaction lets pass is neither malformed nor refused when it is
// applied.
func TestTransactionsThatAreAcceptedAreApplied(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		req := transactionGenerator().Draw(t, "transaction")
		if rapid.Bool().Draw(t, "spoil") {
			req.Operations = append(req.Operations, &api.TransactionOperation{})
		}
		if ValidateTransaction(req, keyspace.FullRange) != nil {
			return
		}
		entry := Entry{ID: EntryID{Term: 1, Offset: 1}, Payload: mustTransaction(req)}
		if result := mustApply(t, d.db, shard, []Entry{entry})[0]; result.Outcome != Applied {
			t.Fatalf("accepted %v was %s", req, result.Outcome)
		}
	})
}
