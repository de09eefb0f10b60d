package kv

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// FuzzApply gives two shards the same bytes as an entry. It must not fail but for
// a version or kind it does not know, and do the same to both.
func FuzzApply(f *testing.F) {
	for _, payload := range [][]byte{
		nil, {1}, {2, 1}, {1, 3}, BarrierPayload(),
		mustPayload(putOf("a", "b")),
		mustPayload(&api.WriteRequest{
			Puts:         []*api.PutRequest{{Key: "a", ExpectedVersionId: proto.Int64(0), ClientIdentity: proto.String("me")}},
			Deletes:      []*api.DeleteRequest{{Key: "a", ExpectedVersionId: proto.Int64(1)}},
			DeleteRanges: []*api.DeleteRangeRequest{{StartInclusive: "\xc3\xa9"}, {StartInclusive: "z", EndExclusive: "a"}},
		}),
		mustTransaction(&api.TransactionRequest{
			Conditions: []*api.TransactionCondition{ifVersion("a", 0), ifExists("b", false), ifValue("a", "old")},
			Operations: []*api.TransactionOperation{doGet("a"), doPut("a", "b"), doAppend("a", "c"), doDelete("a"), doAppend("\xc3\xa9", "")},
		}),
		mustTransaction(&api.TransactionRequest{Operations: []*api.TransactionOperation{{}}}),
		mustPayload(&api.WriteRequest{Puts: []*api.PutRequest{{Key: "__oxia/term", SequenceKeyDelta: []uint64{0}}}}),
	} {
		f.Add(payload)
	}
	d := newDisk(f)
	f.Cleanup(func() { d.close(f) })
	shard := ShardID(0)
	f.Fuzz(func(t *testing.T, payload []byte) {
		shard += 2
		// The same record stands in its way in both.
		entries := []Entry{
			{ID: EntryID{Term: 1, Offset: 1}, Timestamp: 1, Payload: mustPayload(putOf("a", "old"))},
			{ID: EntryID{Term: 1, Offset: 2}, Timestamp: 2, Payload: payload},
			{ID: EntryID{Term: 1, Offset: 3}, Timestamp: 3, Payload: mustPayload(putOf("a", "new"))},
		}
		_, _, parseErr := ParsePayload(payload)
		unknown := (*UnknownEntryError)(nil)
		stops := errors.As(parseErr, &unknown)

		results, err := d.db.Apply(shard, entries)
		if errors.As(err, &unknown) != stops || (err != nil && !stops) {
			t.Fatalf("apply: %v; parse: %v", err, parseErr)
		}
		var again []Result
		for i := range results {
			again = append(again, mustApply(t, d.db, shard+1, entries[i:i+1])...)
		}
		if a, b := answersOf(results), answersOf(again); a != b {
			t.Fatalf("answers differ:\n%s\n%s", a, b)
		}
		if a, b := contentOf(t, d.db, shard), contentOf(t, d.db, shard+1); a != b {
			t.Fatalf("content differs:\n%s\n%s", a, b)
		}
	})
}

// FuzzRecord: bytes either are a record, and then the record is those bytes, or
// they are refused.
func FuzzRecord(f *testing.F) {
	me := "me"
	f.Add([]byte{})
	f.Add(appendRecord(nil, &record{versionID: 1, modifications: 2, created: 3, modified: 4, hash: 5, value: []byte("v")}))
	f.Add(appendRecord(nil, &record{identity: &me}))
	f.Fuzz(func(t *testing.T, stored []byte) {
		r, err := decodeRecord(stored)
		if err != nil {
			return
		}
		if again := appendRecord(nil, &r); !bytes.Equal(again, stored) {
			t.Fatalf("%x decodes to what encodes to %x", stored, again)
		}
	})
}

// FuzzState does for the shard's own row what FuzzRecord does for records.
func FuzzState(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendState(nil, shardState{applied: EntryID{Term: 1, Offset: 2}, nextVersion: 3, digest: 4}))
	f.Fuzz(func(t *testing.T, stored []byte) {
		s, err := decodeState(stored)
		if err != nil {
			return
		}
		if again := appendState(nil, s); !bytes.Equal(again, stored) {
			t.Fatalf("%x decodes to what encodes to %x", stored, again)
		}
	})
}
