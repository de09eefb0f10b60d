package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// sweepShards is how many shards the workload has, which are 1 and 2.
const sweepShards = 2

// sweepKeys is how many keys it writes.
const sweepKeys = 6

// sweepKind says what an act asks for, and of whom.
type sweepKind int

const (
	actSubmit sweepKind = iota
	actSync
	actApply
	actImport
	actDelete
	actFlush
	actReopen
)

// sweepAct is one thing that is asked of log or machine.
type sweepAct struct {
	name  string
	kind  sweepKind
	shard replication.ShardID // none if it is for all
	op    replication.LogOp
	// first and entries are what is applied: so many, from an offset on.
	first   replication.Offset
	entries []replication.Entry
	parts   []replication.SnapshotPart
	// at is which log (actSubmit) or state the act makes of its shard.
	at int
	// commit is the last entry of the shard that is known to be committed by then.
	commit replication.EntryID
}

// sweepLog is what the log of a shard holds.
type sweepLog struct {
	record  replication.TermRecord
	base    replication.EntryID
	entries []replication.Entry
}

func (l sweepLog) head() replication.EntryID {
	if n := len(l.entries); n > 0 {
		return l.entries[n-1].ID
	}
	return l.base
}

// contains reports whether the log holds an entry, or begins after it.
func (l sweepLog) contains(id replication.EntryID) bool {
	return id == l.base || slices.ContainsFunc(l.entries, func(e replication.Entry) bool { return e.ID == id })
}

// after returns what an operation makes of it, which shares nothing that changes.
func (l sweepLog) after(op replication.LogOp) sweepLog {
	kept := slices.Clone(l.entries)
	upTo := func(last replication.Offset) int { return int(last - l.base.Offset) }
	switch op.Kind {
	case replication.OpTerm:
		l.record = op.Record
	case replication.OpAppend:
		kept = append(kept, op.Entries...)
	case replication.OpTruncate:
		kept = kept[:upTo(op.Truncate)]
	case replication.OpTrim:
		kept, l.base = kept[upTo(op.Base.Offset):], op.Base
	case replication.OpReset:
		kept, l.base = nil, op.Base
	case replication.OpDelete:
		return sweepLog{record: op.Record}
	}
	l.entries = kept
	return l
}

// settled is what a log and a state that a crash parted are made to be: the log, the
// applied entry, and up to where entries are lost, with the state.
func (l sweepLog) settled(applied replication.EntryID) (sweepLog, replication.EntryID, replication.Offset) {
	switch {
	case l.record.Replica == 0 || l.record.Deleted:
		return l, replication.EntryID{}, 0
	case l.contains(applied):
		return l, applied, 0
	case applied.Offset < l.base.Offset:
		return l, replication.EntryID{}, l.base.Offset
	}
	return sweepLog{record: l.record, base: applied}, applied, 0
}

// sweepState is what the state machine holds of a shard. Digest and content are
// those of a run without an accident.
type sweepState struct {
	applied replication.EntryID
	digest  kv.Digest
	content string
}

// sweepShard is what a shard was in the course of the workload.
type sweepShard struct {
	logs   []sweepLog
	states []sweepState
}

// sweep is a workload: what a node asks of log and machine together.
type sweep struct {
	acts []sweepAct
	// shards are by id; there is no shard 0.
	shards [sweepShards + 1]sweepShard

	// What the writer of the workload needs to know: the committed history of each
	// shard's present replica, and how much of it is known to be committed.
	history [sweepShards + 1][]replication.Entry
	commit  [sweepShards + 1]replication.EntryID
	rng     *rand.Rand
	serial  int
}

func (s *sweep) act(a sweepAct) { s.acts = append(s.acts, a) }

func (s *sweep) submit(shard replication.ShardID, op replication.LogOp) {
	of := &s.shards[shard]
	if op.Kind == replication.OpDelete {
		s.commit[shard] = replication.EntryID{}
	}
	of.logs = append(of.logs, of.logs[len(of.logs)-1].after(op))
	s.act(sweepAct{name: op.Kind.String(), kind: actSubmit, shard: shard, op: op, at: len(of.logs) - 1, commit: s.commit[shard]})
}

// state notes what the machine is to hold of a shard after an act.
func (s *sweep) state(a sweepAct, applied replication.EntryID) {
	of := &s.shards[a.shard]
	of.states = append(of.states, sweepState{applied: applied})
	a.at, a.commit = len(of.states)-1, s.commit[a.shard]
	s.act(a)
}

