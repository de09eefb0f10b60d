package explore

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// server is one local state of a data server: its replica, its disk, and what
// it owes the replica. It is never changed; a step makes another.
type server struct {
	// replica is nil while there is none, deleted the highest id of one that was
	// removed, or was to be, as far as the Node knows.
	replica *replication.Replica
	deleted replication.ReplicaID
	run     replication.RunID
	now     replication.Instant

	// The disk: what a crash leaves, and what was asked of it since, in order.
	image
	pending []replication.LogOp

	// machine is the state machine, what it applied from offset 1 on, all of it
	// durable; applying is how many entries it was given and has not applied, and
	// importing the snapshot, if it was given one and has not installed it.
	machine   []replication.Entry
	applying  int
	importing *replication.SnapshotPart
	// questions and exports are those of the log and of the state machine without
	// an answer.
	questions []replication.LogRead
	exports   []replication.ExportAsk

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
	// deleted is the replica whose removal began.
	deleted replication.Member
}

// ended is a request's outcome, and up to where its server had applied the log
// when it was told.
type ended struct {
	replication.TokenOutcome
	applied replication.Offset
}

func (n *news) none() bool {
	return !n.led && len(n.created) == 0 && len(n.outcomes) == 0 && n.deleted == replication.Member{}
}

// result is what came of an event at one process, whatever the others do.
type result struct {
	next uint32
	sent []uint32
	news news
	// broken is the law that the step itself broke.
	broken string
	// idle says that nothing changed.
	idle bool
	// steps are those that were taken, if somebody records them.
	steps []recorded
}

// transition is a server's step in the making.
type transition struct {
	x      *Explorer
	server server
	sent   []replication.Envelope
	result result
}

func (x *Explorer) newServer(member replication.Member) server {
	s := server{run: 1, now: replication.Instant(time.Second)}
	s.record.Replica = member.Replica
	s.replica = replication.NewReplica(shard, member.Server, s.run, &x.options, s.settle())
	return s
}

// begin starts a transition from a state, which it leaves as it is.
func (x *Explorer) begin(from *server) *transition {
	t := &transition{x: x, server: *from}
	if from.replica != nil {
		t.server.replica = from.replica.Clone()
	}
	t.server.pending = slices.Clone(from.pending)
	t.server.questions = slices.Clone(from.questions)
	t.server.exports = slices.Clone(from.exports)
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
	t.result.steps = t.x.note(t.result.steps, s.run, replication.TraceStep{
		Server: after.Member.Server, Shard: shard, Now: time, Event: event, Effects: &out, Replica: &after,
	})
	led := after.Role == replication.RoleLeader && (before.Role != replication.RoleLeader || before.Term != after.Term)
	t.result.news.led = t.result.news.led || led
	for _, op := range out.Log {
		t.checkOp(op, before.Commit)
		if op.Kind == replication.OpDelete {
			t.result.news.deleted = after.Member
		}
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
	s.exports = append(s.exports, out.Exports...)
	if out.Apply != nil {
		t.checkApply()
		s.applying = len(out.Apply)
	}
	if out.Import != nil {
		s.importing = out.Import
	}
	if out.Delete {
		t.drop()
		return
	}
	t.checkState()
	if !t.x.config.LazyApply && s.applying > 0 {
		t.apply()
	}
	if !t.x.config.LazyReads && len(s.questions) > 0 {
		t.answerRead()
	}
	if len(s.exports) > 0 {
		t.export()
	}
}

// apply completes the state machine's work.
func (t *transition) apply() {
	s := &t.server
	results, from := make([][]byte, s.applying), len(s.machine)
	s.machine = append(slices.Clip(s.machine), s.entries[from:from+s.applying]...)
	s.applying = 0
	t.step(replication.Applied{Results: results})
}

// answerRead answers the oldest question to the log, from what was submitted.
func (t *transition) answerRead() {
	q := t.server.questions[0]
	t.server.questions = t.server.questions[1:]
	t.step(replication.EntriesRead{ID: q.ID, Entries: t.server.submitted().read(q.First, q.MaxBytes)})
}

// sync completes the oldest operation of the disk.
func (t *transition) sync() {
	s := &t.server
	op := s.pending[0]
	s.pending = s.pending[1:]
	s.image = s.after(op, s.machine)
	t.step(replication.LogDone{Sequence: op.Sequence})
}

// crash ends the run, and begins the next: a server that is down for a while
// cannot be told from one to which nothing is delivered.
func (t *transition) crash(id replication.ServerID) {
	s := &t.server
	s.pending, s.questions, s.exports, s.applying, s.importing = nil, nil, nil, 0, nil
	s.run++
	s.now = replication.Instant(time.Second)
	if s.record.Replica == 0 || s.record.Deleted {
		s.replica, s.deleted = nil, s.record.Replica
		s.machine, s.acked = nil, replication.EntryID{}
		return
	}
	s.deleted = 0
	found := s.settle()
	s.replica = replication.NewReplica(shard, id, s.run, &t.x.options, found)
	t.result.steps = t.x.noteRun(t.result.steps, id, s.run, found)
	t.checkState()
}

// submitted is the disk as it will be when all that was asked is done.
func (s *server) submitted() image {
	i := s.image
	for _, op := range s.pending {
		i = i.after(op, s.machine)
	}
	return i
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
	number := func(n uint64) { buf = binary.AppendUvarint(buf, n) }
	if s.replica != nil {
		buf = s.replica.AppendFingerprint(buf)
	}
	number(uint64(s.deleted))
	number(uint64(s.run))
	buf = s.image.encode(buf)
	buf = appendEntries(buf, s.machine)
	number(uint64(s.applying))
	number(uint64(s.acked.Term))
	number(uint64(s.acked.Offset))
	number(uint64(len(s.pending)))
	for _, op := range s.pending {
		number(uint64(op.Kind))
		number(uint64(op.Record.Term.Term))
		number(uint64(op.Record.Term.Election))
		number(uint64(op.Truncate))
		number(uint64(op.Base.Offset))
		buf = appendEntries(buf, op.Entries)
	}
	if s.importing != nil {
		buf = append(buf, s.importing.Data...)
	}
	number(0)
	number(uint64(len(s.questions)))
	for _, q := range s.questions {
		number(uint64(q.ID))
		number(uint64(q.First))
	}
	return buf
}

func ids(entries []replication.Entry) []replication.EntryID {
	found := make([]replication.EntryID, len(entries))
	for i, e := range entries {
		found[i] = e.ID
	}
	return found
}
