package client

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// Transaction is operations on records of one shard that happen all together or not at
// all: if every condition holds in the state that the transaction finds, the operations
// are carried out in order, each seeing what those before it did. Transactions are
// strictly serializable. Records that are meant to meet in them share a partition key.
type Transaction struct {
	Conditions []Condition
	// Operations may be empty if there are conditions.
	Operations []Operation
}

// Condition is what a record must be for a transaction to happen.
type Condition struct{ message *api.TransactionCondition }

// IfVersion holds if the record has this version; NoVersion: if there is no record.
func IfVersion(key string, id int64) Condition {
	return Condition{&api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_VersionId{VersionId: id}}}
}

// IfExists holds if there is a record.
func IfExists(key string) Condition {
	return Condition{&api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_Exists{Exists: true}}}
}

// IfMissing holds if there is no record.
func IfMissing(key string) Condition {
	return Condition{&api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_Exists{}}}
}

// IfValue holds if there is a record with this value.
func IfValue(key string, value []byte) Condition {
	return Condition{&api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_Value{Value: value}}}
}

// WithValue has the record's value come with the error if the condition does not hold.
func (c Condition) WithValue() Condition {
	message := proto.CloneOf(c.message)
	message.IncludeValue = true
	return Condition{message}
}

// Operation is one step of a transaction.
type Operation struct {
	message *api.TransactionOperation
	write   bool
}

// ThenGet looks a record up.
func ThenGet(key string) Operation {
	return Operation{message: &api.TransactionOperation{Operation: &api.TransactionOperation_Get{
		Get: &api.TransactionGet{Key: key, IncludeValue: true},
	}}}
}

// ThenPut creates a record or overwrites it.
func ThenPut(key string, value []byte) Operation {
	return Operation{write: true, message: &api.TransactionOperation{Operation: &api.TransactionOperation_Put{
		Put: &api.TransactionPut{Key: key, Value: value},
	}}}
}

// ThenDelete deletes a record, if there is one.
func ThenDelete(key string) Operation {
	return Operation{write: true, message: &api.TransactionOperation{Operation: &api.TransactionOperation_Delete{
		Delete: &api.TransactionDelete{Key: key},
	}}}
}

// ThenAppend adds bytes at the end of a record's value, which is empty if there is none.
func ThenAppend(key string, value []byte) Operation {
	return Operation{write: true, message: &api.TransactionOperation{Operation: &api.TransactionOperation_Append{
		Append: &api.TransactionAppend{Key: key, Value: value},
	}}}
}

// key returns the key of the record that the operation is about.
func (o Operation) key() string {
	switch op := o.message.GetOperation().(type) {
	case *api.TransactionOperation_Get:
		return op.Get.GetKey()
	case *api.TransactionOperation_Put:
		return op.Put.GetKey()
	case *api.TransactionOperation_Delete:
		return op.Delete.GetKey()
	case *api.TransactionOperation_Append:
		return op.Append.GetKey()
	}
	return ""
}

// value returns what the operation writes.
func (o Operation) value() []byte {
	switch op := o.message.GetOperation().(type) {
	case *api.TransactionOperation_Put:
		return op.Put.GetValue()
	case *api.TransactionOperation_Append:
		return op.Append.GetValue()
	}
	return nil
}

// signed returns the operation's message with the writer's name in it.
func (o Operation) signed(identity string) *api.TransactionOperation {
	if identity == "" || !o.write {
		return o.message
	}
	message := proto.CloneOf(o.message)
	switch op := message.GetOperation().(type) {
	case *api.TransactionOperation_Put:
		op.Put.ClientIdentity = &identity
	case *api.TransactionOperation_Append:
		op.Append.ClientIdentity = &identity
	}
	return message
}

// TransactionRecord is a record as a transaction left or found it.
type TransactionRecord struct {
	Key string
	// Exists says whether there is a record; of a delete, whether there was one.
	Exists bool
	// Value is that of a get, and nil otherwise.
	Value   []byte
	Version Version
}

// Transact carries a transaction out, and returns one record for each operation. It ends
// with a *ConditionError if a condition does not hold, and with ErrTooLarge if values
// have grown too long; nothing was done then. A transaction that only looks is retried as
// a read is; any other is a write, to which ExactlyOnce applies.
func (c *Client) Transact(ctx context.Context, t Transaction, options ...TransactOption) ([]TransactionRecord, error) {
	s := transactSettings{once: c.conf.exactlyOnce}
	for _, option := range options {
		option.setTransact(&s)
	}
	if err := validateTransaction(t, s.partition); err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	req := &api.TransactionRequest{PartitionKey: s.partition}
	writes := false
	for _, condition := range t.Conditions {
		req.Conditions = append(req.Conditions, condition.message)
	}
	for _, operation := range t.Operations {
		req.Operations = append(req.Operations, operation.signed(c.conf.identity))
		writes = writes || operation.write
	}
	ctx, cancel := context.WithTimeout(ctx, c.conf.requestTimeout)
	defer cancel()
	for {
		res, err := c.transactOnce(ctx, t, &s, writes, req)
		if errors.Is(err, errShardGone) && !errors.Is(err, ErrUnknownOutcome) {
			continue
		}
		if err == nil {
			err = transactionError(res)
		}
		if err != nil {
			return nil, fmt.Errorf("transaction: %w", err)
		}
		return t.results(res)
	}
}