func (s *sweep) sync()   { s.act(sweepAct{name: "sync", kind: actSync}) }
func (s *sweep) flush()  { s.act(sweepAct{name: "flush", kind: actFlush}) }
func (s *sweep) reopen() { s.act(sweepAct{name: "reopen", kind: actReopen}) }

func (s *sweep) term(shard replication.ShardID, replica replication.ReplicaID, term replication.Term) {
	s.submit(shard, replication.LogOp{Kind: replication.OpTerm, Record: replication.TermRecord{
		Replica: replica, Term: replication.TermID{Term: term, Election: replication.ElectionID(10*term + 1)},
	}})
}

// entriesOf makes entries from an offset to another, of a term, of which none is like
// any other.
func (s *sweep) entriesOf(term replication.Term, first, last replication.Offset) []replication.Entry {
	var entries []replication.Entry
	for offset := first; offset <= last; offset++ {
		s.serial++
		value := make([]byte, s.rng.IntN(1500))
		for i := range value {
			value[i] = byte(s.rng.Uint32())
		}
		put := &api.WriteRequest{Puts: []*api.PutRequest{{Key: sweepKey(s.rng.IntN(sweepKeys)), Value: value}}}
		entries = append(entries, replication.Entry{
			ID: replication.EntryID{Term: term, Offset: offset}, Timestamp: replication.Timestamp(s.serial),
			Payload: kv.WritePayload(mustMarshal(put)),
		})
	}
	return entries
}

func sweepKey(n int) string { return fmt.Sprint("key ", n) }

// commits makes the next entries of the history that is committed in the end.
func (s *sweep) commits(shard replication.ShardID, term replication.Term, last replication.Offset) {
	h := &s.history[shard]
	*h = append(*h, s.entriesOf(term, replication.Offset(len(*h)+1), last)...)
}

func (s *sweep) head(shard replication.ShardID) replication.EntryID {
	logs := s.shards[shard].logs
	return logs[len(logs)-1].head()
}

// append appends what follows in the history, up to an offset.
func (s *sweep) append(shard replication.ShardID, last replication.Offset) {
	s.submit(shard, replication.LogOp{
		Kind: replication.OpAppend, Entries: slices.Clone(s.history[shard][s.head(shard).Offset:last]),
	})
}

// diverge appends entries that are never committed.
func (s *sweep) diverge(shard replication.ShardID, term replication.Term, last replication.Offset) {
	s.submit(shard, replication.LogOp{
		Kind: replication.OpAppend, Entries: s.entriesOf(term, s.head(shard).Offset+1, last),
	})
}

func (s *sweep) truncate(shard replication.ShardID, to replication.Offset) {
	s.submit(shard, replication.LogOp{Kind: replication.OpTruncate, Truncate: to})
}

func (s *sweep) trim(shard replication.ShardID, to replication.Offset) {
	s.submit(shard, replication.LogOp{Kind: replication.OpTrim, Base: s.history[shard][to-1].ID})
}

// apply applies what follows in the history, up to an offset.
func (s *sweep) apply(shard replication.ShardID, last replication.Offset) {
	states := s.shards[shard].states
	first := states[len(states)-1].applied.Offset + 1
	id := s.history[shard][last-1].ID
	if id.Offset > s.commit[shard].Offset {
		s.commit[shard] = id
	}
	s.state(sweepAct{
		name: fmt.Sprintf("apply %d to %d", first, last), kind: actApply, shard: shard,
		first: first, entries: s.history[shard][first-1 : last],
	}, id)
}

// install puts a snapshot in the place of the state. Then the log is reset to its
// last entry, or if that is in the log, trimmed up to there.
func (s *sweep) install(t *testing.T, shard replication.ShardID, last replication.Offset) {
	id := s.history[shard][last-1].ID
	s.commit[shard] = id
	s.state(sweepAct{
		name: fmt.Sprint("import ", id), kind: actImport, shard: shard,
		parts: snapshotParts(t, s.history[shard][:last]),
	}, id)
	logs := s.shards[shard].logs
	kind := replication.OpReset
	if logs[len(logs)-1].contains(id) {
		kind = replication.OpTrim
	}
	s.submit(shard, replication.LogOp{Kind: kind, Base: id})
	s.sync()
}

// dropState drops the state of a replica that differs from the others, or of one that
// is gone.
func (s *sweep) dropState(shard replication.ShardID) {
	s.state(sweepAct{name: "delete the state", kind: actDelete, shard: shard}, replication.EntryID{})
}

