package wal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// The bytes of each kind of record, which a released version may have written.
func TestFormat(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	o.FailoverDir = "other"
	l := openTest(t, o)
	s := newStory(l)
	s.submit(1, termOf(0, 1))
	s.append(1, 1, 2, 10)
	s.append(300, 2, 1, 10)
	_ = s.sync()
	s.submit(1, truncateOf(0, 1))
	s.append(1, 3, 1, 10)
	s.submit(300, resetOf(0, 4, 1000))
	s.submit(300, deleteOf(0))
	s.submit(1, trimOf(0, 1, 1))
	_ = s.sync()
	f := filesOf(t, mem, "log")
	datadriven.RunTest(t, "testdata/format", func(t *testing.T, d *datadriven.TestData) string {
		content := f[d.CmdArgs[0].Key]
		if d.Cmd == "bytes" {
			return hex.Dump(content)
		}
		return describe(content, l.Incarnation())
	})
}

// describe tells what is in a first segment.
func describe(content []byte, incarnation replication.Incarnation) string {
	var out strings.Builder
	seg := &segment{number: 1, key: newKey(incarnation, 1)}
	seg.batches(content, func(b foundBatch) {
		fmt.Fprintf(&out, "%d: batch %d of %d bytes, %d frames, run %d, synced %d, origin %d, time %d, doubtful %v\n",
			b.at, b.number, b.length, b.frames, b.run, b.synced, b.origin, b.time, b.doubtful)
		for _, v := range b.before {
			fmt.Fprintf(&out, "    shard %d came to %+v\n", v.shard, v.link)
		}
		seg.key.frames(b.content, b.at+b.size, func(f frame) bool {
			fmt.Fprintf(&out, "  %d: kind %d, shard %d, before %+v, op %+v, first %d, runs %v, body %x\n",
				f.at, f.kind, f.shard, f.before, f.op, f.first, f.runs, f.body)
			return true
		})
	})
	return out.String()
}

// What decodes is exactly what would have been written.
func FuzzDecodeRecord(f *testing.F) {
	v := link{chain: 7, step: 3, head: replication.EntryID{Term: 2, Offset: 9}, start: 8, replica: 5}
	for _, op := range []replication.LogOp{
		termOf(0, 3), appendOf(0, entry(2, 10, "x"), entry(3, 11, "y")), truncateOf(0, 4), resetOf(0, 5, 6), trimOf(0, 2, 9), deleteOf(0),
	} {
		r := operationOf(1, v, op)
		f.Add(appendRecord(nil, &r))
	}
	f.Add(appendRecord(nil, &record{kind: recordCarried, shard: 2, before: v, first: 3, runs: []run{{1, 2}}}))
	f.Add(appendRecord(nil, &record{kind: recordState, shard: 2, before: v}))
	f.Fuzz(func(t *testing.T, fields []byte) {
		r, err := decodeRecord(fields)
		if err != nil {
			return
		}
		if again := appendRecord(nil, &r); !bytes.Equal(again, fields) {
			t.Fatalf("%x decodes to %+v, which encodes to %x", fields, r, again)
		}
	})
}

func FuzzDecodeMark(f *testing.F) {
	f.Add(appendMarkFields(nil, &mark{}))
	f.Add(appendMarkFields(nil, &mark{
		number: 300, run: 1 << 60, synced: position{2, 77}, origin: position{1, 4000}, time: 1, doubtful: true,
		before: []vouched{{1, link{chain: 3, step: 2, head: replication.EntryID{Term: 1, Offset: 2}, start: 1, replica: 4}}},
	}))
	f.Fuzz(func(t *testing.T, fields []byte) {
		m, ok := decodeMark(fields)
		if !ok {
			return
		}
		if again := appendMarkFields(nil, &m); !bytes.Equal(again, fields) {
			t.Fatalf("%x decodes to %+v, which encodes to %x", fields, m, again)
		}
	})
}

func FuzzDecodeState(f *testing.F) {
	g := ledger{chain: 9, step: 4, replica: 6, record: termOf(0, 3).Record, history: replication.NewHistory(replication.EntryID{Term: 1, Offset: 5})}
	g.history.Append(replication.EntryID{Term: 1, Offset: 6})
	g.history.Append(replication.EntryID{Term: 3, Offset: 7})
	f.Add(uint64(9), uint64(4), int64(3), int64(7), int64(7), uint64(6), appendState(nil, &g))
	f.Fuzz(func(t *testing.T, chain, step uint64, term, offset, start int64, replica uint64, body []byte) {
		v := link{
			chain, step, replication.EntryID{Term: replication.Term(term), Offset: replication.Offset(offset)},
			replication.Offset(start), replication.ReplicaID(replica),
		}
		if offset > 1<<16 {
			return // a history is built entry by entry
		}
		g, ok := decodeState(v, body)
		if !ok {
			return
		}
		if again := appendState(nil, &g); !bytes.Equal(again, body) || g.link() != v {
			t.Fatalf("%x decodes to %+v, which encodes to %x", body, g, again)
		}
	})
}

func FuzzDecodeEntries(f *testing.F) {
	f.Add(uint64(2), appendEntries(nil, []replication.Entry{entry(1, 1, "a"), entry(1, 2, "")}))
	f.Fuzz(func(t *testing.T, count uint64, body []byte) {
		r := record{first: 1, runs: []run{{1, min(count, maxRunEntries)}}}
		entries, ok := decodeEntries(&r, body)
		if !ok {
			return
		}
		if again := appendEntries(nil, entries); !bytes.Equal(again, body) || uint64(len(entries)) != count {
			t.Fatalf("%x decodes to %+v, which encodes to %x", body, entries, again)
		}
	})
}

// No content of a segment makes opening panic, or makes the log useless for others.
func FuzzOpen(f *testing.F) {
	mem := vfs.NewMem()
	_, o := smallStory(f, mem)
	whole := filesOf(f, mem, o.Dir)
	first := whole[segmentName(1)]
	f.Add(first[:1200], 300, []byte{1, 2, 3})
	f.Add(first, 60, []byte{0xff})
	f.Fuzz(func(t *testing.T, content []byte, at int, patch []byte) {
		content = append([]byte(nil), content...)
		if at >= 0 && at < len(content) {
			copy(content[at:], patch)
		}
		changed := files{}
		for name, was := range whole {
			changed[name] = was
		}
		changed[segmentName(1)] = content
		o := o
		o.FS = changed.disk(t, o.Dir)
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		l, err := Open(o)
		if err != nil {
			return
		}
		l.Submit(70, termOf(1, 1))
		mustSync(t, l)
		mustClose(t, l)
		l = openWith(t, o)
		if recoveredOf(l, 70).Record.Term.Term != 1 {
			t.Fatal("what was written after it is gone")
		}
		mustClose(t, l)
	})
}
