package trace

import (
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// replicaTrack is what the lines so far tell of one replica, as far as it takes to
// name the next actions.
type replicaTrack struct {
	member replication.Member
	name   value
	// memory is the log as the replica believes it, disk as its operations that are
	// done left it; made says that the replica is durable.
	memory, disk diskImage
	made         bool
	ops          []pendingOp
	// flushed is the entry up to which the state machine is known to be durable.
	flushed           replication.Offset
	commit            replication.Offset
	applied, applying replication.Offset
	term              replication.TermID
	early             []replication.Append
	importing         *replication.SnapshotPart
	proposals, reads  map[replication.Token]int
	state             replication.ReplicaState
}

type diskImage struct {
	term    replication.TermID
	history replication.History
}

// pendingOp is an operation of the log that was asked, and the kinds of the
// specification's operations that it stands for.
type pendingOp struct {
	op    replication.LogOp
	kinds []value
}

func newTrack(m replication.Member) *replicaTrack {
	return &replicaTrack{
		member: m, name: text(memberName(m)),
		proposals: map[replication.Token]int{}, reads: map[replication.Token]int{},
	}
}

func (d diskImage) clone() diskImage { return diskImage{d.term, d.history.Clone()} }

func (d *diskImage) carryOut(op replication.LogOp) {
	switch op.Kind {
	case replication.OpTerm:
		d.term = op.Record.Term
	case replication.OpAppend:
		for _, e := range op.Entries {
			d.history.Append(e.ID)
		}
	case replication.OpTruncate:
		d.history.TruncateTo(op.Truncate)
	case replication.OpReset:
		d.history = replication.NewHistory(op.Base)
	case replication.OpTrim:
		d.history.TrimTo(op.Base.Offset)
	case replication.OpDelete:
		*d = diskImage{}
	}
}

// asks takes note of the operations that a step asked.
func (t *replicaTrack) asks(l *Line) {
	_, proposes := l.Event.(replication.Propose)
	for _, op := range l.Effects.Log {
		kinds := []value{text(op.Kind.String())}
		if proposes && op.Kind == replication.OpAppend {
			for range op.Entries[1:] {
				kinds = append(kinds, kinds[0])
			}
		}
		t.ops = append(t.ops, pendingOp{op, kinds})
		t.memory.carryOut(op)
	}
}

// completes takes note of operations that are done, and returns how many of the
// specification's they are.
func (t *replicaTrack) completes(sequence uint64) int {
	count := 0
	for len(t.ops) > 0 && t.ops[0].op.Sequence <= sequence && t.ops[0].op.Kind != replication.OpDelete {
		count += len(t.ops[0].kinds)
		t.disk.carryOut(t.ops[0].op)
		t.made = true
		t.ops = t.ops[1:]
	}
	return count
}

// restarts begins another run of a replica from what it had on its disk.
func (t *replicaTrack) restarts(found *Opened) {
	t.memory = t.disk.clone()
	if t.disk.history.Head() != found.Head {
		t.memory.history = replication.NewHistory(found.Head)
		t.disk = t.memory.clone()
	}
	t.ops, t.early, t.importing = nil, nil, nil
	t.flushed, t.commit = found.Applied.Offset, found.Applied.Offset
	t.applied, t.applying, t.term = found.Applied.Offset, found.Applied.Offset, found.Term
	t.proposals, t.reads = map[replication.Token]int{}, map[replication.Token]int{}
	t.state = replication.ReplicaState{}
}

// open is the beginning of a run: the end of the one before, if there was one.
func (c *converter) open(l *Line) error {
	before, again := c.runs[l.Server]
	c.runs[l.Server] = l.Run
	if again {
		c.coordinatorDied(runKey{server: l.Server, run: before})
	}
	found := l.Opened
	t := c.here[l.Server]
	switch {
	case !again && found.Replica != 0 && !found.Deleted:
		if found.Head != (replication.EntryID{}) || found.Term != (replication.TermID{}) {
			return fmt.Errorf("the trace begins with a replica that has a past: %+v", *found)
		}
		t = newTrack(replication.Member{Server: l.Server, Replica: found.Replica})
		t.made = true
		c.here[l.Server], c.replicas[t.member] = t, t
	case t == nil && found.Replica != 0 && !found.Deleted:
		return fmt.Errorf("%s recovered a replica that it did not have", l.Server)
	case t == nil:
	case found.Deleted:
		c.deletes(t)
	case found.Replica == 0 && t.made:
		c.emit("Wipe", field{"r", t.name})
		delete(c.here, l.Server)
	case found.Replica == 0:
		c.emit("Restart", field{"r", t.name})
		delete(c.here, l.Server)
	default:
		return c.reopen(t, found)
	}
	return nil
}

// deletes ends a replica whose deletion is durable.
func (c *converter) deletes(t *replicaTrack) {
	c.emit("Delete", field{"r", t.name}, field{"byHand", boolean(len(c.calls.all) == 0)})
	delete(c.here, t.member.Server)
}

// reopen: what the disk had done without saying so is done before the crash.
func (c *converter) reopen(t *replicaTrack, found *Opened) error {
	if part := t.importing; part != nil && part.Final && part.Last == found.Applied {
		c.emit("Imported", field{"r", t.name})
	} else if found.Applied.Offset > t.applied {
		c.emit("Applied", field{"r", t.name})
	}
	for {
		settled, _ := replication.Recovered{
			Record:  replication.TermRecord{Replica: t.member.Replica, Term: t.disk.term},
			History: t.disk.history.Clone(), Applied: found.Applied,
		}.Settle()
		if settled.Damaged == 0 && t.made && NewOpened(settled) == *found {
			break
		}
		if len(t.ops) == 0 || t.ops[0].op.Kind == replication.OpDelete {
			return fmt.Errorf("%v recovered %+v, which none of its durable steps leaves", t.member, *found)
		}
		for range t.completes(t.ops[0].op.Sequence) {
			c.emit("LogDone", field{"r", t.name})
		}
	}
	if found.Applied.Offset > t.flushed {
		c.emit("Flush", field{"r", t.name}, field{"to", number(found.Applied.Offset)})
	}
	c.emit("Restart", field{"r", t.name})
	t.restarts(found)
	t.state = replication.ReplicaState{
		Member: t.member, Term: found.Term, Role: replication.RoleFenced, Base: found.Base, Head: found.Head,
		Durable: found.Head.Offset, Commit: found.Applied.Offset, Applied: found.Applied.Offset,
	}
	c.seen("replica", field{"o", c.observed(t, nil, nil, true)}, field{"sent", "<<>>"})
	return nil
}
