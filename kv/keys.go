package kv

import (
	"encoding/binary"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// A span is one kind of row of a shard: the byte after the shard id in every
// key. Spans are far apart, so that a walk over one can never stray into another.
// FORMAT.md lists those that are reserved.
type span byte

const (
	spanState   span = 0x01
	spanRecords span = 0x10
)

const (
	// shardBytes is the length of the shard id that every key starts with.
	shardBytes = 8
	// prefixBytes is the length of what comes before a record's own key.
	prefixBytes = shardBytes + 1
)

// appendShard appends a shard id so that ids sort as numbers, which makes all of
// a shard one contiguous range.
func appendShard(dst []byte, shard ShardID) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(shard))
}

func appendSpan(dst []byte, shard ShardID, s span) []byte {
	return append(appendShard(dst, shard), byte(s))
}

// stateKey is the key of the shard's own row.
func stateKey(shard ShardID) []byte { return appendSpan(nil, shard, spanState) }

// appendRecordKey appends the key of a record's row.
func appendRecordKey(dst []byte, shard ShardID, order keyspace.Order, key string) []byte {
	return order.AppendEncoded(appendSpan(dst, shard, spanRecords), key)
}

// recordKeyOf returns the record's key of a row in the records span.
func recordKeyOf(row []byte, order keyspace.Order) string { return order.Decode(row[prefixBytes:]) }

// appendRecordsEnd appends the first key after the shard's records.
func appendRecordsEnd(dst []byte, shard ShardID) []byte {
	return appendSpan(dst, shard, spanRecords+1)
}

// shardBounds returns the range that holds everything of a shard. An id is never
// negative, so adding one to it cannot wrap around in 64 unsigned bits.
func shardBounds(shard ShardID) (start, end []byte) {
	return appendShard(nil, shard), binary.BigEndian.AppendUint64(nil, uint64(shard)+1)
}