// remove deletes replicas, the log first.
func (s *sweep) remove(shards ...replication.ShardID) {
	for _, shard := range shards {
		logs := s.shards[shard].logs
		record := replication.TermRecord{Replica: logs[len(logs)-1].record.Replica, Deleted: true}
		s.submit(shard, replication.LogOp{Kind: replication.OpDelete, Record: record})
	}
	s.sync()
	for _, shard := range shards {
		s.dropState(shard)
		s.history[shard] = nil
	}
}

// snapshotParts is the snapshot of a shard to which entries were applied.
func snapshotParts(t *testing.T, entries []replication.Entry) []replication.SnapshotPart {
	t.Helper()
	d := openWith(t, Options{Storage: InMemory})
	defer mustClose(t, d)
	mustApply(t, d.Machine(), shardID, entries)
	var parts []replication.SnapshotPart
	ask := replication.ExportAsk{MaxBytes: 1500}
	for {
		d.Machine().Export(shardID, ask)
		done, _ := d.Machine().Take()
		if len(done) != 1 || d.Machine().Failed() != nil {
			t.Fatalf("exported %+v, %v", done, d.Machine().Failed())
		}
		part := done[0].Event.(replication.Exported).Part
		if parts = append(parts, part); part.Final {
			return parts
		}
		ask.Last, ask.Position = part.Last, part.Position+int64(len(part.Data))
	}
}

// newSweep writes the workload: all that a node asks of its disk, two shards beside
// each other.
func newSweep(t *testing.T) *sweep {
	t.Helper()
	const a, b = 1, 2
	s := &sweep{rng: rand.New(rand.NewPCG(5, 5))}
	for i := range s.shards {
		s.shards[i] = sweepShard{logs: make([]sweepLog, 1), states: make([]sweepState, 1)}
	}
	s.commits(a, 1, 4)
	s.commits(a, 2, 14)
	s.commits(b, 1, 2)
	s.commits(b, 3, 15)

	s.term(a, 1, 1)
	s.term(b, 1, 1)
	s.sync()
	s.append(a, 3)
	s.append(b, 2)
	s.sync()
	s.apply(a, 2)
	s.apply(b, 2)
	// An uncommitted tail is truncated in a later term.
	s.append(a, 4)
	s.diverge(a, 1, 6)
	s.sync()
	s.apply(a, 4)
	s.term(a, 1, 2)
	s.sync()
	s.truncate(a, 4)
	s.append(a, 7)
	s.sync()
	s.apply(a, 6)
	s.flush()
	s.trim(a, 4)
	// A snapshot takes the place of a log that parted from it.
	s.term(b, 1, 3)
	s.sync()
	s.diverge(b, 1, 4)
	s.install(t, b, 9)
	s.append(b, 12)
	s.append(a, 10)
	s.sync()
	s.apply(b, 11)
	s.apply(a, 9)
	s.reopen()
	s.append(a, 13)
	s.sync()
	// A repair leaves the log, where entries were lost and where the state was.
	s.apply(a, 10)
	s.install(t, a, 12)
	s.apply(a, 13)
	s.flush()
	s.trim(b, 10)
	s.sync()
	s.dropState(b)
	s.install(t, b, 12)
	s.append(b, 14)
	s.append(a, 14)
	s.sync()
	s.apply(b, 13)
	// A replica is deleted, and another takes its place.
	s.remove(a)
	s.commits(a, 5, 10)
	s.term(a, 2, 5)
	s.sync()
	s.append(a, 3)
	s.append(b, 15)
	s.sync()
	s.apply(a, 3)
	s.apply(b, 14)
	// A state that is dropped while the log has everything is made anew.
	s.dropState(a)
	s.apply(a, 3)
	s.diverge(a, 5, 5)
	s.sync()
	s.term(a, 2, 6)
	s.sync()
	s.truncate(a, 3)
	s.install(t, a, 8)
	s.append(a, 9)
	s.remove(b)
	s.apply(a, 9)
	s.commits(b, 7, 4)
	s.term(b, 4, 7)
	s.append(b, 2)
	s.sync()
	s.apply(b, 2)
	s.flush()
	s.trim(b, 2)
	s.append(b, 4)
	s.append(a, 10)
	s.sync()
	s.apply(a, 10)
	s.remove(a)
	s.record(t)
	return s
}
