package kv

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// FuzzApply gives two shards the same bytes as an entry. It must not fail but for
// a version or kind it does not know, and do the same to both.
func FuzzApply(f *testing.F) {
	for _, payload := range [][]byte{
		nil, {1}, {2, 1}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, namedWrite(&api.RequestName{Client: clientName(1), Sequence: 1, Low: 1}, putOf("a", "b")), TrimNotificationsPayload(1), CreateSessionPayload(time.Second, "me"), CloseSessionsPayload(1, 2), BarrierPayload(), mustBarrier(&api.ShardSettings{KeyOrder: 2}),
		mustBarrier(&api.ShardSettings{NotificationsDisabled: true}), append(BarrierPayload(), 0xff),
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
	session := int64(7)
	f.Add(appendRecord(nil, &record{session: &session, indexes: []indexEntry{{"i", ""}, {"i", "k"}}, value: []byte("v")}))
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

// FuzzIndexKey: a row's own key either names a place in an index, and then is the key
// of that place, or it is refused.
func FuzzIndexKey(f *testing.F) {
	for _, order := range []keyspace.Order{keyspace.Hierarchical, keyspace.Natural} {
		f.Add(byte(order), appendIndexKey(nil, 1, order, indexEntry{"i", "a\x00/b"}, "r/s")[prefixBytes:])
	}
	f.Add(byte(0), []byte{})
	f.Fuzz(func(t *testing.T, order byte, own []byte) {
		o := keyspace.Order(order % 2)
		at, err := parseIndexKey(own, o)
		if err != nil {
			return
		}
		if again := appendIndexKey(nil, 1, o, at.entry, at.record)[prefixBytes:]; !bytes.Equal(again, own) {
			t.Fatalf("%x reads as what is written %x", own, again)
		}
	})
}

// FuzzSession: a row either is a session, and then is that session's, or is refused. A
// body of an entry either is a change of sessions or nothing.
func FuzzSession(f *testing.F) {
	f.Add(appendSessionKey(nil, 1, 7)[prefixBytes:], appendSession(nil, Session{Created: 1, Timeout: time.Second, Identity: "me"}))
	f.Add([]byte{}, CreateSessionPayload(time.Second, "me")[payloadHeaderBytes:])
	f.Add([]byte{}, ExpireSessionsPayload(1, 2)[payloadHeaderBytes:])
	f.Fuzz(func(t *testing.T, own, stored []byte) {
		if s, err := decodeSession(own, stored); err == nil {
			key, value := appendSessionKey(nil, 1, s.ID)[prefixBytes:], appendSession(nil, s)
			if !bytes.Equal(key, own) || !bytes.Equal(value, stored) {
				t.Fatalf("%x = %x decodes to what encodes to %x = %x", own, stored, key, value)
			}
		}
		change, known := parseSessionChange(stored)
		if !known {
			return
		}
		again := payloadOf(KindSession, idsBody(stored[0], change.ended))
		if change.create != nil {
			again = CreateSessionPayload(change.create.Timeout, change.create.Identity)
		}
		if !bytes.Equal(again[payloadHeaderBytes:], stored) {
			t.Fatalf("%x is read as %x", stored, again)
		}
	})
}

// FuzzNotifications does for rows of notifications what FuzzRecord does for records.
func FuzzNotifications(f *testing.F) {
	f.Add(appendNotifications(nil, 7, []notification{
		{key: "a", kind: 0, versionID: 1}, {key: "b", kind: 1, versionID: 2}, {key: "c", kind: 2}, {key: "d", kind: 3, end: "e"},
	}))
	f.Fuzz(func(t *testing.T, stored []byte) {
		timestamp, notes, err := decodeNotifications(stored)
		if err != nil {
			return
		}
		if again := appendNotifications(nil, timestamp, notes); !bytes.Equal(again, stored) {
			t.Fatalf("%x decodes to what encodes to %x", stored, again)
		}
	})
}

// FuzzClient: a client's row either is one, and then that client's, or is refused; so is
// its place among the others. A kept answer, and a body, are read or refused.
func FuzzClient(f *testing.F) {
	c := &client{name: [onceClientBytes]byte(clientName('a')), last: 1, low: 2, kept: 3}
	f.Add(appendClientKey(nil, 1, c)[prefixBytes:], appendClient(nil, c))
	f.Add(appendAgeKey(nil, 1, c)[prefixBytes:], []byte{onceUnknown})
	f.Add([]byte{}, namedWrite(&api.RequestName{Client: c.name[:], Sequence: 1, Low: 1}, putOf("a", "b"))[payloadHeaderBytes:])
	f.Fuzz(func(t *testing.T, own, stored []byte) {
		if c, err := decodeClient(own, stored); err == nil {
			key, value := appendClientKey(nil, 1, &c)[prefixBytes:], appendClient(nil, &c)
			if !bytes.Equal(key, own) || !bytes.Equal(value, stored) {
				t.Fatalf("%x = %x decodes to what encodes to %x = %x", own, stored, key, value)
			}
		}
		if c, known := parseAge(own); known {
			if key := appendAgeKey(nil, 1, c)[prefixBytes:]; !bytes.Equal(key, own) {
				t.Fatalf("%x is read as %x", own, key)
			}
		}
		if write, transaction, err := decodeAnswer(stored); err == nil && write != nil && transaction != nil {
			t.Fatalf("%x is two answers", stored)
		}
		if req, known := parseOnce(stored); known && (req.write == nil) == (req.transaction == nil) {
			t.Fatalf("%x is no request, or two", stored)
		}
	})
}

// FuzzState does for the shard's own row what FuzzRecord does for records.
func FuzzState(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendState(nil, shardState{applied: EntryID{Term: 1, Offset: 2}, nextVersion: 3, digest: 4, check: check{offset: 2, digest: 5}, order: 1, silent: true, trimmed: 1, clients: 2, settings: []byte("s")}))
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

// FuzzBlock: bytes either begin with a block, and then it is those bytes, or with
// a part of one, or they are refused.
func FuzzBlock(f *testing.F) {
	id := EntryID{Term: 3, Offset: 4}
	f.Add(int64(0), []byte{})
	f.Add(int64(0), appendBlock(nil, id, 0, block{contents: []byte("contents"), last: true}))
	f.Add(int64(blockBytes), appendBlock(nil, id, blockBytes, block{contents: make([]byte, blockContents)}))
	f.Fuzz(func(t *testing.T, position int64, stream []byte) {
		b, length, err := decodeBlock(stream, id, position)
		if err != nil || length == 0 {
			return
		}
		if again := appendBlock(nil, id, position, b); !bytes.Equal(again, stream[:length]) {
			t.Fatalf("%x decodes to what encodes to %x", stream[:length], again)
		}
	})
}

// FuzzImport gives a shard a stream that is intact and says anything. It is refused
// and changes nothing, or it is installed, and then exported as it came.
func FuzzImport(f *testing.F) {
	last := EntryID{Term: 1, Offset: 1}
	d := newDisk(f)
	f.Cleanup(func() { d.close(f) })
	state := appendState(nil, shardState{applied: last, nextVersion: 1})
	f.Add([]byte{})
	f.Add(appendRow(nil, []byte{byte(spanState)}, state))
	f.Add(appendRow(appendRow(nil, []byte{byte(spanState)}, state), []byte("\x10\x00\x00key"), appendRecord(nil, &record{value: []byte("v")})))
	f.Add(appendRow(appendRow(nil, []byte{byte(spanState)}, state), appendIndexKey(nil, 0, 0, indexEntry{"i", "k"}, "r")[shardBytes:], nil))
	shard := ShardID(0)
	f.Fuzz(func(t *testing.T, contents []byte) {
		shard++
		var stream []byte
		for rest, n := contents, 0; ; {
			n = min(len(rest), blockContents)
			b := block{contents: rest[:n], last: n == len(rest)}
			stream = appendBlock(stream, last, int64(len(stream)), b)
			if rest = rest[n:]; b.last {
				break
			}
		}
		progress, err := d.db.Import(shard, SnapshotPart{Last: last, Data: stream, Final: true})
		if refused := (*SnapshotError)(nil); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if progress.Installed == (err != nil) {
			t.Fatalf("%+v, and %v", progress, err)
		}
		if err != nil {
			if content := contentOf(t, d.db, shard); content != "" {
				t.Fatalf("refused with %v, and there is\n%s", err, content)
			}
			return
		}
		if again := streamOf(wholeExport(t, d.db, shard, func() int { return len(stream) })); !bytes.Equal(again, stream) {
			t.Fatalf("%x was imported and %x exported", stream, again)
		}
		if err := d.db.DeleteShard(shard); err != nil {
			t.Fatal(err)
		}
	})
}
