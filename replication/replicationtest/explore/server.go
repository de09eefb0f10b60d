package explore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// server is one local state of a data server: its replica, its disk, and what
// it owes the replica. It is never changed; a step makes another.
type server struct {
	replica *replication.Replica
	run     replication.RunID
	now     replication.Instant

	// The disk: what a crash leaves, and what was asked of it since, in order.
	record  replication.TermRecord
	entries []replication.Entry
	applied replication.Offset
	pending []replication.LogOp

	// applying is how many entries the state machine was given and has not
	// applied; questions are those of the log without an answer.
	applying  int
	questions []replication.LogRead

	// acked is what this server acked last, in which term: it is bound to it.
	acked replication.EntryID

	// What follows is derived when the state is interned.
	state   replication.ReplicaState
	log     []replication.EntryID
	durable []replication.EntryID
	// shape is the same for two states whose logs, commit offsets, terms and roles
	// are the same.
	shape uint32
}

// news is what a server's step tells the history.
type news struct {
	led      bool
	created  []replication.Entry
	outcomes []ended
}

// ended is a request's outcome, and up to where its server had applied the log
// when it was told.
type ended struct {
	replication.TokenOutcome
	applied replication.Offset
}

func (n *news) none() bool { return !n.led && len(n.created) == 0 && len(n.outcomes) == 0 }

// result is what came of an event at one process, whatever the others do.
type result struct {
	next uint32
	sent []uint32
	news news
	// broken is the law that the step itself broke.
	broken string
	// idle says that nothing changed.
	idle bool
}

// transition is a server's step in the making.
type transition struct {
	x      *Explorer
	server server
	sent   []replication.Envelope
	result result
}

func (x *Explorer) newServer(id replication.ServerID, member replication.ReplicaID) server {
	s := server{run: 1, now: replication.Instant(time.Second), record: replication.TermRecord{Replica: member}}
	s.replica = replication.NewReplica(shard, id, s.run, &x.options, s.recovered())
	return s
}

func (s *server) recovered() replication.Recovered {
	history := replication.NewHistory(replication.EntryID{})
	for _, e := range s.entries {
		history.Append(e.ID)
	}
	return replication.Recovered{Record: s.record, History: history, Applied: s.applied}
}

// begin starts a transition from a state, which it leaves as it is.
func (x *Explorer) begin(from *server) *transition {
	t := &transition{x: x, server: *from}
	t.server.replica = from.replica.Clone()
	t.server.pending = slices.Clone(from.pending)
	t.server.questions = slices.Clone(from.questions)
	return t
}

// step gives the replica one event and carries out its effects.
func (t *transition) step(event replication.Event) {
	s := &t.server
	before := s.replica.State()
	var out replication.Effects
	time := replication.Time{Mono: s.now, Wall: replication.Timestamp(s.run)}
	s.replica.Step(time, event, &out)
	after := s.replica.State()
	led := after.Role == replication.RoleLeader && (before.Role != replication.RoleLeader || before.Term != after.Term)
	t.result.news.led = t.result.news.led || led
	for _, op := range out.Log {
		t.checkOp(op, before.Commit)
		if op.Kind == replication.OpAppend && after.Role == replication.RoleLeader {
			t.result.news.created = append(t.result.news.created, op.Entries...)
		}
		s.pending = append(s.pending, op)
	}
	for _, o := range out.Outcomes {
		t.result.news.outcomes = append(t.result.news.outcomes, ended{o, after.Applied})
	}
	for _, e := range out.Messages {
		t.checkMessage(e)
		t.sent = append(t.sent, e)
	}
	s.questions = append(s.questions, out.Reads...)
	if out.Apply != nil {
		s.applying = len(out.Apply)
	}
	t.checkState()
	if !t.x.config.LazyApply && s.applying > 0 {
		t.apply()
	}
	if !t.x.config.LazyReads && len(s.questions) > 0 {
		t.answer()
	}
}

// apply completes the state machine's work.
func (t *transition) apply() {
	results := make([][]byte, t.server.applying)
	t.server.applied += replication.Offset(t.server.applying)
	t.server.applying = 0
	t.step(replication.Applied{Results: results})
}

