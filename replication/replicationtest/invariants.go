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
	// log returns a replica's log, with what is not durable yet.
	log func(replication.ServerID, replication.ShardID) []replication.Entry
	// durable returns what would survive a crash now.
	durable func(replication.ServerID, replication.ShardID) []replication.Entry
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
	v.oneLeader(step)
	v.oneEntry(step)
	v.truncationsAgree(step)
	v.commitsAgree(step)
	v.acksAreDurable(step)
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

// truncationsAgree: no truncation drops an entry that anybody saw committed
// before the step.
func (v *Invariants) truncationsAgree(step replication.TraceStep) {
	committed := v.committed[step.Shard]
	for j, op := range step.Effects.Log {
		log := logAfter(v.log(step.Server, step.Shard), step.Effects.Log[:j])
		if op.Kind == replication.OpTruncate {
			for i := int(op.Truncate); i < min(len(log), len(committed)); i++ {
				if log[i].ID == committed[i].id && committed[i].in <= step.Replica.Term.Term {
					v.fail(step, "truncates to %d, committed is %v", op.Truncate, committed[i].id)
				}
			}
		}
	}
}

// commitsAgree: whatever anybody ever saw committed at an offset is the same
// entry, and is in the log of everybody who knows that offset committed, and of
// every leader of a higher term when it begins to lead.
func (v *Invariants) commitsAgree(step replication.TraceStep) {
	log := logAfter(v.log(step.Server, step.Shard), step.Effects.Log)
	committed := v.committed[step.Shard]
	if int(step.Replica.Commit) > len(log) {
		v.fail(step, "committed %d, the log ends at %d", step.Replica.Commit, len(log))
		return
	}
	for i := int(v.known[step.Server]); i < int(step.Replica.Commit); i++ {
		switch {
		case i >= len(committed):
			committed = append(committed, commit{log[i].ID, step.Replica.Term.Term})
		case committed[i].id != log[i].ID:
			v.fail(step, "offset %d is committed as %v and as %v", i+1, committed[i].id, log[i].ID)
		}
	}
	v.committed[step.Shard] = committed
	key := shardTerm{step.Shard, step.Replica.Term.Term}
	if step.Replica.Role != replication.RoleLeader || v.complete[key] {
		return
	}
	v.complete[key] = true
	for i, c := range committed {
		if c.in < step.Replica.Term.Term && (i >= len(log) || log[i].ID != c.id) {
			v.fail(step, "leads term %v without the committed entry %v", step.Replica.Term, c.id)
		}
	}
}

// logAfter is a log with what a step asks of it, which the disk has yet to be
// given.
func logAfter(log []replication.Entry, ops []replication.LogOp) []replication.Entry {
	if len(ops) == 0 {
		return log
	}
	log = slices.Clone(log)
	for _, op := range ops {
		log = applyOp(log, op)
	}
	return log
}

// acksAreDurable: an ack covers nothing that a crash would lose.
func (v *Invariants) acksAreDurable(step replication.TraceStep) {
	for _, e := range step.Effects.Messages {
		if ack, ok := e.Message.(replication.Ack); ok {
			if durable := len(v.durable(step.Server, step.Shard)); int(ack.Match) > durable {
				v.fail(step, "acks %d, durable is %d", ack.Match, durable)
			}
		}
	}
}
