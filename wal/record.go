package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// recordKind is the first byte of a record's body.
type recordKind byte

// The kinds of records. Their numbers are on disks: see FORMAT.md.
const (
	recordTerm     recordKind = 1
	recordAppend   recordKind = 2
	recordTruncate recordKind = 3
	recordReset    recordKind = 4
	recordMark     recordKind = 5
)

// record is a decoded body: a shard's operation, or a mark.
type record struct {
	kind  recordKind
	shard replication.ShardID
	op    replication.LogOp
	// synced is a mark's: everything in the file before it was synced.
	synced int64
}

var errShortRecord = errors.New("record is shorter than its kind asks for")

// appendOp appends the body of an operation's record.
func appendOp(b []byte, shard replication.ShardID, op replication.LogOp) []byte {
	switch op.Kind {
	case replication.OpTerm:
		b = appendHead(b, recordTerm, shard)
		b = appendInt(b, int64(op.Record.Replica))
		b = appendInt(b, int64(op.Record.Term.Term))
		return binary.LittleEndian.AppendUint64(b, uint64(op.Record.Term.Election))
	case replication.OpAppend:
		b = appendHead(b, recordAppend, shard)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(op.Entries)))
		for _, e := range op.Entries {
			b = appendEntry(b, e)
		}
		return b
	case replication.OpTruncate:
		return appendInt(appendHead(b, recordTruncate, shard), int64(op.Truncate))
	case replication.OpReset:
		return appendID(appendHead(b, recordReset, shard), op.Base)
	}
	panic(fmt.Sprintf("wal: an operation of kind %d", op.Kind))
}

func appendMark(b []byte, synced int64) []byte {
	return appendInt(append(b, byte(recordMark)), synced)
}

func appendHead(b []byte, kind recordKind, shard replication.ShardID) []byte {
	return appendInt(append(b, byte(kind)), int64(shard))
}

func appendEntry(b []byte, e replication.Entry) []byte {
	b = appendInt(appendID(b, e.ID), int64(e.Timestamp))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Payload)))
	return append(b, e.Payload...)
}

func appendID(b []byte, id replication.EntryID) []byte {
	return appendInt(appendInt(b, int64(id.Term)), int64(id.Offset))
}

func appendInt(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(v)) }

// decodeRecord reads a body. What it returns shares nothing with it.
func decodeRecord(body []byte) (record, error) {
	c := cursor{rest: body}
	rec := record{kind: recordKind(c.byte())}
	if rec.kind != recordMark {
		rec.shard = replication.ShardID(c.int())
	}
	switch rec.kind {
	case recordTerm:
		rec.op = replication.LogOp{Kind: replication.OpTerm, Record: replication.TermRecord{
			Replica: replication.ReplicaID(c.int()),
			Term: replication.TermID{
				Term: replication.Term(c.int()), Election: replication.ElectionID(c.int()),
			},
		}}
	case recordAppend:
		rec.op = replication.LogOp{Kind: replication.OpAppend, Entries: c.entries()}
	case recordTruncate:
		rec.op = replication.LogOp{Kind: replication.OpTruncate, Truncate: replication.Offset(c.int())}
	case recordReset:
		rec.op = replication.LogOp{Kind: replication.OpReset, Base: c.id()}
	case recordMark:
		rec.synced = c.int()
	default:
		return record{}, fmt.Errorf("record of unknown kind %d", rec.kind)
	}
	if c.short {
		return record{}, errShortRecord
	}
	if len(c.rest) > 0 {
		return record{}, fmt.Errorf("record has %d bytes too many", len(c.rest))
	}
	return rec, nil
}

// cursor takes fields from the front of a body. Past its end it yields zeros,
// and remembers that.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.short, c.rest = true, nil
		return nil
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) int() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (c *cursor) count() int {
	if b := c.take(4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) id() replication.EntryID {
	return replication.EntryID{Term: replication.Term(c.int()), Offset: replication.Offset(c.int())}
}

// entries reads as many entries as the count says. The count is not trusted
// with memory: each entry has to be there first.
func (c *cursor) entries() []replication.Entry {
	var entries []replication.Entry
	for range c.count() {
		e := replication.Entry{ID: c.id(), Timestamp: replication.Timestamp(c.int())}
		e.Payload = bytes.Clone(c.take(c.count()))
		if c.short {
			return nil
		}
		entries = append(entries, e)
	}
	return entries
}
