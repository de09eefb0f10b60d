package kv

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// MaxTransactionOperations bounds the conditions and operations of a transaction,
// taken together. It may change: Apply does not know it. Keys, values, identities
// and the encoded request have the limits of a write.
const MaxTransactionOperations = 1024

// ValidateTransaction refuses, before it is proposed, every transaction that a
// shard holding the given range would not carry out as the client meant it. The
// error is a *RefusedError. That the request names the right shard is the caller's
// to check.
//
// How long the values are that a transaction finds is known when it is applied:
// those limits are in its answer, and not checked here.
func ValidateTransaction(req *api.TransactionRequest, shard HashRange) error {
	if refused := validateTransaction(req, shard); refused != nil {
		return refused
	}
	return nil
}

func validateTransaction(req *api.TransactionRequest, shard HashRange) *RefusedError {
	refused := cmp.Or(
		validateTransactionSize(req),
		checkText("partition_key", req.GetPartitionKey(), MaxKeyBytes),
	)
	if refused == nil && req.PartitionKey != nil {
		refused = checkRoute("partition_key", req.GetPartitionKey(), shard)
	}
	if refused != nil {
		return refused
	}
	for i, condition := range req.GetConditions() {
		if refused := validateCondition(condition); refused != nil {
			return refused.in("conditions", i)
		}
	}
	for i, operation := range req.GetOperations() {
		refused, routed := validateTransactionOperation(operation)
		if refused == nil && routed != "" && req.PartitionKey == nil {
			refused = checkRoute("key", routed, shard)
		}
		if refused != nil {
			return refused.in("operations", i)
		}
	}
	// Last, so that what only a newer server knows has been called that.
	return incomplete(req)
}

func validateTransactionSize(req *api.TransactionRequest) *RefusedError {
	number := len(req.GetConditions()) + len(req.GetOperations())
	if number == 0 {
		return refuse(Invalid, wholeMessage, "has no condition and no operation", "send at least one")
	}
	if number > MaxTransactionOperations {
		return refuse(TooLarge, wholeMessage, fmt.Sprintf("has %d conditions and operations", number),
			fmt.Sprintf("send at most %d in a transaction", MaxTransactionOperations))
	}
	return cmp.Or(checkLength(wholeMessage, proto.Size(req), MaxRequestBytes), checkKnown(req))
}

// incomplete refuses a transaction that has a condition without an expectation,
// or an operation of no kind: what a newer client may ask for looks like this.
func incomplete(req *api.TransactionRequest) *RefusedError {
	for i, condition := range req.GetConditions() {
		if condition.GetExpectation() == nil {
			return refuse(Invalid, "expectation", "is not set", "say what the record must be").in("conditions", i)
		}
	}
	for i, operation := range req.GetOperations() {
		if operation.GetOperation() == nil {
			return refuse(Invalid, "operation", "is not set", "say what to do").in("operations", i)
		}
	}
	return nil
}

func validateCondition(condition *api.TransactionCondition) *RefusedError {
	refused := cmp.Or(
		checkKnown(condition),
		checkKey(condition.GetKey()),
		checkLength("value", len(condition.GetValue()), MaxValueBytes),
	)
	if expected, is := condition.GetExpectation().(*api.TransactionCondition_VersionId); is && refused == nil {
		refused = checkExpected("version_id", &expected.VersionId)
	}
	return refused
}

// validateTransactionOperation returns also the key that routes the operation, if
// one does. As everywhere, only what may create a record is held to the hash of
// its key: any other record may have been put under a partition key that the
// client does not tell.
func validateTransactionOperation(operation *api.TransactionOperation) (refused *RefusedError, routed string) {
	if refused := checkKnown(operation); refused != nil {
		return refused, ""
	}
	switch op := operation.GetOperation().(type) {
	case *api.TransactionOperation_Get:
		return within("get", checkKnown(op.Get), checkKey(op.Get.GetKey())), ""
	case *api.TransactionOperation_Delete:
		return within("delete", checkKnown(op.Delete), checkKey(op.Delete.GetKey())), ""
	case *api.TransactionOperation_Put:
		return within("put", checkKnown(op.Put), checkWritten(op.Put)), op.Put.GetKey()
	case *api.TransactionOperation_Append:
		return within("append", checkKnown(op.Append), checkWritten(op.Append)), op.Append.GetKey()
	}
	return nil, ""
}

// checkWritten checks what a put and an append have in common.
func checkWritten(op interface {
	GetKey() string
	GetValue() []byte
	GetClientIdentity() string
}) *RefusedError {
	return cmp.Or(
		checkKey(op.GetKey()),
		checkText("client_identity", op.GetClientIdentity(), MaxIdentityBytes),
		checkLength("value", len(op.GetValue()), MaxValueBytes),
	)
}

// within returns the first refusal, if there is one, with its field put into
// another one.
func within(field string, checks ...*RefusedError) *RefusedError {
	if refused := cmp.Or(checks...); refused != nil {
		return refused.within(field)
	}
	return nil
}
