package wal

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/replication"
)

var (
	anyInt = rapid.Int64()
	anyID  = rapid.Custom(func(t *rapid.T) replication.EntryID {
		return replication.EntryID{
			Term: replication.Term(anyInt.Draw(t, "term")), Offset: replication.Offset(anyInt.Draw(t, "offset")),
		}
	})
	anyEntry = rapid.Custom(func(t *rapid.T) replication.Entry {
		return replication.Entry{
			ID: anyID.Draw(t, "id"), Timestamp: replication.Timestamp(anyInt.Draw(t, "timestamp")),
			Payload: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"),
		}
	})
	anyOp = rapid.Custom(func(t *rapid.T) replication.LogOp {
		switch kind := rapid.IntRange(1, 4).Draw(t, "kind"); replication.LogOpKind(kind) {
		case replication.OpTerm:
			return replication.LogOp{Kind: replication.OpTerm, Record: replication.TermRecord{
				Replica: replication.ReplicaID(anyInt.Draw(t, "replica")),
				Term: replication.TermID{
					Term:     replication.Term(anyInt.Draw(t, "term")),
					Election: replication.ElectionID(rapid.Uint64().Draw(t, "election")),
				},
			}}
		case replication.OpAppend:
			return replication.LogOp{
				Kind: replication.OpAppend, Entries: rapid.SliceOfN(anyEntry, 1, 5).Draw(t, "entries"),
			}
		case replication.OpTruncate:
			return replication.LogOp{
				Kind: replication.OpTruncate, Truncate: replication.Offset(anyInt.Draw(t, "truncate")),
			}
		default:
			return replication.LogOp{Kind: replication.OpReset, Base: anyID.Draw(t, "base")}
		}
	})
)

func TestRecordsSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shard, op := replication.ShardID(anyInt.Draw(t, "shard")), anyOp.Draw(t, "op")
		rec, err := decodeRecord(appendOp(nil, shard, op))
		if err != nil {
			t.Fatal(err)
		}
		if rec.shard != shard || !reflect.DeepEqual(rec.op, op) {
			t.Fatalf("shard %d %+v became shard %d %+v", shard, op, rec.shard, rec.op)
		}
	})
}

func TestRecordsThatAreCutOrTooLongAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := appendOp(nil, 1, anyOp.Draw(t, "op"))
		cut := rapid.IntRange(0, len(body)-1).Draw(t, "cut")
		if rec, err := decodeRecord(body[:cut]); err == nil {
			t.Fatalf("%d of %d bytes were read as %+v", cut, len(body), rec)
		}
		if rec, err := decodeRecord(append(body, 0)); err == nil {
			t.Fatalf("a byte too many was read as %+v", rec)
		}
	})
}

// What decodes is exactly what would have been written.
func FuzzDecodeRecord(f *testing.F) {
	f.Add(appendMark(nil, 16))
	f.Add(appendOp(nil, 1, replication.LogOp{Kind: replication.OpTruncate, Truncate: 3}))
	f.Add(appendOp(nil, 1, replication.LogOp{Kind: replication.OpTerm}))
	f.Add(appendOp(nil, 2, replication.LogOp{Kind: replication.OpReset, Base: replication.EntryID{Term: 1, Offset: 9}}))
	f.Add(appendOp(nil, 3, replication.LogOp{Kind: replication.OpAppend, Entries: []replication.Entry{
		{ID: replication.EntryID{Term: 1, Offset: 1}, Payload: []byte("x")}, {},
	}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		rec, err := decodeRecord(body)
		if err != nil {
			return
		}
		again := appendMark(nil, rec.synced)
		if rec.kind != recordMark {
			again = appendOp(nil, rec.shard, rec.op)
		}
		if !bytes.Equal(again, body) {
			t.Fatalf("%x decodes to %+v, which encodes to %x", body, rec, again)
		}
	})
}

// No file makes recovery panic, or find more than the file could hold.
func FuzzReplay(f *testing.F) {
	frames := newFramer(7)
	content := frames.appendFrame([]byte(logHeader), func(b []byte) []byte { return appendMark(b, headerBytes) })
	f.Add(content)
	f.Add(frames.appendFrame(content, func(b []byte) []byte {
		return appendOp(b, 1, replication.LogOp{Kind: replication.OpTruncate})
	}))
	f.Fuzz(func(t *testing.T, content []byte) {
		l := &Log{framer: frames, file: devNull(t)}
		end, err := l.replay(content)
		if err == nil && (end < headerBytes || end > int64(len(content))) {
			t.Fatalf("%d bytes are said to end at %d", len(content), end)
		}
	})
}
