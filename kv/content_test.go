package kv

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// contentOf returns every row of a shard, and not the shard's id: two shards with
// equal content are in the same state.
func contentOf(t failer, db *DB, shard ShardID) string {
	t.Helper()
	start, end := shardBounds(shard)
	return rowsOf(t, db, start, end)
}

// recordRowsOf is contentOf without the shard's own row.
func recordRowsOf(t failer, db *DB, shard ShardID) string {
	t.Helper()
	return rowsOf(t, db, appendSpan(nil, shard, spanRecords), appendRecordsEnd(nil, shard))
}

func rowsOf(t failer, db *DB, start, end []byte) string {
	t.Helper()
	it, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		t.Fatalf("iterate: %v", err)
	}
	var out strings.Builder
	for it.First(); it.Valid(); it.Next() {
		fmt.Fprintf(&out, "%x = %x\n", it.Key()[shardBytes:], it.Value())
	}
	if err := it.Close(); err != nil {
		t.Fatalf("iterate: %v", err)
	}
	return out.String()
}

func mustApply(t failer, db *DB, shard ShardID, entries []Entry) []Result {
	t.Helper()
	results, err := db.Apply(shard, entries)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	if len(results) != len(entries) {
		t.Fatalf("%d results for %d entries", len(results), len(entries))
	}
	return results
}

// answersOf returns results as a replica would send them.
func answersOf(results []Result) string {
	var out strings.Builder
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&out, "%s %s %s %x\n", r.ID, r.Kind, r.Outcome, r.Encode())
	}
	return out.String()
}

func mustApplied(t failer, db *DB, shard ShardID) EntryID {
	t.Helper()
	applied, err := db.Applied(shard)
	if err != nil {
		t.Fatalf("applied: %v", err)
	}
	return applied
}
