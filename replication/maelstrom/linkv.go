package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/kv/keyspace"
	"github.com/ostraka-db/ostraka/replication"
)

// maxRecordBytes bounds a key with its value, so that the messages that carry
// them fit into a line.
const maxRecordBytes = 32 << 10

// operation is a client's read, write or cas. Its steps are taken in the loop.
//
// A read is one linearizable read. A write is one put. A cas is a linearizable
// read and, if the value is the one expected, a put on condition that the record
// is still of the version read; if it is not, both are done again.
type operation struct {
	client   client
	deadline replication.Instant
	lin      linRequest
	// putting is set while the operation's put is in the shard's hands.
	putting bool
}

// linRequest is the body of a read, write or cas. Keys and values are JSON in a
// canonical form, so that equal means equal bytes.
type linRequest struct {
	kind            string
	key             string
	value, from, to []byte
}

// step is what an operation wants next: a failure or another answer sent, or a
// request made of the shard.
type step struct {
	failure *failure
	answer  any
	kind    replication.RequestKind
	body    []byte
}

// okBody answers what was done.
type okBody struct {
	Type      string          `json:"type"`
	InReplyTo int             `json:"in_reply_to"`
	Value     json.RawMessage `json:"value,omitempty"`
}

// parseLinKV reads a request, or says why it is malformed.
func parseLinKV(kind string, raw []byte) (linRequest, error) {
	var body struct {
		Key   json.RawMessage `json:"key"`
		Value json.RawMessage `json:"value"`
		From  json.RawMessage `json:"from"`
		To    json.RawMessage `json:"to"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return linRequest{}, err
	}
	r := linRequest{kind: kind}
	key, err := canonical("key", body.Key)
	r.key = string(key)
	switch kind {
	case typeWrite:
		var valueErr error
		r.value, valueErr = canonical("value", body.Value)
		err = errors.Join(err, valueErr)
	case typeCAS:
		var fromErr, toErr error
		r.from, fromErr = canonical("from", body.From)
		r.to, toErr = canonical("to", body.To)
		err = errors.Join(err, fromErr, toErr)
	}
	if size := len(r.key) + max(len(r.value), len(r.to)); err == nil && size > maxRecordBytes {
		err = fmt.Errorf("key and value take %d bytes; at most %d are taken", size, maxRecordBytes)
	}
	return r, err
}

// canonical brings a JSON value into the form in which equal values have equal
// bytes: no spaces, and the fields of objects sorted. Numbers stay as written.
func canonical(name string, raw json.RawMessage) ([]byte, error) {
	if len(raw) == 0 {
		return nil, fmt.Errorf("%s is missing", name)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return json.Marshal(v)
}

// begin is the operation's first step.
func (op *operation) begin() step {
	if op.lin.kind == typeWrite {
		return op.put(op.lin.value, nil)
	}
	return op.get()
}

// ended is what follows the end of a request.
func (op *operation) ended(o replication.Outcome) step {
	switch {
	case o.Kind == replication.OutcomeDone && op.putting:
		return op.putDone(o.Result)
	case o.Kind == replication.OutcomeDone:
		return op.getDone(o.Result)
	case o.Kind == replication.OutcomeUnknown && op.putting:
		return fail(jepsen.Timeout, "the outcome is not known")
	default:
		// Refused, or only a read was asked: nothing of this operation happened.
		return fail(jepsen.TemporarilyUnavailable, fmt.Sprintf("no leader took it in time: %v", o.Refusal))
	}
}

func (op *operation) get() step {
	op.putting = false
	return request(replication.RequestRead, &api.ReadRequest{
		Gets: []*api.GetRequest{{Key: op.lin.key, IncludeValue: true}},
	})
}

func (op *operation) getDone(result []byte) step {
	var res api.ReadResponse
	if err := proto.Unmarshal(result, &res); err != nil || len(res.GetGets()) != 1 {
		return fail(jepsen.Abort, "the shard did not answer the read")
	}
	record := res.GetGets()[0]
	switch {
	case record.GetStatus() == api.Status_KEY_NOT_FOUND:
		return fail(jepsen.KeyDoesNotExist, "key does not exist")
	case op.lin.kind == typeRead:
		return step{answer: okBody{Type: "read_ok", InReplyTo: op.client.msgID, Value: record.GetValue()}}
	case !bytes.Equal(record.GetValue(), op.lin.from):
		return fail(jepsen.PreconditionFailed, fmt.Sprintf("current value %s is not %s", record.GetValue(), op.lin.from))
	}
	version := record.GetVersion().GetVersionId()
	return op.put(op.lin.to, &version)
}

func (op *operation) put(value []byte, expected *int64) step {
	req := &api.WriteRequest{Puts: []*api.PutRequest{{
		Key: op.lin.key, Value: value, ExpectedVersionId: expected,
	}}}
	if err := kv.Validate(req, keyspace.FullRange); err != nil {
		return fail(jepsen.MalformedRequest, err.Error())
	}
	op.putting = true
	next := request(replication.RequestWrite, req)
	next.body = kv.WritePayload(next.body)
	return next
}

func (op *operation) putDone(result []byte) step {
	var res api.WriteResponse
	if err := proto.Unmarshal(result, &res); err != nil || len(res.GetPuts()) != 1 {
		return fail(jepsen.Crash, "the shard did not say what became of the put")
	}
	switch status := res.GetPuts()[0].GetStatus(); {
	case status == api.Status_OK:
		return step{answer: okBody{Type: op.lin.kind + "_ok", InReplyTo: op.client.msgID}}
	case status == api.Status_UNEXPECTED_VERSION_ID && op.lin.kind == typeCAS:
		// Another write came between; what it wrote may be what is expected.
		return op.get()
	default:
		return fail(jepsen.Abort, fmt.Sprintf("the put was refused: %v", status))
	}
}

func request(kind replication.RequestKind, m proto.Message) step {
	body, err := proto.Marshal(m)
	if err != nil {
		// Canonical JSON is UTF-8, and nothing else can fail.
		panic(fmt.Sprintf("maelstrom: a request does not encode: %v", err))
	}
	return step{kind: kind, body: body}
}

func fail(code int, text string) step { return step{failure: &failure{code: code, text: text}} }
