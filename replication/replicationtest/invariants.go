package replicationtest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// Invariants watches the steps of a cluster and tells the first law that one of
// them breaks. It is a replication.Tracer.
type Invariants struct {
	// leaders is who led each term of each shard, chosen the election id.
	leaders map[shardTerm]replication.Member
	// entries is what each id was first seen to carry; committed the ids that
	// were seen committed, in order of offset, and in which term they first were.
	entries   map[shardEntry][]byte
	committed map[replication.ShardID][]commit
	// complete are the terms whose leader's log was compared when it began.
	complete map[shardTerm]bool
	// known is the commit offset that each server knew after its last step.
	known map[replication.ServerID]replication.Offset
	// broken is the first violation, empty while there is none.
	broken string
	// disk returns a replica's disk as it was before the step.
	disk func(replication.ServerID, replication.ShardID) *diskShard
	// document returns what the metadata store holds.
	document func(replication.ShardID) replication.Document
	// states is what the state was first seen to be, as of each entry.
	states map[replication.EntryID]string
	// astray are the servers whose state was made wrong, until it is replaced.
	astray map[replication.ServerID]bool
}

// commit is an entry, and the term of the replica that first knew it committed.
// Only terms above that one are bound to have it: an entry of an old term may
// commit after the leader of a higher one, which had lost out by then, lacked it.
type commit struct {
	id replication.EntryID
	in replication.Term
}

type shardTerm struct {
	shard replication.ShardID
	term  replication.Term
}

type shardEntry struct {
	shard replication.ShardID
	id    replication.EntryID
}

func newInvariants() *Invariants {
	return &Invariants{
		leaders:   map[shardTerm]replication.Member{},
		entries:   map[shardEntry][]byte{},
		committed: map[replication.ShardID][]commit{},
		complete:  map[shardTerm]bool{},
		known:     map[replication.ServerID]replication.Offset{},
		states:    map[replication.EntryID]string{},
		astray:    map[replication.ServerID]bool{},
	}
}

// Err returns the first violation, and nil while there is none.
func (v *Invariants) Err() error {
	if v.broken == "" {
		return nil
	}
	return fmt.Errorf("invariant broken: %s", v.broken)
}

func (v *Invariants) fail(step replication.TraceStep, format string, args ...any) {
	if v.broken == "" {
		v.broken = fmt.Sprintf("%s shard %d after %T: ", step.Server, step.Shard, step.Event) + fmt.Sprintf(format, args...)
	}
}

// Trace implements replication.Tracer.
func (v *Invariants) Trace(step replication.TraceStep) {
	if step.Replica == nil {
		return
	}
	if step.Replica.Role == replication.RoleDeleted {
		v.deletedLeft(step)
		return
	}
	v.oneLeader(step)
	v.oneEntry(step)
	v.droppedAgree(step)
	v.commitsAgree(step)
	v.promisesAreDurable(step)
	if step.Replica.Applied > step.Replica.Commit || step.Replica.Applied > step.Replica.Durable {
		v.fail(step, "applied %d, committed %d, durable %d", step.Replica.Applied, step.Replica.Commit, step.Replica.Durable)
	}
	known := v.known[step.Server]
	for _, op := range step.Effects.Log {
		if op.Kind == replication.OpTruncate && op.Truncate < known {
			v.fail(step, "truncates to %d, and knew %d committed", op.Truncate, known)
		}
	}
	v.known[step.Server] = step.Replica.Commit
}

// restarted forgets what a server knew in its last run.
func (v *Invariants) restarted(id replication.ServerID) { delete(v.known, id) }

// deletedLeft: a replica that is removed does not belong to its shard any more.
func (v *Invariants) deletedLeft(step replication.TraceStep) {
	delete(v.known, step.Server)
	if v.disk(step.Server, step.Shard).hurt {
		return // it belongs there, and cannot be kept
	}
	doc := v.document(step.Shard)
	if slices.ContainsFunc(doc.Members(), func(m replication.DocumentMember) bool { return m.Member == step.Replica.Member }) {
		v.fail(step, "%v is removed, and belongs to %v", step.Replica.Member, &doc)
	}
}

// oneLeader: a term has at most one leader.
func (v *Invariants) oneLeader(step replication.TraceStep) {
	if step.Replica.Role != replication.RoleLeader {
		return
	}
	key := shardTerm{step.Shard, step.Replica.Term.Term}
	if first, led := v.leaders[key]; led && first != step.Replica.Member {
		v.fail(step, "%v and %v both lead term %d", first, step.Replica.Member, key.term)
	}
	v.leaders[key] = step.Replica.Member
}

