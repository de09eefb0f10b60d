package explore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// image is a disk: a crash leaves the one of which every operation is done.
type image struct {
	record replication.TermRecord
	// entries is the log from offset 1 on. What was trimmed, and what a snapshot
	// covers, is here for the laws alone: the log holds what is above base.
	entries []replication.Entry
	base    replication.Offset
}

// after returns the image with one more operation done. The state is what the
// state machine holds, which covers what a reset skips.
func (i image) after(op replication.LogOp, state []replication.Entry) image {
	switch op.Kind {
	case replication.OpTerm:
		i.record = op.Record
	case replication.OpAppend:
		if op.Entries[0].ID.Offset != replication.Offset(len(i.entries)+1) {
			panic(replication.Violation{Text: fmt.Sprintf("append of %v after %d entries", op.Entries[0].ID, len(i.entries))})
		}
		i.entries = append(slices.Clip(i.entries), op.Entries...)
	case replication.OpTruncate:
		i.entries = i.entries[:op.Truncate]
	case replication.OpReset:
		i.entries, i.base = state[:op.Base.Offset], op.Base.Offset
	case replication.OpTrim:
		i.base = op.Base.Offset
	case replication.OpDelete:
		i = image{record: op.Record}
	default:
		panic(replication.Violation{Text: fmt.Sprintf("unexpected operation %v", op.Kind)})
	}
	return i
}

// read returns entries from an offset on, one at least if it is there.
func (i image) read(first replication.Offset, maxBytes int) []replication.Entry {
	if first <= i.base || int(first) > len(i.entries) {
		return nil
	}
	last, bytes := int(first), len(i.entries[first-1].Payload)
	for last < len(i.entries) && bytes+len(i.entries[last].Payload) <= maxBytes {
		bytes += len(i.entries[last].Payload)
		last++
	}
	return slices.Clone(i.entries[first-1 : last])
}

// settle makes the log and the state agree after a crash, and returns what the
// replica finds.
func (s *server) settle() replication.Recovered {
	history := replication.NewHistory(headOf(s.entries[:s.base]))
	for _, e := range s.entries[s.base:] {
		history.Append(e.ID)
	}
	found, op := replication.Recovered{Record: s.record, History: history, Applied: headOf(s.machine)}.Settle()
	if found.Damaged != 0 {
		panic(replication.Violation{Text: fmt.Sprintf("entries up to %d are lost, and the disk is well", found.Damaged)})
	}
	if op != nil {
		s.image = s.after(*op, s.machine)
	}
	return found
}

// survives is the log as a crash would leave it, settled.
func (s *server) survives() []replication.Entry {
	if n := len(s.machine); n > len(s.entries) || n > 0 && s.entries[n-1].ID != s.machine[n-1].ID {
		return s.machine
	}
	return s.entries
}

// headOf is the id of the last entry of a log.
func headOf(entries []replication.Entry) replication.EntryID {
	if len(entries) == 0 {
		return replication.EntryID{}
	}
	return entries[len(entries)-1].ID
}

// encode writes the canonical form.
func (i image) encode(buf []byte) []byte {
	for _, n := range []uint64{
		uint64(i.record.Replica), uint64(i.record.Term.Term), uint64(i.record.Term.Election), uint64(i.base),
	} {
		buf = binary.AppendUvarint(buf, n)
	}
	if i.record.Deleted {
		buf = append(buf, 'd')
	}
	return appendEntries(buf, i.entries)
}

func appendEntries(buf []byte, entries []replication.Entry) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(entries)))
	for _, e := range entries {
		buf = appendEntry(buf, e)
	}
	return buf
}

func appendEntry(buf []byte, e replication.Entry) []byte {
	buf = binary.AppendUvarint(buf, uint64(e.ID.Term))
	buf = binary.AppendUvarint(buf, uint64(e.ID.Offset))
	buf = binary.AppendUvarint(buf, uint64(e.Timestamp))
	buf = binary.AppendUvarint(buf, uint64(len(e.Payload)))
	return append(buf, e.Payload...)
}
