package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// A row of a secondary index names a record by where it is found: the index, the
// secondary key, and the record's own key. Rows of an index are in the order of their
// secondary keys, and of one secondary key in that of the records' keys, both of them
// the shard's. The row holds nothing: what there is of the record is in its own row.

// An encoded secondary key is escaped, so that it ends where its terminator is and
// sorts as it did: a zero byte is followed by indexEscape, and the end is a zero byte
// followed by indexEnd, which is less.
const (
	indexEnd    byte = 0x01
	indexAfter  byte = 0x02
	indexEscape byte = 0xff
)

// appendIndexKey appends the key of the row that a record has in an index.
func appendIndexKey(dst []byte, shard ShardID, order keyspace.Order, e indexEntry, record string) []byte {
	dst = appendIndexBound(dst, shard, order, e)
	return order.AppendEncoded(append(dst, 0, indexEnd), record)
}

// appendIndexBound appends what comes after every row of lesser secondary keys in the
// index, and before every row of this one.
func appendIndexBound(dst []byte, shard ShardID, order keyspace.Order, e indexEntry) []byte {
	dst = appendIndexStart(dst, shard, e.index)
	start := len(dst)
	dst = order.AppendEncoded(dst, e.key)
	zeros := bytes.Count(dst[start:], []byte{0})
	if zeros == 0 {
		return dst
	}
	escaped := bytes.ReplaceAll(dst[start:], []byte{0}, []byte{0, indexEscape})
	return append(dst[:start], escaped...)
}

// appendIndexStart appends what comes before every row of an index.
func appendIndexStart(dst []byte, shard ShardID, index string) []byte {
	return appendText(appendSpan(dst, shard, spanIndexes), index)
}

// appendIndexStop appends what comes after every row of an index: no encoding of a key
// begins with such a byte.
func appendIndexStop(dst []byte, shard ShardID, index string) []byte {
	return append(appendIndexStart(dst, shard, index), 0xff)
}

var errIndexRow = errors.New("it names no place in an index")

// parseIndexKey reads a row's own key, without shard id and span. Only what
// appendIndexKey writes can be read.
func parseIndexKey(own []byte, order keyspace.Order) (indexRow, error) {
	f := fields{rest: own}
	at := indexRow{entry: indexEntry{index: f.text()}}
	key, rest, terminated := unescape(f.rest)
	if f.err != nil || !terminated {
		return indexRow{}, errIndexRow
	}
	var known bool
	if at.entry.key, known = decodeKey(order, key); known {
		at.record, known = decodeKey(order, rest)
	}
	if !known {
		return indexRow{}, errIndexRow
	}
	return at, nil
}

// unescape returns what is before the terminator, as it was before it was escaped, and
// what is after it.
func unescape(escaped []byte) (plain, rest []byte, terminated bool) {
	for rest = escaped; ; {
		i := bytes.IndexByte(rest, 0)
		if i < 0 || i+1 == len(rest) {
			return nil, nil, false
		}
		plain = append(plain, rest[:i]...)
		mark := rest[i+1]
		rest = rest[i+2:]
		switch mark {
		case indexEnd:
			return plain, rest, true
		case indexEscape:
			plain = append(plain, 0)
		default:
			return nil, nil, false
		}
	}
}

// indexRow is what the key of a row in an index says.
type indexRow struct {
	entry indexEntry
	// record is the key of the record.
	record string
}

// indexRowOf reads a row of an index.
func indexRowOf(shard ShardID, row []byte, order keyspace.Order) (*indexRow, error) {
	at, err := parseIndexKey(row[prefixBytes:], order)
	if err != nil {
		return nil, &CorruptionError{Shard: shard, Row: fmt.Sprintf("index row %x", row[prefixBytes:]), Detail: err.Error()}
	}
	return &at, nil
}

// decodeKey returns the key of an encoding, and whether it is one.
func decodeKey(order keyspace.Order, encoded []byte) (string, bool) {
	key := order.Decode(encoded)
	return key, utf8.ValidString(key) && bytes.Equal(order.AppendEncoded(nil, key), encoded)
}

// ownedPrefixBytes is the length of what comes before the record's key in a row of a
// session's records.
const ownedPrefixBytes = prefixBytes + 8

// A row of a session's records names a record by its session.

// appendOwnedKey appends the key of the row that a record has with its session.
func appendOwnedKey(dst []byte, shard ShardID, order keyspace.Order, session int64, record string) []byte {
	return order.AppendEncoded(appendOwnedStart(dst, shard, session), record)
}

// appendOwnedStart appends what comes before every row of a session's records. That of
// the session after it comes after them.
func appendOwnedStart(dst []byte, shard ShardID, session int64) []byte {
	return binary.BigEndian.AppendUint64(appendSpan(dst, shard, spanOwned), uint64(session))
}
