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
	"github.com/ostraka-db/ostraka/server/storage"
)

// maxRequestBytes bounds an encoded request to the shard, so that the messages
// that carry it fit into a line.
const maxRequestBytes = 32 << 10

// linBody is the body of a read, write or cas. Keys and values are brought into
// the canonical form, so that equal means equal bytes.
type linBody struct {
	Key   json.RawMessage `json:"key"`
	Value json.RawMessage `json:"value"`
	From  json.RawMessage `json:"from"`
	To    json.RawMessage `json:"to"`
}

// parseRead makes a read one linearizable read.
func parseRead(raw []byte) (work, error) {
	var body linBody
	if err := json.Unmarshal(raw, &body); err != nil {
		return work{}, err
	}
	key, err := canonical("key", body.Key)
	if err != nil {
		return work{}, err
	}
	w := work{kind: replication.RequestRead, answer: readDone}
	w.body, err = encodeRequest([]byte{storage.QueryRead}, &api.ReadRequest{
		Gets: []*api.GetRequest{{Key: string(key), IncludeValue: true}},
	})
	return w, err
}

func readDone(result []byte) (answer, *failure) {
	var res api.ReadResponse
	if err := proto.Unmarshal(result, &res); err != nil || len(res.GetGets()) != 1 {
		return fail(jepsen.Abort, "the shard did not answer the read")
	}
	record := res.GetGets()[0]
	if record.GetStatus() == api.Status_KEY_NOT_FOUND {
		return fail(jepsen.KeyDoesNotExist, "key does not exist")
	}
	return answer{Type: "read_ok", Value: record.GetValue()}, nil
}

// parseWrite makes a write one put.
func parseWrite(raw []byte) (work, error) {
	var body linBody
	if err := json.Unmarshal(raw, &body); err != nil {
		return work{}, err
	}
	key, keyErr := canonical("key", body.Key)
	value, valueErr := canonical("value", body.Value)
	req := &api.WriteRequest{Puts: []*api.PutRequest{{Key: string(key), Value: value}}}
	if err := errors.Join(keyErr, valueErr); err != nil {
		return work{}, err
	}
	if err := kv.Validate(req, keyspace.FullRange); err != nil {
		return work{}, err
	}
	encoded, err := encodeRequest(nil, req)
	return work{kind: replication.RequestWrite, body: kv.WritePayload(encoded), answer: writeDone}, err
}

func writeDone(result []byte) (answer, *failure) {
	var res api.WriteResponse
	if err := proto.Unmarshal(result, &res); err != nil || len(res.GetPuts()) != 1 {
		return fail(jepsen.Crash, "the shard did not say what became of the put")
	}
	if status := res.GetPuts()[0].GetStatus(); status != api.Status_OK {
		return fail(jepsen.Abort, fmt.Sprintf("the put was refused: %v", status))
	}
	return answer{Type: "write_ok"}, nil
}

// parseCAS makes a cas one transaction: a put, on condition that the value is the
// one expected.
func parseCAS(raw []byte) (work, error) {
	var body linBody
	if err := json.Unmarshal(raw, &body); err != nil {
		return work{}, err
	}
	key, keyErr := canonical("key", body.Key)
	from, fromErr := canonical("from", body.From)
	to, toErr := canonical("to", body.To)
	if err := errors.Join(keyErr, fromErr, toErr); err != nil {
		return work{}, err
	}
	return proposeTransaction(&api.TransactionRequest{
		Conditions: []*api.TransactionCondition{{
			Key: string(key), Expectation: &api.TransactionCondition_Value{Value: from},
		}},
		Operations: []*api.TransactionOperation{{Operation: &api.TransactionOperation_Put{
			Put: &api.TransactionPut{Key: string(key), Value: to},
		}}},
	}, casDone)
}

func casDone(res *api.TransactionResponse) (answer, *failure) {
	switch {
	case res.GetStatus() == api.TransactionResponse_COMMITTED:
		return answer{Type: "cas_ok"}, nil
	case res.GetStatus() != api.TransactionResponse_CONDITION_FAILED:
		return fail(jepsen.Abort, fmt.Sprintf("the transaction ended with %v", res.GetStatus()))
	case res.GetFailedRecord().GetVersion() == nil:
		return fail(jepsen.KeyDoesNotExist, "key does not exist")
	}
	return fail(jepsen.PreconditionFailed, "the current value is not the expected one")
}

// canonical brings a JSON value into the form in which equal values have equal
// bytes: no spaces, no line ends, and the fields of objects sorted. Numbers stay
// as written.
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

// encodeRequest appends a request to what comes before it, or says that it is too
// large for the lines between nodes.
func encodeRequest(before []byte, m proto.Message) ([]byte, error) {
	body, err := proto.MarshalOptions{}.MarshalAppend(before, m)
	if err == nil && len(body) > maxRequestBytes {
		err = fmt.Errorf("the request takes %d bytes; at most %d are taken", len(body), maxRequestBytes)
	}
	return body, err
}