// oneEntry: no two different entries share an id.
func (v *Invariants) oneEntry(step replication.TraceStep) {
	for _, op := range step.Effects.Log {
		for _, e := range op.Entries {
			key := shardEntry{step.Shard, e.ID}
			if first, seen := v.entries[key]; seen && !bytes.Equal(first, e.Payload) {
				v.fail(step, "entry %v is both %q and %q", e.ID, first, e.Payload)
			}
			v.entries[key] = e.Payload
		}
	}
}

// droppedAgree: no truncation, and no reset, drops an entry that anybody saw
// committed before the step, but for those that the state covers.
func (v *Invariants) droppedAgree(step replication.TraceStep) {
	if len(step.Effects.Log) == 0 {
		return
	}
	committed := v.committed[step.Shard]
	log := v.disk(step.Server, step.Shard).current.clone()
	for _, op := range step.Effects.Log {
		kept := log.head().Offset
		switch op.Kind {
		case replication.OpTruncate:
			kept = op.Truncate
		case replication.OpReset:
			kept = op.Base.Offset
		case replication.OpTrim:
			if op.Base.Offset > step.Replica.Applied {
				v.fail(step, "trims to %v, applied is %d", op.Base, step.Replica.Applied)
			}
		}
		for _, e := range log.after(kept) {
			if i := int(e.ID.Offset) - 1; i < len(committed) && committed[i].id == e.ID && committed[i].in <= step.Replica.Term.Term {
				v.fail(step, "%v drops what is after %d, committed is %v", op.Kind, kept, e.ID)
			}
		}
		log.carryOut(op)
	}
}

// commitsAgree: whatever anybody ever saw committed at an offset is the same
// entry, and is in the log, or under the base, of everybody who knows that offset
// committed, and of every leader of a higher term when it begins to lead.
func (v *Invariants) commitsAgree(step replication.TraceStep) {
	log := logAfter(&v.disk(step.Server, step.Shard).current, step.Effects.Log)
	committed := v.committed[step.Shard]
	if step.Replica.Commit > log.head().Offset || step.Replica.Commit < log.base.Offset {
		v.fail(step, "committed %d, the log holds %v to %v", step.Replica.Commit, log.base, log.head())
		return
	}
	if step.Replica.Base != log.base || step.Replica.Head != log.head() {
		v.fail(step, "believes to hold %v to %v, the log holds %v to %v", step.Replica.Base, step.Replica.Head, log.base, log.head())
		return
	}
	for o := v.known[step.Server] + 1; o <= step.Replica.Commit; o++ {
		id, held := log.at(o)
		switch i := int(o) - 1; {
		case i >= len(committed) && (!held || o == log.base.Offset):
			v.fail(step, "the log begins after %v, and nobody saw offset %d committed", log.base, o)
			return
		case i >= len(committed):
			committed = append(committed, commit{id, step.Replica.Term.Term})
		case held && committed[i].id != id:
			v.fail(step, "offset %d is committed as %v and as %v", o, committed[i].id, id)
		}
	}
	v.committed[step.Shard] = committed
	key := shardTerm{step.Shard, step.Replica.Term.Term}
	if step.Replica.Role != replication.RoleLeader || v.complete[key] {
		return
	}
	v.complete[key] = true
	for _, c := range committed {
		if id, held := log.at(c.id.Offset); c.in < step.Replica.Term.Term && id != c.id && (held || c.id.Offset > log.base.Offset) {
			v.fail(step, "leads term %v without the committed entry %v", step.Replica.Term, c.id)
		}
	}
}

// logAfter is a log with what a step asks of it, which the disk has yet to be
// given.
func logAfter(log *diskLog, ops []replication.LogOp) *diskLog {
	if len(ops) == 0 {
		return log
	}
	next := log.clone()
	for _, op := range ops {
		next.carryOut(op)
	}
	return &next
}

// promisesAreDurable: what a server tells others that it holds, a crash would not
// lose.
func (v *Invariants) promisesAreDurable(step replication.TraceStep) {
	for _, e := range step.Effects.Messages {
		held, told := v.disk(step.Server, step.Shard).durable(), replication.Offset(0)
		switch m := e.Message.(type) {
		case replication.Ack:
			told = m.Match
		case replication.SnapshotAck:
			if m.Installed {
				told = m.Last.Offset
			}
		case replication.NewTermReply:
			told = m.Head.Offset
		}
		if told > held {
			v.fail(step, "%s, durable is %d", replication.Render(e.Message), held)
		}
	}
}

// reached takes note of a server's state: as of one entry, there is one state.
func (v *Invariants) reached(id replication.ServerID, s state) {
	if v.astray[id] {
		return
	}
	text := s.text()
	if first, seen := v.states[s.last]; seen && first != text && v.broken == "" {
		v.broken = fmt.Sprintf("%s at %v is in state %q, another was in %q", id, s.last, text, first)
	}
	v.states[s.last] = text
}
