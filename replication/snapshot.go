package replication

import "slices"

// Rule 10, the leader's side: a member whose next entry is trimmed is sent a
// snapshot of the state machine, part by part.

// transfer is where a leader stands with the snapshot that a member needs. One
// part is asked of the state machine, or under way, at a time.
type transfer struct {
	// last is the snapshot's last entry; zero until its first part is there.
	last EntryID
	// position is where the part begins that is asked for or under way.
	position int64
	// export is the question to the state machine, zero if none is open; sent is
	// set while the part is under way.
	export ReadID
	sent   bool
}

// sendSnapshot asks for the part that a member needs next, unless it is asked
// for or under way already. What the cursor knew of entries under way is given
// up: they are trimmed here, and if they arrived, an ack tells. Where the log was
// trimmed again meanwhile, a snapshot that the member has does not help it.
func (r *Replica) sendSnapshot(c *cursor) {
	t := &c.transfer
	if t.last != (EntryID{}) && !c.helpedBy(t.last) {
		*t = transfer{}
	}
	if t.export != 0 || t.sent {
		return
	}
	c.next, c.probing, c.sent, c.timer = c.match+1, true, c.match, Never
	t.export = r.log.nextRead()
	r.out.Exports = append(r.out.Exports, ExportAsk{
		ID: t.export, Last: t.last, Position: t.position, MaxBytes: r.options.MaxSnapshotBytes,
	})
}

// helpedBy reports whether the member needs a snapshot up to an entry.
func (c *cursor) helpedBy(last EntryID) bool {
	if c.needs != 0 {
		return last.Offset >= c.needs
	}
	return last.Offset > c.match
}

// exported sends a part. Where its snapshot is not open any more, another one is
// begun. A member that fell silent meanwhile is sent it when it is heard again.
func (r *Replica) exported(ev Exported) {
	l, leads := r.role.(*leaderRole)
	if !leads {
		return
	}
	i := slices.IndexFunc(l.cursors, func(c cursor) bool { return c.transfer.export == ev.ID })
	if i < 0 {
		return
	}
	c := &l.cursors[i]
	t, begins := &c.transfer, c.transfer.last == EntryID{}
	t.export = 0
	switch {
	case r.isSilent(c.member.Server):
	case !begins && (ev.Gone || ev.Part.Last != t.last):
		*t = transfer{}
		r.sendSnapshot(c)
	default:
		assert(!ev.Gone && ev.Part.Position == t.position, "%+v answers %+v", ev, *t)
		t.last, t.sent = ev.Part.Last, true
		r.send(c.member.Server, c.member.Replica, SnapshotChunk{
			Term: r.term, Last: ev.Part.Last, Position: ev.Part.Position, Data: ev.Part.Data, Final: ev.Part.Final,
		})
		c.timer = r.now.Mono.Add(r.options.ResendAfter)
	}
}

// snapshotAck goes on with the part that the member needs next: after what it
// keeps, which may be less than it once was. Once the snapshot is installed,
// that is an ack of everything up to its last entry.
func (r *Replica) snapshotAck(from Envelope, m SnapshotAck) {
	_, c := r.cursorOf(from, m.Term)
	if c == nil {
		return
	}
	if m.Installed {
		c.transfer.sent = false
		r.ack(from, Ack{Term: m.Term, Match: m.Last.Offset, Commit: m.Last.Offset})
		return
	}
	// What asks for the part that is under way answers the part before it, once
	// more; were it heeded, each copy would set off a transfer of its own.
	t := &c.transfer
	if m.Last != t.last || t.export != 0 || m.Position == t.position {
		return
	}
	t.position, t.sent = m.Position, false
	r.sendSnapshot(c)
}