// answer answers the oldest question to the log, from what was submitted.
func (t *transition) answer() {
	q := t.server.questions[0]
	t.server.questions = t.server.questions[1:]
	_, entries := t.server.submitted()
	var found []replication.Entry
	if int(q.First) <= len(entries) {
		last, bytes := int(q.First), len(entries[q.First-1].Payload)
		for last < len(entries) && bytes+len(entries[last].Payload) <= q.MaxBytes {
			bytes += len(entries[last].Payload)
			last++
		}
		found = slices.Clone(entries[q.First-1 : last])
	}
	t.step(replication.EntriesRead{ID: q.ID, Entries: found})
}

// sync completes the oldest operation of the disk.
func (t *transition) sync() {
	s := &t.server
	op := s.pending[0]
	s.pending = s.pending[1:]
	s.record, s.entries = carryOut(s.record, s.entries, op)
	t.step(replication.LogDone{Sequence: op.Sequence})
}

// crash ends the run, and begins the next: a server that is down for a while
// cannot be told from one to which nothing is delivered.
func (t *transition) crash(id replication.ServerID) {
	s := &t.server
	s.pending, s.questions, s.applying = nil, nil, 0
	s.run++
	s.now = replication.Instant(time.Second)
	s.replica = replication.NewReplica(shard, id, s.run, &t.x.options, s.recovered())
	t.checkState()
}

// submitted is the disk as it will be when all that was asked is done.
func (s *server) submitted() (replication.TermRecord, []replication.Entry) {
	record, entries := s.record, s.entries
	for _, op := range s.pending {
		record, entries = carryOut(record, entries, op)
	}
	return record, entries
}

func carryOut(record replication.TermRecord, entries []replication.Entry, op replication.LogOp) (replication.TermRecord, []replication.Entry) {
	switch op.Kind {
	case replication.OpTerm:
		return op.Record, entries
	case replication.OpAppend:
		if op.Entries[0].ID.Offset != replication.Offset(len(entries)+1) {
			panic(replication.Violation{Text: fmt.Sprintf("append of %v after %d entries", op.Entries[0].ID, len(entries))})
		}
		return record, append(slices.Clip(entries), op.Entries...)
	case replication.OpTruncate:
		return record, entries[:op.Truncate]
	default:
		panic(replication.Violation{Text: fmt.Sprintf("unexpected operation %v", op.Kind)})
	}
}

// guarded runs a transition, and turns a violated assertion into a broken law.
func (t *transition) guarded(run func()) (broken string) {
	defer func() {
		if v := recover(); v != nil {
			violation, ok := v.(replication.Violation)
			if !ok {
				panic(v)
			}
			broken = "assertion: " + violation.Text
		}
	}()
	run()
	return t.result.broken
}

// finish interns what the transition led to.
func (t *transition) finish(from uint32, broken string) *result {
	r := &t.result
	if r.broken = broken; broken != "" {
		return r
	}
	r.next = t.x.internServer(&t.server)
	for _, e := range t.sent {
		if m, sent := t.x.internMessage(e); sent {
			r.sent = append(r.sent, m)
		}
	}
	slices.Sort(r.sent)
	r.sent = slices.Compact(r.sent)
	r.idle = r.next == from && len(r.sent) == 0 && r.news.none()
	return r
}

// encode writes the canonical form of a server's state.
func (s *server) encode(buf []byte) []byte {
	buf = s.replica.AppendFingerprint(buf)
	number := func(n uint64) { buf = binary.AppendUvarint(buf, n) }
	number(uint64(s.run))
	number(uint64(s.record.Term.Term))
	number(uint64(s.record.Term.Election))
	number(uint64(s.applied))
	number(uint64(s.applying))
	number(uint64(s.acked.Term))
	number(uint64(s.acked.Offset))
	number(uint64(len(s.entries)))
	for _, e := range s.entries {
		buf = appendEntry(buf, e)
	}
	number(uint64(len(s.pending)))
	for _, op := range s.pending {
		number(uint64(op.Kind))
		number(uint64(op.Record.Term.Term))
		number(uint64(op.Record.Term.Election))
		number(uint64(op.Truncate))
		number(uint64(len(op.Entries)))
		for _, e := range op.Entries {
			buf = appendEntry(buf, e)
		}
	}
	number(uint64(len(s.questions)))
	for _, q := range s.questions {
		number(uint64(q.ID))
		number(uint64(q.First))
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

func ids(entries []replication.Entry) []replication.EntryID {
	found := make([]replication.EntryID, len(entries))
	for i, e := range entries {
		found[i] = e.ID
	}
	return found
}
