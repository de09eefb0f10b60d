package kv

import (
	"testing"

	"pgregory.net/rapid"
)

// One entry at a time in one database, cut at random in another, under another
// shard id and beside a third shard: rows, digest and answers are the same.
func TestStateDependsOnEntriesAlone(t *testing.T) {
	singly, cut := newDisk(t), newDisk(t)
	defer singly.close(t)
	defer cut.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard += 2 // a fresh one for every run, and its neighbour
		entries := entriesGenerator(12).Draw(t, "entries")

		var answers, cutAnswers string
		for i := range entries {
			answers += answersOf(mustApply(t, singly.db, shard, entries[i:i+1]))
		}
		for rest := entries; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			cutAnswers += answersOf(mustApply(t, cut.db, shard+1, rest[:n]))
			rest = rest[n:]
			if rapid.Bool().Draw(t, "flush") {
				if err := cut.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}

		if answers != cutAnswers {
			t.Fatalf("answers differ:\n%s\n%s", answers, cutAnswers)
		}
		checkRows(t, singly.db, shard)
		if a, b := contentOf(t, singly.db, shard), contentOf(t, cut.db, shard+1); a != b {
			t.Fatalf("content differs:\n%s\n%s", a, b)
		}
	})
}

// The digest tells any two histories apart, be the difference in what an entry
// did or only in its term.
func TestDigestTellsHistoriesApart(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard += 2
		entries := entriesGenerator(6).Draw(t, "entries")
		other := append([]Entry(nil), entries...)
		i := rapid.IntRange(0, len(other)-1).Draw(t, "changed")
		if rapid.Bool().Draw(t, "change the term") {
			for j := i; j < len(other); j++ {
				other[j].ID.Term++
			}
		} else {
			other[i].Payload = mustPayload(putOf("a", "a value that is not drawn"))
		}
		mustApply(t, d.db, shard, entries)
		mustApply(t, d.db, shard+1, other)
		one, _, err := d.db.Digest(shard)
		if err != nil {
			t.Fatal(err)
		}
		two, _, err := d.db.Digest(shard + 1)
		if err != nil {
			t.Fatal(err)
		}
		if one == two {
			t.Fatalf("both digests are %s", one)
		}
	})
}
