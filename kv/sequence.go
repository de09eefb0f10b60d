package kv

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// A key of a sequence is its prefix, and after it one or more numbers, each written as
// a dash and twenty digits. The last of a sequence is the key that comes last in either
// order of keys; nothing else keeps count, so that records which are put under such
// keys by their names, to move them from elsewhere, count as well.

// sequencePartBytes is the length of a number in a key.
const sequencePartBytes = 1 + 20

func appendSequencePart(key string, number uint64) string {
	return fmt.Sprintf("%s-%020d", key, number)
}

// parseSequence reads the numbers that a key has after its prefix, and returns what
// comes after the last of them.
func parseSequence(after string) (numbers []uint64, rest string) {
	for rest = after; len(rest) >= sequencePartBytes && rest[0] == '-'; rest = rest[sequencePartBytes:] {
		number, err := strconv.ParseUint(rest[1:sequencePartBytes], 10, 64)
		if err != nil {
			break
		}
		numbers = append(numbers, number)
	}
	return numbers, rest
}

// nextInSequence returns the key that follows the last one of a sequence. It is not
// possible if that has more numbers than there are deltas, or if a sum is more than a
// number can be.
func nextInSequence(from pebble.Reader, shard ShardID, order keyspace.Order, prefix string, deltas []uint64) (string, bool, error) {
	_, last, err := lastInSequence(from, shard, order, prefix)
	if err != nil || len(last) > len(deltas) {
		return "", false, err
	}
	key := prefix
	for i, delta := range deltas {
		var number uint64
		if i < len(last) {
			number = last[i]
		}
		if delta > math.MaxUint64-number {
			return "", false, nil
		}
		key = appendSequencePart(key, number+delta)
	}
	return key, true, nil
}

// lastInSequence returns the last key of a sequence, and its numbers; none if there is
// no such key. Keys between those of the sequence, which begin like one and go on
// otherwise, are passed over, most of them without being read.
func lastInSequence(from pebble.Reader, shard ShardID, order keyspace.Order, prefix string) (key string, numbers []uint64, err error) {
	it, err := from.NewIter(&pebble.IterOptions{
		LowerBound: appendRecordKey(nil, shard, order, prefix+"-0"),
		UpperBound: appendRecordKey(nil, shard, order, prefix+"-:"), // the colon follows the digits
	})
	if err != nil {
		return "", nil, fmt.Errorf("walk a sequence: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for found := it.Last(); found; {
		key := recordKeyOf(it.Key(), order)
		numbers, rest := parseSequence(key[len(prefix):])
		of := key[:len(key)-len(rest)]
		switch {
		case rest == "":
			return key, numbers, nil
		case len(numbers) == 0 || rest[0] == '-':
			found = it.Prev()
		case rest[0] > '-':
			// Of what begins with these numbers, only what goes on with a dash counts.
			found = it.SeekLT(appendRecordKey(nil, shard, order, of+"-:"))
		default:
			found = it.SeekLT(append(appendRecordKey(nil, shard, order, of), 0))
		}
	}
	return "", nil, nil
}

// HighestSequence returns the last key of the sequence with a prefix, as the last entry
// applied left it, and whether there is one. Numbers of other prefixes do not count,
// though they begin alike: those of "foobar" are not "foo"'s.
//
// The error is a *ShardIDError or storage's.
func (db *DB) HighestSequence(shard ShardID, prefix string) (string, bool, error) {
	if shard < 0 {
		return "", false, &ShardIDError{Shard: shard}
	}
	snapshot := db.pebble.NewSnapshot()
	defer snapshot.Close()
	order, err := db.orderAt(snapshot, shard)
	if err != nil {
		return "", false, err
	}
	key, numbers, err := lastInSequence(snapshot, shard, order, prefix)
	if err != nil {
		return "", false, fmt.Errorf("shard %d: read sequence %q: %w", shard, prefix, damageOf(shard, err))
	}
	return key, len(numbers) > 0, nil
}
