package corpus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// shard is the only one there is.
const shard replication.ShardID = 1

// server is one server with its replica, its disk and its state machine. The disk
// does one operation at a time, when it is told to.
type server struct {
	name    string
	replica *replication.Replica
	run     replication.RunID
	now     replication.Instant

	// What is durable: the record, the log, and what the state machine flushed.
	made  bool
	kept  diskLog
	flush []replication.Entry
	// pending was asked of the log and is not done.
	pending []replication.LogOp

	// applied is the state, every entry from the first on; applying is with the
	// state machine, and so is importing, a part of a snapshot of which staged came
	// before.
	applied   []replication.Entry
	applying  []replication.Entry
	staged    []byte
	importing *replication.SnapshotPart
	// exports are the snapshots that the replica asked to begin. Where another is to
	// begin, those that are open are closed.
	exports []replication.ExportAsk
	closes  bool
}

// diskLog is a log, and the term record beside it.
type diskLog struct {
	record  replication.TermRecord
	base    replication.EntryID
	entries []replication.Entry
}

// after returns the log as an operation leaves it; the log itself stays.
func (l diskLog) after(op replication.LogOp) diskLog {
	switch op.Kind {
	case replication.OpTerm:
		l.record = op.Record
	case replication.OpAppend:
		l.entries = append(slices.Clone(l.entries), op.Entries...)
	case replication.OpTruncate:
		l.entries = l.entries[:op.Truncate-l.base.Offset]
	case replication.OpTrim:
		l.entries = l.entries[op.Base.Offset-l.base.Offset:]
		l.base = op.Base
	case replication.OpReset:
		l.entries, l.base = nil, op.Base
	case replication.OpDelete:
		l = diskLog{}
	}
	return l
}

// submitted is the log as it will be once everything asked is done.
func (s *server) submitted() diskLog {
	l := s.kept
	for _, op := range s.pending {
		l = l.after(op)
	}
	return l
}

// open begins a run of the replica from what is durable.
func (s *server) open(options *replication.Options) error {
	s.run++
	s.now = replication.Instant(time.Second)
	s.pending, s.applying, s.staged, s.importing, s.exports = nil, nil, nil, nil, nil
	s.applied = slices.Clone(s.flush)
	history := replication.NewHistory(s.kept.base)
	for _, e := range s.kept.entries {
		history.Append(e.ID)
	}
	found := replication.Recovered{Record: s.kept.record, History: history}
	if len(s.applied) > 0 {
		found.Applied = s.applied[len(s.applied)-1].ID
	}
	settled, op := found.Settle()
	if settled.Damaged != 0 {
		return fmt.Errorf("entries up to %d are lost", settled.Damaged)
	}
	if op != nil {
		s.kept = s.kept.after(*op)
	}
	s.replica = replication.NewReplica(shard, replication.ServerID(s.name), s.run, options, settled)
	return nil
}

// read answers a question to the log.
func (s *server) read(q replication.LogRead) replication.EntriesRead {
	answer := replication.EntriesRead{ID: q.ID}
	l := s.submitted()
	for _, e := range l.entries {
		if e.ID.Offset >= q.First {
			answer.Entries = append(answer.Entries, e)
		}
	}
	if len(answer.Entries) > 0 && answer.Entries[0].ID.Offset != q.First {
		answer.Entries = nil
	}
	return answer
}

// step gives the replica an event and takes up its effects, but for what the
// specification has a step of its own for.
func (p *replayer) step(s *server, event replication.Event) {
	var out replication.Effects
	p.coverage.event(event)
	s.replica.Step(replication.Time{Mono: s.now, Wall: 1}, event, &out)
	s.pending = append(s.pending, out.Log...)
	p.say(out.Messages)
	if out.Apply != nil {
		if s.applying != nil {
			p.differ("%s: applies two batches at a time", s.name)
		}
		s.applying = out.Apply
	}
	for _, o := range out.Outcomes {
		p.outcomes[o.Token] = o.Outcome
	}
	for _, q := range out.Reads {
		p.step(s, s.read(q))
	}
	for _, ask := range out.Exports {
		if ask.Last == (replication.EntryID{}) {
			s.exports = append(s.exports, ask)
			continue
		}
		// The rest of a snapshot that was begun.
		rest := replication.Exported{ID: ask.ID, Gone: true}
		if !s.closes {
			rest = replication.Exported{ID: ask.ID, Part: p.part(s.applied[:ask.Last.Offset], ask.Position)}
		}
		p.step(s, rest)
	}
	if part := out.Import; part != nil {
		p.takePart(s, part)
	}
}

// takePart keeps a part of a snapshot until the step Imported.
func (p *replayer) takePart(s *server, part *replication.SnapshotPart) {
	if part.Position == 0 {
		s.staged = nil
	}
	if int64(len(s.staged)) != part.Position || s.importing != nil {
		p.differ("%s: takes a part at %d of which it has %d", s.name, part.Position, len(s.staged))
	}
	s.importing = part
}

// part cuts a snapshot into as many parts as the model has, and returns the one
// that begins at a position.
func (p *replayer) part(state []replication.Entry, position int64) replication.SnapshotPart {
	whole := encodeState(state)
	size := (len(whole) + p.parts() - 1) / p.parts()
	end := min(int(position)+size, len(whole))
	return replication.SnapshotPart{
		Last: state[len(state)-1].ID, Position: position, Data: whole[position:end], Final: end == len(whole),
	}
}

// parts is in how many parts the flavour's model sends a snapshot.
func (p *replayer) parts() int {
	if p.behaviour.Parts > 0 {
		return p.behaviour.Parts
	}
	return 1
}

// encodeState is a snapshot: each entry's term and payload, a few bytes each.
func encodeState(state []replication.Entry) []byte {
	var whole []byte
	for _, e := range state {
		whole = binary.AppendUvarint(whole, uint64(e.ID.Term))
		whole = append(append(whole, e.Payload...), '\n')
	}
	return whole
}

func decodeState(whole []byte) []replication.Entry {
	var state []replication.Entry
	for len(whole) > 0 {
		t, n := binary.Uvarint(whole)
		end := bytes.IndexByte(whole[n:], '\n')
		id := replication.EntryID{Term: replication.Term(t), Offset: replication.Offset(len(state) + 1)}
		state = append(state, replication.Entry{ID: id, Timestamp: 1, Payload: whole[n : n+end]})
		whole = whole[n+end+1:]
	}
	return state
}

// entriesOf are the entries of a log of the specification after an offset.
func entriesOf(log []entry, after, count int) []replication.Entry {
	entries := make([]replication.Entry, count)
	for i := range entries {
		o := after + i
		id := replication.EntryID{Term: replication.Term(log[o].T), Offset: replication.Offset(o + 1)}
		entries[i] = replication.Entry{ID: id, Timestamp: 1, Payload: []byte(strconv.Itoa(log[o].V))}
	}
	return entries
}

// idAt is the id of the entry at an offset of a log of the specification.
func idAt(log []entry, o int) replication.EntryID {
	if o == 0 {
		return replication.EntryID{}
	}
	return replication.EntryID{Term: replication.Term(log[o-1].T), Offset: replication.Offset(o)}
}

// sameEntries reports whether entries are those of a log of the specification
// after an offset.
func sameEntries(entries []replication.Entry, log []entry, after int) bool {
	return after >= 0 && after+len(entries) <= len(log) &&
		slices.EqualFunc(entries, entriesOf(log, after, len(entries)), func(a, b replication.Entry) bool {
			return a.ID == b.ID && bytes.Equal(a.Payload, b.Payload)
		})
}
