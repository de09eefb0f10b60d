package kv

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

func mustChecked(t failer, db *DB, shard ShardID) check {
	t.Helper()
	offset, digest, err := db.Checked(shard)
	if err != nil {
		t.Fatalf("checked: %v", err)
	}
	return check{offset, digest}
}

// However entries were cut into calls, what is kept is the digest of the last
// agreed offset; a crash, a replay and a snapshot keep it.
func TestCheckIsTheDigestAtTheLastAgreedOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := entriesGenerator(6*checkEveryForTest).Draw(t, "log")
		one, many := newDisk(t), newDisk(t)
		defer func() { one.close(t); many.close(t) }()

		var want check
		for i := range log {
			mustApply(t, one.db, 1, log[i:i+1])
			digest, applied, err := one.db.Digest(1)
			if err != nil {
				t.Fatal(err)
			}
			if applied.Offset%checkEveryForTest == 0 {
				want = check{applied.Offset, digest}
			}
			if got := mustChecked(t, one.db, 1); got != want {
				t.Fatalf("after %s: %v, want %v", applied, got, want)
			}
		}
		for rest := log; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "entries")
			mustApply(t, many.db, 1, rest[:n])
			rest = rest[n:]
			if rapid.Bool().Draw(t, "crash") {
				many.crash(t, nil)
				rest = log[mustApplied(t, many.db, 1).Offset:]
				if len(rest) > 0 {
					mustApply(t, many.db, 1, rest)
					rest = nil
				}
			}
		}
		if got := mustChecked(t, many.db, 1); got != want {
			t.Fatalf("applied otherwise: %v, want %v", got, want)
		}
		for _, part := range wholeExport(t, one.db, 1, func() int { return blockBytes }) {
			if _, err := many.db.Import(2, part); err != nil {
				t.Fatal(err)
			}
		}
		if got := mustChecked(t, many.db, 2); got != want {
			t.Fatalf("from a snapshot: %v, want %v", got, want)
		}
	})
}

// A replica whose record was damaged differs at the next agreed offset from one
// that is sound, once an entry builds on that record.
func TestDamagedReplicaDiffersAtTheNextAgreedOffset(t *testing.T) {
	sound, damaged := openForTest(t), openForTest(t)
	entry := func(offset int64) []Entry {
		return []Entry{{ID: EntryID{Term: 1, Offset: offset}, Payload: mustPayload(putOf("a", "b"))}}
	}
	for offset := int64(1); offset <= checkEveryForTest; offset++ {
		mustApply(t, sound, 1, entry(offset))
		mustApply(t, damaged, 1, entry(offset))
	}
	if one, two := mustChecked(t, sound, 1), mustChecked(t, damaged, 1); one != two || one.offset != checkEveryForTest {
		t.Fatalf("equal replicas: %v and %v", one, two)
	}
	row := appendRecordKey(nil, 1, keyspace.Hierarchical, "a")
	if err := damaged.pebble.Delete(row, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	for offset := int64(checkEveryForTest + 1); offset <= 2*checkEveryForTest; offset++ {
		mustApply(t, sound, 1, entry(offset))
		mustApply(t, damaged, 1, entry(offset))
	}
	one, two := mustChecked(t, sound, 1), mustChecked(t, damaged, 1)
	if one.offset != two.offset || one.digest == two.digest {
		t.Errorf("the damaged replica is not told apart: %v and %v", one, two)
	}
}

// Without an option, the distance is the one that the format states.
func TestChecksAreAsFarApartAsTheFormatSays(t *testing.T) {
	for _, options := range []Options{{}, {CheckEvery: -1}} {
		if got := options.checkEvery(); got != 1024 {
			t.Errorf("every %d", got)
		}
	}
}
