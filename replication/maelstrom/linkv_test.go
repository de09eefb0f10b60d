package maelstrom

import (
	"cmp"
	"testing"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

var (
	unknown = replication.Outcome{Kind: replication.OutcomeUnknown}
	refused = replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedExpired}
	// overwritten is refused too: another entry took its place for good.
	overwritten = replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedOverwritten}
)

func done(m proto.Message) replication.Outcome {
	result, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return replication.Outcome{Kind: replication.OutcomeDone, Result: result}
}

func found(value string) replication.Outcome {
	return done(&api.ReadResponse{Gets: []*api.GetResponse{{Value: []byte(value), Version: &api.Version{}}}})
}

func missing() replication.Outcome {
	return done(&api.ReadResponse{Gets: []*api.GetResponse{{Status: api.Status_KEY_NOT_FOUND}}})
}

func put(status api.Status) replication.Outcome {
	return done(&api.WriteResponse{Puts: []*api.PutResponse{{Status: status}}})
}

func transacted(status api.TransactionResponse_Status, results ...*api.TransactionRecord) replication.Outcome {
	return done(&api.TransactionResponse{Status: status, Results: results})
}

func held(against *api.TransactionRecord) replication.Outcome {
	return done(&api.TransactionResponse{
		Status: api.TransactionResponse_CONDITION_FAILED, FailedRecord: against,
	})
}

// What became of an operation's request decides its answer: -1 is an answer that
// is no error.
func TestOperationsReportFailedOnlyWhatDidNotHappen(t *testing.T) {
	const (
		ok        = -1
		committed = api.TransactionResponse_COMMITTED
		reads     = `[["r",1,null]]`
		writes    = `[["r",1,null],["append",1,2]]`
	)
	record, none := &api.TransactionRecord{Version: &api.Version{}, Value: []byte("2\n")}, &api.TransactionRecord{}
	for _, c := range []struct {
		name    string
		parse   parseWork
		txn     string
		outcome replication.Outcome
		code    int
	}{
		{"a read", parseRead, "", found("1"), ok},
		{"a read of nothing", parseRead, "", missing(), jepsen.KeyDoesNotExist},
		{"a read that nobody took", parseRead, "", refused, jepsen.TemporarilyUnavailable},
		{"a read of which nothing is known", parseRead, "", unknown, jepsen.TemporarilyUnavailable},
		{"a read without an answer", parseRead, "", done(&api.ReadResponse{}), jepsen.Abort},
		{"a write", parseWrite, "", put(api.Status_OK), ok},
		{"a write that nobody took", parseWrite, "", refused, jepsen.TemporarilyUnavailable},
		{"a write that was overwritten", parseWrite, "", overwritten, jepsen.TemporarilyUnavailable},
		{"a write of which nothing is known", parseWrite, "", unknown, jepsen.Timeout},
		{"a write without an answer", parseWrite, "", done(&api.WriteResponse{}), jepsen.Crash},
		{"a cas", parseCAS, "", transacted(committed, none), ok},
		{"a cas of nothing", parseCAS, "", held(none), jepsen.KeyDoesNotExist},
		{"a cas of another value", parseCAS, "", held(record), jepsen.PreconditionFailed},
		{"a cas that nobody took", parseCAS, "", refused, jepsen.TemporarilyUnavailable},
		{"a cas that was overwritten", parseCAS, "", overwritten, jepsen.TemporarilyUnavailable},
		{"a cas of which nothing is known", parseCAS, "", unknown, jepsen.Timeout},
		{"a cas without an answer", parseCAS, "", done(&api.TransactionResponse{}), jepsen.Crash},
		{"a transaction that reads", parseTxn, reads, transacted(committed, record, none), ok},
		{"a transaction that reads, and nobody took", parseTxn, reads, refused, jepsen.TemporarilyUnavailable},
		{"a transaction that reads, of which nothing is known", parseTxn, reads, unknown, jepsen.TemporarilyUnavailable},
		{"a transaction that reads, without an answer", parseTxn, reads, done(&api.TransactionResponse{}), jepsen.Abort},
		{"a transaction", parseTxn, writes, transacted(committed, record, none), ok},
		{"a transaction that nobody took", parseTxn, writes, refused, jepsen.TemporarilyUnavailable},
		{"a transaction that was overwritten", parseTxn, writes, overwritten, jepsen.TemporarilyUnavailable},
		{"a transaction of which nothing is known", parseTxn, writes, unknown, jepsen.Timeout},
		{"a transaction without an answer", parseTxn, writes, done(&api.TransactionResponse{}), jepsen.Crash},
		{"a transaction without all of its answer", parseTxn, writes, transacted(committed, record), jepsen.Crash},
		{"a list that is full", parseTxn, writes, transacted(api.TransactionResponse_VALUE_TOO_LARGE), jepsen.Abort},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := `{"key":0,"value":1,"from":1,"to":2,"txn":` + cmp.Or(c.txn, "[]") + `}`
			w, err := c.parse([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			answered, failed := w.ended(c.outcome)
			if (c.code == ok) != (failed == nil) || (failed != nil && failed.code != c.code) || (failed == nil) == (answered.Type == "") {
				t.Errorf("answered %+v, failure %+v", answered, failed)
			}
		})
	}
}

func TestEqualJSONIsTheSameKey(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{`1`, ` 1 `, true},
		{`1`, `"1"`, false},
		{`{"a":1,"b":[2]}`, `{ "b":[ 2 ], "a":1 }`, true},
		{`"\u0061"`, `"a"`, true},
		{`12345678901234567890`, `12345678901234567891`, false},
		{`null`, `"null"`, false},
	} {
		a, err := canonical("key", []byte(c.a))
		if err != nil {
			t.Fatal(err)
		}
		b, err := canonical("key", []byte(c.b))
		if err != nil {
			t.Fatal(err)
		}
		if (string(a) == string(b)) != c.equal {
			t.Errorf("%s and %s: %s and %s", c.a, c.b, a, b)
		}
	}
}

// No body makes the node panic, and what is taken can be proposed or asked.
func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{"key":0}`))
	f.Add([]byte(`{"key":"a","value":{"b":[1,2.5e3,null]}}`))
	f.Add([]byte(`{"key":[],"from":"","to":true}`))
	f.Add([]byte(`{"txn":[["r",1,null],["w",2,[]]]}`))
	f.Add([]byte(`{"txn":[["append","a",{}],["r","a",null]]}`))
	record := &api.TransactionRecord{Version: &api.Version{}, Value: []byte("1\n2\n")}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parse := range []parseWork{parseRead, parseWrite, parseCAS, parseTxn} {
			w, err := parse(raw)
			if err != nil {
				continue
			}
			if w.kind == replication.RequestWrite {
				_, _, err = kv.ParsePayload(w.body)
			}
			if err != nil || len(w.body) < 2 || len(w.body) > maxRequestBytes+2 {
				t.Errorf("%s asks for %x: %v", raw, w.body, err)
			}
			w.ended(found("1"))
			w.ended(transacted(api.TransactionResponse_COMMITTED, record, record, record))
		}
	})
}