// transactOnce sends a transaction to its shard.
func (c *Client) transactOnce(ctx context.Context, t Transaction, s *transactSettings, writes bool, req *api.TransactionRequest,
) (*api.TransactionResponse, error) {
	shard, err := c.shardOfTransaction(ctx, t, s.partition)
	if err != nil {
		return nil, err
	}
	var res *api.TransactionResponse
	send := func(ctx context.Context, conn *grpc.ClientConn, name *api.RequestName) error {
		var err error
		res, err = api.NewOstrakaClient(conn).Transact(ctx, &api.TransactRequest{Shard: shard.id, Transaction: req, Name: name})
		return err
	}
	if !writes || !s.once {
		err = c.attempt(ctx, shard.id, forCalls, repeatable(!writes), func(ctx context.Context, conn *grpc.ClientConn) error {
			return send(ctx, conn, nil)
		})
		return res, err
	}
	lanes := c.lanesOf(shard.id)
	if lanes == nil {
		return nil, ErrClosed
	}
	err = c.named(ctx, shard.id, &lanes.names, send)
	return res, err
}

// keys returns the keys of all records that a transaction is about.
func (t Transaction) keys() []string {
	keys := make([]string, 0, len(t.Conditions)+len(t.Operations))
	for _, condition := range t.Conditions {
		keys = append(keys, condition.message.GetKey())
	}
	for _, operation := range t.Operations {
		keys = append(keys, operation.key())
	}
	return keys
}

// shardOfTransaction returns the shard that has all of the records.
func (c *Client) shardOfTransaction(ctx context.Context, t Transaction, partition *string) (shard, error) {
	if partition != nil {
		return c.shardOf(ctx, keyspace.Hash(*partition))
	}
	keys := t.keys()
	s, err := c.shardOf(ctx, keyspace.Hash(keys[0]))
	if err != nil {
		return shard{}, err
	}
	for _, key := range keys {
		if !s.hashes.Contains(keyspace.Hash(key)) {
			return shard{}, &ArgumentError{"transaction", fmt.Sprintf("has %q and %q, which are in different shards", keys[0], key),
				"put the records with one partition key, and give it here"}
		}
	}
	return s, nil
}

func validateTransaction(t Transaction, partition *string) error {
	number := len(t.Conditions) + len(t.Operations)
	if number == 0 || number > maxTransactionOperations {
		return &ArgumentError{"transaction", fmt.Sprintf("has %d conditions and operations", number),
			fmt.Sprintf("give from 1 to %d", maxTransactionOperations)}
	}
	bytes := 0
	for i, condition := range t.Conditions {
		if condition.message == nil {
			return &ArgumentError{fmt.Sprintf("conditions[%d]", i), "is empty", "make it by one of the functions If..."}
		}
		bytes += proto.Size(condition.message) + overheadBytes
		if err := checkLength("value", len(condition.message.GetValue()), maxValueBytes); err != nil {
			return err
		}
	}
	for i, operation := range t.Operations {
		if operation.message == nil {
			return &ArgumentError{fmt.Sprintf("operations[%d]", i), "is empty", "make it by one of the functions Then..."}
		}
		bytes += proto.Size(operation.message) + overheadBytes
		if err := checkLength("value", len(operation.value()), maxValueBytes); err != nil {
			return err
		}
	}
	for _, key := range t.keys() {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	if err := checkLength("transaction", bytes, maxRequestBytes); err != nil {
		return err
	}
	return checkPartition(partition)
}

// transactionError returns what kept a transaction from happening, if something did.
func transactionError(res *api.TransactionResponse) error {
	switch res.GetStatus() {
	case api.TransactionResponse_COMMITTED:
		return nil
	case api.TransactionResponse_CONDITION_FAILED:
		record := res.GetFailedRecord()
		return &ConditionError{
			Index: int(res.GetFailedCondition()), Exists: record.GetVersion() != nil,
			Version: readVersion(record.GetVersion()), Value: record.GetValue(),
		}
	case api.TransactionResponse_VALUE_TOO_LARGE:
		return fmt.Errorf("%w: operation %d would make a value longer than servers take", ErrTooLarge, res.GetFailedOperation())
	case api.TransactionResponse_TRANSACTION_TOO_LARGE:
		return fmt.Errorf("%w: with operation %d the values are longer than servers take in one transaction", ErrTooLarge, res.GetFailedOperation())
	}
	return fmt.Errorf("the server answered with status %s, which this client does not know; upgrade the client", res.GetStatus())
}

// results reads the answer to a transaction that happened.
func (t Transaction) results(res *api.TransactionResponse) ([]TransactionRecord, error) {
	if len(res.GetResults()) != len(t.Operations) {
		return nil, fmt.Errorf("transaction: it happened, but the server answered %d operations of %d", len(res.GetResults()), len(t.Operations))
	}
	records := make([]TransactionRecord, len(t.Operations))
	for i, result := range res.GetResults() {
		records[i] = TransactionRecord{
			Key: t.Operations[i].key(), Exists: result.GetVersion() != nil,
			Value: result.GetValue(), Version: readVersion(result.GetVersion()),
		}
	}
	return records, nil
}
