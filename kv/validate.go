package kv

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// HashRange is the part of the hash space that a shard holds.
type HashRange = keyspace.HashRange

// Limits of a write, and but for the last one of a transaction too. They may
// change: Apply does not know them.
const (
	// MaxKeyBytes bounds a key, a partition key and either end of a range.
	MaxKeyBytes = 32 << 10
	// MaxValueBytes bounds a value.
	MaxValueBytes = 16 << 20
	// MaxIdentityBytes bounds a client identity.
	MaxIdentityBytes = 4 << 10
	// MaxRequestBytes bounds an encoded WriteRequest or TransactionRequest.
	MaxRequestBytes = 32 << 20
	// MaxOperations bounds the operations of a WriteRequest, all kinds together.
	MaxOperations = 64 << 10
	// MaxDeleteRanges bounds the range deletes among them. What one costs grows with the
	// number of those before it.
	MaxDeleteRanges = 1024
)

// InternalPrefix starts the keys that are the server's own.
const InternalPrefix = "__oxia/"

// Validate refuses, before it is proposed, every write that a shard holding the
// given range would not apply as the client meant it. The error is a
// *RefusedError. That the request names the right shard is the caller's to check.
func Validate(req *api.WriteRequest, shard HashRange) error {
	if refused := validateWrite(req, shard); refused != nil {
		return refused
	}
	return nil
}

func validateWrite(req *api.WriteRequest, shard HashRange) *RefusedError {
	if refused := validateSize(req); refused != nil {
		return refused
	}
	for i, put := range req.GetPuts() {
		if refused := validatePut(put, shard); refused != nil {
			return refused.in("puts", i)
		}
	}
	for i, del := range req.GetDeletes() {
		if refused := validateDelete(del, shard); refused != nil {
			return refused.in("deletes", i)
		}
	}
	for i, del := range req.GetDeleteRanges() {
		if refused := validateDeleteRange(del); refused != nil {
			return refused.in("delete_ranges", i)
		}
	}
	return nil
}

func validateSize(req *api.WriteRequest) *RefusedError {
	operations := len(req.GetPuts()) + len(req.GetDeletes()) + len(req.GetDeleteRanges())
	if operations == 0 {
		return refuse(Invalid, wholeMessage, "has no operation", "send at least one put, delete or range delete")
	}
	if operations > MaxOperations {
		return refuse(TooLarge, wholeMessage, fmt.Sprintf("has %d operations", operations),
			fmt.Sprintf("send at most %d in a request", MaxOperations))
	}
	if ranges := len(req.GetDeleteRanges()); ranges > MaxDeleteRanges {
		return refuse(TooLarge, "delete_ranges", fmt.Sprintf("has %d ranges", ranges),
			fmt.Sprintf("send at most %d in a request", MaxDeleteRanges))
	}
	if refused := checkLength(wholeMessage, proto.Size(req), MaxRequestBytes); refused != nil {
		return refused
	}
	return checkKnown(req)
}

func validatePut(put *api.PutRequest, shard HashRange) *RefusedError {
	return cmp.Or(
		checkKnown(put),
		checkKey(put.GetKey()),
		checkText("partition_key", put.GetPartitionKey(), MaxKeyBytes),
		checkText("client_identity", put.GetClientIdentity(), MaxIdentityBytes),
		checkLength("value", len(put.GetValue()), MaxValueBytes),
		checkExpected("expected_version_id", put.ExpectedVersionId),
		contradiction(put),
		checkDeltas(put),
		checkIndexes(put),
		checkRoute("key", putRoute(put), shard),
	)
}

// validateDelete lets a delete without a partition key pass whatever its key's
// hash is: the record may have been put under a partition key that the client
// does not tell, and then it is this shard that holds it.
func validateDelete(del *api.DeleteRequest, shard HashRange) *RefusedError {
	refused := cmp.Or(
		checkKnown(del),
		checkKey(del.GetKey()),
		checkText("partition_key", del.GetPartitionKey(), MaxKeyBytes),
		checkExpected("expected_version_id", del.ExpectedVersionId),
	)
	if refused == nil && del.PartitionKey != nil {
		refused = checkRoute("key", del.GetPartitionKey(), shard)
	}
	return refused
}

// validateDeleteRange asks nothing of the ends but that they are keys: a range
// reaches over keys of all kinds, and the server's own rows are in no range.
func validateDeleteRange(del *api.DeleteRangeRequest) *RefusedError {
	return cmp.Or(
		checkKnown(del),
		checkText("start_inclusive", del.GetStartInclusive(), MaxKeyBytes),
		checkText("end_exclusive", del.GetEndExclusive(), MaxKeyBytes),
	)
}

// putRoute returns a put's routing string. A partition key that is present
// routes even if it is empty.
func putRoute(put *api.PutRequest) string {
	if put.PartitionKey != nil {
		return put.GetPartitionKey()
	}
	return put.GetKey()
}
