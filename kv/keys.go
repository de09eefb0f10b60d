package kv

import (
	"encoding/binary"
	"fmt"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// A span is one kind of row of a shard: the byte after the shard id in every
// key. A walk has the bounds of its span, and never strays into another.
type span byte

const (
	spanState   span = 0x01
	spanRecords span = 0x10
	// spanIndexes has a row for each entry of a record in a secondary index.
	spanIndexes span = 0x20
	// spanSessions has a row for each session.
	spanSessions span = 0x30
	// spanOwned has a row for each record of a session.
	spanOwned span = 0x31
	// spanNotifications has a row for each entry that changed records.
	spanNotifications span = 0x40
	// spanClients has a row for each client that names its requests, spanAnswers for
	// each request of it that is remembered, and spanAges one for each client again, by
	// when it last wrote.
	spanClients span = 0x50
	spanAnswers span = 0x51
	spanAges    span = 0x52
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

// shardOf returns the shard that a row belongs to. The error is a
// *CorruptionError, since every row belongs to one.
func shardOf(row []byte) (ShardID, error) {
	if len(row) < prefixBytes || row[0]&0x80 != 0 {
		return 0, &CorruptionError{Row: fmt.Sprintf("row %x", row), Detail: "it belongs to no shard"}
	}
	return ShardID(binary.BigEndian.Uint64(row)), nil
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

// recordBounds returns the range of the rows of a range of records, whose end is that of
// the shard if it is empty.
func recordBounds(shard ShardID, order keyspace.Order, startInclusive, endExclusive string) (start, end []byte) {
	start = appendRecordKey(nil, shard, order, startInclusive)
	if endExclusive == "" {
		return start, appendRecordsEnd(nil, shard)
	}
	return start, appendRecordKey(nil, shard, order, endExclusive)
}

// shardBounds returns the range that holds everything of a shard. An id is never
// negative, so adding one to it cannot wrap around in 64 unsigned bits.
func shardBounds(shard ShardID) (start, end []byte) {
	return appendShard(nil, shard), binary.BigEndian.AppendUint64(nil, uint64(shard)+1)
}
