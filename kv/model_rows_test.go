package kv

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// checkRows holds the rows of a shard against each other: beside the records there is
// what goes with them, and nothing else. It is the law of the spans, of which reads
// show a part.
func checkRows(t failer, db *DB, shard ShardID) {
	t.Helper()
	state, err := db.readState(shard)
	if err != nil {
		t.Fatalf("state: %v", err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	sessions, err := db.Sessions(shard)
	if err != nil {
		t.Fatalf("sessions: %v", err)
	}
	var attached int64
	for key, value := range rowsIn(t, db, shard) {
		if span(key[shardBytes]) != spanRecords {
			if s := span(key[shardBytes]); s == spanIndexes || s == spanOwned {
				got[key] = true
			}
			continue
		}
		r, err := decodeRecord([]byte(value))
		if err != nil {
			t.Fatalf("record %x: %v", key, err)
		}
		name := recordKeyOf([]byte(key), state.order)
		for _, e := range r.indexes {
			want[string(appendIndexKey(nil, shard, state.order, e, name))] = true
		}
		if r.session != nil && !slices.ContainsFunc(sessions, func(s Session) bool { return s.ID == *r.session }) {
			t.Fatalf("record %q is of session %d, which is over", name, *r.session)
		}
		if r.session != nil {
			want[string(appendOwnedKey(nil, shard, state.order, *r.session, name))] = true
		}
		if r.attached() {
			attached++
		}
	}
	if !maps.Equal(want, got) {
		t.Fatalf("beside the records there are\n%s\nwant\n%s", describeKeys(got), describeKeys(want))
	}
	if state.attached != attached {
		t.Fatalf("%d records have rows beside them, and the state says %d", attached, state.attached)
	}
}

// rowsIn returns the rows of a shard by their keys.
func rowsIn(t failer, db *DB, shard ShardID) map[string]string {
	t.Helper()
	start, end := shardBounds(shard)
	it, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		t.Fatalf("iterate: %v", err)
	}
	rows := map[string]string{}
	for it.First(); it.Valid(); it.Next() {
		rows[string(it.Key())] = string(it.Value())
	}
	if err := it.Close(); err != nil {
		t.Fatalf("iterate: %v", err)
	}
	return rows
}

func describeKeys(keys map[string]bool) string {
	var out string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		out += fmt.Sprintln(hex.EncodeToString([]byte(key)))
	}
	return out
}
