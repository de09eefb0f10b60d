package wal

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// recordKind is the first byte of a record's fields.
type recordKind byte

// The kinds of records. Their numbers are on disks: see FORMAT.md.
const (
	recordTerm     recordKind = 1
	recordAppend   recordKind = 2
	recordTruncate recordKind = 3
	recordReset    recordKind = 4
	recordTrim     recordKind = 5
	recordDelete   recordKind = 6
	recordState    recordKind = 7
	recordCarried  recordKind = 8
)

// record is what a frame says of a shard, but for the entries, whose body may be
// damaged while this is not.
type record struct {
	kind  recordKind
	shard replication.ShardID
	// before is what the shard's records came to before this one; a state and what
	// is carried count as none, and change nothing.
	before link
	// op is the operation, without entries.
	op replication.LogOp
	// first and runs are the ids of the entries of an append, or of carried ones.
	first replication.Offset
	runs  []run
}

// run is a number of entries, one after the other, of the same term.
type run struct {
	term  replication.Term
	count uint64
}

// maxRunEntries bounds what a record may say it holds. It only keeps a record
// that makes no sense from making work.
const maxRunEntries = 1 << 26

// runsOf returns the runs of consecutive entries.
func runsOf(entries []replication.Entry) []run {
	var runs []run
	for _, e := range entries {
		if n := len(runs); n > 0 && runs[n-1].term == e.ID.Term {
			runs[n-1].count++
		} else {
			runs = append(runs, run{e.ID.Term, 1})
		}
	}
	return runs
}

// last is the offset of the record's last entry, one before the first if there
// is none.
func (r *record) last() replication.Offset {
	last := r.first - 1
	for _, run := range r.runs {
		last += replication.Offset(run.count)
	}
	return last
}

// operationOf returns the record of an operation.
func operationOf(shard replication.ShardID, before link, op replication.LogOp) record {
	r := record{kind: kindOf(op.Kind), shard: shard, before: before, op: op}
	if op.Kind == replication.OpAppend {
		r.first, r.runs = before.head.Offset+1, runsOf(op.Entries)
		r.op.Entries = nil
	}
	return r
}

func kindOf(k replication.LogOpKind) recordKind {
	switch k {
	case replication.OpTerm:
		return recordTerm
	case replication.OpAppend:
		return recordAppend
	case replication.OpTruncate:
		return recordTruncate
	case replication.OpReset:
		return recordReset
	case replication.OpTrim:
		return recordTrim
	case replication.OpDelete:
		return recordDelete
	}
	panic(fmt.Sprintf("wal: an operation of kind %d", k))
}

// appendRecord appends a record's fields.
func appendRecord(b []byte, r *record) []byte {
	b = appendField(append(b, byte(r.kind)), r.shard)
	b = appendLink(b, r.before)
	switch r.kind {
	case recordTerm:
		b = appendField(b, r.op.Record.Replica)
		b = appendField(b, r.op.Record.Term.Term)
		b = appendField(b, r.op.Record.Term.Election)
	case recordAppend:
		b = appendRuns(b, r.runs)
	case recordCarried:
		b = appendRuns(appendField(b, r.first), r.runs)
	case recordTruncate:
		b = appendField(b, r.op.Truncate)
	case recordReset, recordTrim:
		b = appendID(b, r.op.Base)
	case recordDelete:
		b = appendField(b, r.op.Record.Replica)
	}
	return b
}

func appendRuns(b []byte, runs []run) []byte {
	b = appendField(b, uint64(len(runs)))
	for _, run := range runs {
		b = appendField(appendField(b, run.term), run.count)
	}
	return b
}

var (
	errRecordFields = errors.New("record has too few or too many bytes for its kind")
	errRecordRuns   = errors.New("record has more entries than there can be")
)

// decodeRecord reads a record's fields.
func decodeRecord(fields []byte) (record, error) {
	c := cursor{rest: fields}
	r := record{kind: recordKind(c.byte()), shard: replication.ShardID(c.uint()), before: c.link()}
	switch r.kind {
	case recordTerm:
		r.op = replication.LogOp{Kind: replication.OpTerm, Record: c.termRecord()}
	case recordAppend:
		r.op = replication.LogOp{Kind: replication.OpAppend}
		r.first, r.runs = r.before.head.Offset+1, c.runs()
	case recordCarried:
		r.first = c.offset()
		r.runs = c.runs()
	case recordTruncate:
		r.op = replication.LogOp{Kind: replication.OpTruncate, Truncate: c.offset()}
	case recordReset:
		r.op = replication.LogOp{Kind: replication.OpReset, Base: c.id()}
	case recordTrim:
		r.op = replication.LogOp{Kind: replication.OpTrim, Base: c.id()}
	case recordDelete:
		r.op = replication.LogOp{Kind: replication.OpDelete, Record: replication.TermRecord{
			Replica: replication.ReplicaID(c.uint()), Deleted: true,
		}}
	case recordState:
	default:
		return record{}, fmt.Errorf("record of unknown kind %d", r.kind)
	}
	if !c.ended() {
		return record{}, errRecordFields
	}
	entries := uint64(0)
	for _, run := range r.runs {
		if entries += run.count; run.count > maxRunEntries || entries > maxRunEntries {
			return record{}, errRecordRuns
		}
	}
	return r, nil
}

func (c *cursor) termRecord() replication.TermRecord {
	return replication.TermRecord{
		Replica: replication.ReplicaID(c.uint()),
		Term: replication.TermID{
			Term: replication.Term(c.uint()), Election: replication.ElectionID(c.uint()),
		},
	}
}

// runs reads runs. Their number is not trusted with memory: each has to be there
// first.
func (c *cursor) runs() []run {
	var runs []run
	for n := c.uint(); n > 0 && !c.bad; n-- {
		runs = append(runs, run{replication.Term(c.uint()), c.uint()})
	}
	return runs
}

// appendEntries appends the body of an append, or of carried entries. Their ids
// are in the fields.
func appendEntries(b []byte, entries []replication.Entry) []byte {
	for _, e := range entries {
		b = appendField(b, e.Timestamp)
		b = appendField(b, uint64(len(e.Payload)))
		b = append(b, e.Payload...)
	}
	return b
}

// decodeEntries reads a body whose ids the record has told. What it returns shares
// nothing with the bytes.
func decodeEntries(r *record, body []byte) ([]replication.Entry, bool) {
	c := cursor{rest: body}
	var entries []replication.Entry
	next := r.first
	for _, run := range r.runs {
		for range run.count {
			e := replication.Entry{
				ID:        replication.EntryID{Term: run.term, Offset: next},
				Timestamp: replication.Timestamp(c.uint()),
			}
			e.Payload = bytes.Clone(c.take(c.uint()))
			if c.bad {
				return nil, false
			}
			entries = append(entries, e)
			next++
		}
	}
	return entries, c.ended()
}
