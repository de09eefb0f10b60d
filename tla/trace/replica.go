package trace

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// replicaStep converts a step of a replica.
func (c *converter) replicaStep(l *Line) error {
	t := c.here[l.Server]
	_, creates := l.Event.(replication.Create)
	if t == nil || t.member != l.Replica.Member {
		if !creates {
			return nil // made in memory a moment ago, and asked for nothing yet
		}
		t = newTrack(l.Replica.Member)
		c.here[l.Server], c.replicas[t.member] = t, t
	}
	if l.Replica.Role == replication.RoleDeleted {
		c.deletedStep(t, l)
		return nil
	}
	before := len(c.steps)
	if creates && len(l.Effects.Log) > 0 {
		c.emit("CreateReplica", field{"r", t.name}, field{"once", boolean(c.calls.named(t.member, c.line))})
	} else if err := c.actions(t, l); err != nil {
		return err
	}
	if len(c.steps) == before {
		if t.shows(l) {
			return nil
		}
		c.still(t)
	}
	c.settle(t, l)
	return nil
}

// deletedStep: a replica that is being deleted answers nobody, as if nothing
// reached it, until that is durable.
func (c *converter) deletedStep(t *replicaTrack, l *Line) {
	t.asks(l)
	done, ok := l.Event.(replication.LogDone)
	if !ok {
		return
	}
	for range t.completes(done.Sequence) {
		c.emit("LogDone", field{"r", t.name})
	}
	if len(t.ops) > 0 && t.ops[0].op.Sequence <= done.Sequence {
		c.deletes(t)
	}
}

func (c *converter) still(t *replicaTrack) { c.emit("Still", field{"r", t.name}) }

// shows reports whether a step did nothing that anybody could see.
func (t *replicaTrack) shows(l *Line) bool {
	e := &l.Effects
	return t.state == *l.Replica && len(e.Messages) == 0 && len(e.Log) == 0 && len(e.Outcomes) == 0 && e.Apply == nil
}

// settle notes the step's effects, and adds what was seen to its last action.
func (c *converter) settle(t *replicaTrack, l *Line) {
	t.asks(l)
	if apply := l.Effects.Apply; apply != nil {
		t.applying = apply[len(apply)-1].ID.Offset
		c.handOver(t.applying)
	}
	t.applied = l.Replica.Applied
	t.applying = max(t.applying, t.applied)
	if l.Replica.Term != t.term || l.Replica.Role != replication.RoleFollower {
		t.early = nil
	}
	t.term, t.commit, t.state = l.Replica.Term, l.Replica.Commit, *l.Replica
	if l.Effects.Import != nil {
		t.importing = l.Effects.Import
	}
	ended, answered := t.outcomes(l.Effects.Outcomes)
	var sent []value
	for _, e := range l.Effects.Messages {
		if m, told := c.sentByReplica(t, e); told {
			sent = append(sent, m)
		}
	}
	c.seen("replica", field{"o", c.observed(t, ended, answered, false)}, field{"sent", tuple(sent...)})
}

// observed is the state that a replica shows.
func (c *converter) observed(t *replicaTrack, ended, answered []value, forgets bool) value {
	var ops []value
	for _, p := range t.ops {
		ops = append(ops, p.kinds...)
	}
	s := &t.state
	return record(
		field{"term", c.names.term(s.Term)}, field{"role", text(s.Role.String())}, field{"leader", text(memberName(s.Leader))},
		field{"head", entryID(s.Head)}, field{"base", number(s.Base.Offset)}, field{"durable", number(s.Durable)},
		field{"commit", number(s.Commit)}, field{"applied", number(s.Applied)}, field{"applying", number(t.applying)},
		field{"installing", boolean(s.Installing)}, field{"serving", boolean(s.Serving)}, field{"ops", tuple(ops...)},
		field{"ended", set(ended...)}, field{"answered", set(answered...)}, field{"forgets", boolean(forgets)},
	)
}

// outcomes are those of proposals that were appended and of reads that were taken;
// what was refused at once is in neither.
func (t *replicaTrack) outcomes(outcomes []replication.TokenOutcome) (ended, answered []value) {
	for _, o := range outcomes {
		if v, open := t.proposals[o.Token]; open {
			ended = append(ended, tuple(number(v), text(o.Outcome.Kind.String())))
			delete(t.proposals, o.Token)
		}
		if q, open := t.reads[o.Token]; open {
			answered = append(answered, tuple(number(q), text(o.Outcome.Kind.String())))
			delete(t.reads, o.Token)
		}
	}
	slices.Sort(answered)
	return ended, slices.Compact(answered)
}

// actions names what a step of a replica was.
func (c *converter) actions(t *replicaTrack, l *Line) error {
	r := field{"r", t.name}
	switch ev := l.Event.(type) {
	case replication.Receive:
		return c.received(t, l, ev.Envelope)
	case replication.LogDone:
		for range t.completes(ev.Sequence) {
			c.emit("LogDone", r)
		}
	case replication.Applied:
		c.emit("Applied", r)
	case replication.EntriesRead:
		if l.Effects.Apply != nil {
			c.emit("HandOver", r)
		}
	case replication.Propose:
		c.proposes(t, l, ev)
	case replication.ReadIndex:
		c.readsBegin(t, l, ev)
	case replication.Trim:
		if len(l.Effects.Log) > 0 {
			c.emit("Flush", r, field{"to", number(ev.To)})
			c.emit("Trim", r, field{"to", number(ev.To)})
			t.flushed = max(t.flushed, ev.To)
		}
	case replication.Exported:
		c.exported(t, l)
	case replication.Imported:
		part := t.importing
		t.importing = nil
		if part != nil && part.Final && !ev.Installed {
			c.emit("Damaged", r)
		}
		if ev.Installed {
			c.emit("Imported", r)
			t.flushed, t.applying = ev.Last.Offset, ev.Last.Offset
		}
	case replication.Tick, replication.PeerHeard, replication.PeerSilent, replication.PeerDied, replication.StepAside, replication.Create:
	default:
		return fmt.Errorf("a replica was stepped with %T", ev)
	}
	return nil
}

// proposes: each proposal that was taken is an action.
func (c *converter) proposes(t *replicaTrack, l *Line, ev replication.Propose) {
	for _, op := range l.Effects.Log {
		for i, e := range op.Entries {
			t.proposals[ev.Proposals[i].Token] = c.names.proposed(e)
			c.emit("Propose", field{"r", t.name})
		}
	}
}

// readsBegin: the reads that come together share their index and their round, and
// are one.
func (c *converter) readsBegin(t *replicaTrack, l *Line, ev replication.ReadIndex) {
	taken := slices.DeleteFunc(slices.Clone(ev.Tokens), func(token replication.Token) bool {
		return slices.ContainsFunc(l.Effects.Outcomes, func(o replication.TokenOutcome) bool {
			return o.Token == token && o.Outcome.Kind == replication.OutcomeRefused
		})
	})
	if len(taken) == 0 {
		return
	}
	c.reads++
	for _, token := range taken {
		t.reads[token] = c.reads
	}
	c.emit("ReadIndex", field{"r", t.name})
}

// exported: a snapshot is told when a part of it is sent first.
func (c *converter) exported(t *replicaTrack, l *Line) {
	for _, e := range l.Effects.Messages {
		if m, ok := e.Message.(replication.SnapshotChunk); ok {
			c.emit("Export", field{"r", t.name}, field{"to", number(m.Last.Offset)})
		}
	}
}
