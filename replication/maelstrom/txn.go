package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
)

// The keys of the transactional workloads are in name spaces of their own. The
// keys of lin-kv, being JSON, start with neither.
const (
	// A list is kept as its elements' JSON with a line end after each, so that
	// nobody needs to read it to append to it.
	listPrefix = "list/"
	// A register is kept as its value's JSON.
	registerPrefix = "register/"
)

// microOp is one step of a transaction: a name, a key and a value.
type microOp struct {
	name string
	// raw are the three as the client sent them; key and value are canonical.
	raw        [3]json.RawMessage
	key, value []byte
}

// The names of steps.
const (
	microRead   = "r"
	microWrite  = "w"
	microAppend = "append"
)

// txn is a transaction of txn-list-append or txn-rw-register.
type txn struct {
	ops []microOp
	// spaces are where a read looks for its key, the first that has it counting: a
	// transaction that only reads does not tell which workload it belongs to.
	spaces []string
}

// parseTxn makes a transaction one request: a linearizable read of one moment if
// it only reads, and otherwise one proposal.
func parseTxn(raw []byte) (work, error) {
	var body struct {
		Txn []json.RawMessage `json:"txn"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return work{}, err
	}
	t := &txn{}
	appends, writes := false, false
	for i, rawOp := range body.Txn {
		op, err := parseMicroOp(rawOp)
		if err != nil {
			return work{}, fmt.Errorf("step %d: %w", i, err)
		}
		appends = appends || op.name == microAppend
		writes = writes || op.name == microWrite
		t.ops = append(t.ops, op)
	}
	switch {
	case appends && writes:
		return work{}, errors.New("a transaction appends to lists or writes registers, not both")
	case appends:
		t.spaces = []string{listPrefix}
	case writes:
		t.spaces = []string{registerPrefix}
	default:
		t.spaces = []string{listPrefix, registerPrefix}
	}
	req := t.request()
	if kv.ReadsOnly(req) {
		return readTransaction(req, t.done)
	}
	return proposeTransaction(req, t.done)
}

func parseMicroOp(raw json.RawMessage) (microOp, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return microOp{}, err
	}
	var op microOp
	if len(parts) != len(op.raw) {
		return microOp{}, fmt.Errorf("has %d parts, not %d", len(parts), len(op.raw))
	}
	copy(op.raw[:], parts)
	if err := json.Unmarshal(parts[0], &op.name); err != nil {
		return microOp{}, err
	}
	var keyErr, valueErr error
	op.key, keyErr = canonical("key", parts[1])
	op.value, valueErr = canonical("value", parts[2])
	if err := errors.Join(keyErr, valueErr); err != nil {
		return microOp{}, err
	}
	switch op.name {
	case microWrite, microAppend:
		return op, nil
	case microRead:
		if string(op.value) != "null" {
			return microOp{}, errors.New("a read comes with a value")
		}
		return op, nil
	}
	return microOp{}, fmt.Errorf("unknown function %q", op.name)
}

// request is the transaction in terms of the state machine.
func (t *txn) request() *api.TransactionRequest {
	req := &api.TransactionRequest{}
	add := func(op *api.TransactionOperation) { req.Operations = append(req.Operations, op) }
	for _, op := range t.ops {
		key := string(op.key)
		switch op.name {
		case microRead:
			for _, space := range t.spaces {
				get := &api.TransactionGet{Key: space + key, IncludeValue: true}
				add(&api.TransactionOperation{Operation: &api.TransactionOperation_Get{Get: get}})
			}
		case microWrite:
			put := &api.TransactionPut{Key: registerPrefix + key, Value: op.value}
			add(&api.TransactionOperation{Operation: &api.TransactionOperation_Put{Put: put}})
		default:
			more := &api.TransactionAppend{Key: listPrefix + key, Value: append(op.value, '\n')}
			add(&api.TransactionOperation{Operation: &api.TransactionOperation_Append{Append: more}})
		}
	}
	return req
}

// done completes the transaction with what its reads read.
func (t *txn) done(res *api.TransactionResponse) (answer, *failure) {
	if status := res.GetStatus(); status != api.TransactionResponse_COMMITTED {
		return fail(jepsen.Abort, fmt.Sprintf("the transaction ended with %v", status))
	}
	results := res.GetResults()
	completed := make([]json.RawMessage, 0, len(t.ops))
	for _, op := range t.ops {
		taken := 1
		if op.name == microRead {
			taken = len(t.spaces)
		}
		if len(results) < taken {
			return fail(jepsen.Crash, "the shard did not say what became of every step")
		}
		if op.name == microRead {
			op.raw[2] = t.value(results[:taken])
		}
		results = results[taken:]
		step, err := json.Marshal(op.raw)
		if err != nil {
			return fail(jepsen.Crash, err.Error())
		}
		completed = append(completed, step)
	}
	return answer{Type: "txn_ok", Txn: completed}, nil
}

// value is what a read returns, given what was found in each space.
func (t *txn) value(found []*api.TransactionRecord) json.RawMessage {
	for i, record := range found {
		switch {
		case record.GetVersion() == nil:
		case t.spaces[i] == listPrefix:
			elements := bytes.ReplaceAll(bytes.TrimSuffix(record.GetValue(), []byte("\n")), []byte("\n"), []byte(","))
			return append(append([]byte("["), elements...), ']')
		default:
			return record.GetValue()
		}
	}
	return json.RawMessage("null")
}
