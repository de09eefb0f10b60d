package replication

import "slices"

// Rule 5, the leader's side: one cursor for each follower and learner.

// cursor is where a leader stands with one member.
//
// A cursor probes or streams. While it probes, one Append is under way, and its
// answer tells whether the logs agree before it. While it streams, entries are
// sent as they come, without waiting for acks, up to a limit.
type cursor struct {
	member Member
	// match is the highest offset known durable there and equal to ours.
	match Offset
	// next is the next offset to send; while probing, next-1 is the Prev of the
	// Append under way.
	next    Offset
	probing bool
	// sent is the last offset sent since the last restart; commitKnown is the
	// commit offset that the member is known to know.
	sent        Offset
	commitKnown Offset
	// timer is when to send again what has no answer, or the commit offset.
	timer Instant
	// read is the log read under way for this cursor, zero if none.
	read ReadID
	// transfer is the snapshot that the member is sent, while it needs one.
	transfer transfer
	// absent is set while the member is not where it should be: it is asked whether
	// it is there, and sent nothing.
	absent bool
	// needs is how far a snapshot has to go to repair the member, zero if it is
	// whole; checks are those that it told.
	needs  Offset
	checks checks
}

// newCursor starts where the member's log agrees with ours as far as its head
// tells, or else at our own head, from where its answer leads back. A head below
// our base leads there: the member needs a snapshot.
func (r *Replica) newCursor(member Member, heads []MemberHead) cursor {
	from := r.log.head().Offset
	i := slices.IndexFunc(heads, func(h MemberHead) bool { return h.Member == member })
	if i >= 0 {
		from = r.agreed(heads[i].Head)
	}
	return cursor{member: member, next: from + 1, probing: true}
}

// agreed is the highest offset at which a log that ends with an entry may be the
// same as ours; it is below our base if only trimmed entries may be.
func (r *Replica) agreed(last EntryID) Offset {
	return min(r.log.history.LastAtOrBelow(last).Offset, last.Offset)
}

// restart goes back to what is known of the member.
func (c *cursor) restart() {
	if !c.probing {
		c.next, c.probing, c.sent = c.match+1, true, c.match
	}
	c.read, c.timer, c.transfer.sent = 0, Never, false
}

// idle reports whether all that was sent is acked.
func (c *cursor) idle() bool { return !c.probing && c.match >= c.sent }

// replicate sends what is new to every member.
func (r *Replica) replicate(l *leaderRole) {
	for i := range l.cursors {
		r.replicateTo(&l.cursors[i])
	}
}

// replicateTo sends what a member lacks, as far as limits let it. Where the entry
// before that is trimmed, or the entries cannot be read back, or the member is
// damaged, only a snapshot helps (rule 10).
func (r *Replica) replicateTo(c *cursor) {
	if r.isSilent(c.member.Server) || c.read != 0 {
		return
	}
	if c.absent {
		if c.timer == Never {
			c.next, c.probing = r.log.head().Offset+1, true
			r.sendAppend(c, nil, true)
		}
		return
	}
	_, known := r.log.id(c.next - 1)
	if !known || c.next <= r.log.lost || r.canRepair(c) {
		r.sendSnapshot(c)
		return
	}
	c.transfer = transfer{}
	if c.probing {
		if c.timer == Never {
			r.probeFollower(c)
		}
		return
	}
	for c.next <= r.log.head().Offset && c.next-1-c.match < Offset(r.options.MaxInflight) && c.read == 0 {
		r.sendEntries(c)
	}
}

// canRepair reports whether a member is damaged, and a snapshot of what is applied
// here goes far enough to repair it.
func (r *Replica) canRepair(c *cursor) bool { return c.needs != 0 && c.needs <= r.applied }

// repairMembers begins the repairs for which the state has become recent enough.
func (r *Replica) repairMembers(l *leaderRole) {
	for i := range l.cursors {
		if c := &l.cursors[i]; r.canRepair(c) {
			r.replicateTo(c)
		}
	}
}

// probeFollower sends one Append from next on that must be answered, without
// entries if there are none.
func (r *Replica) probeFollower(c *cursor) {
	if c.next <= r.log.head().Offset {
		r.sendEntries(c)
		return
	}
	r.sendAppend(c, nil, true)
}

// onTimer sends again what has no answer. Where everything is acked, it is the
// commit offset that the member does not know yet.
func (r *Replica) onTimer(c *cursor) {
	if !c.transfer.sent && c.idle() && c.next > r.log.head().Offset {
		c.timer = Never
		r.sendAppend(c, nil, true)
		return
	}
	c.restart()
	r.replicateTo(c)
}

// sendEntries sends the entries from next on, or asks the log for them.
func (r *Replica) sendEntries(c *cursor) {
	limit := c.match + Offset(r.options.MaxInflight)
	entries := r.log.entries(c.next, max(limit, c.next), r.options.MaxAppendBytes)
	if entries == nil {
		c.read = r.log.read(c.next, r.options.MaxAppendBytes, r.out)
		return
	}
	r.sendAppend(c, entries, c.probing)
}

func (r *Replica) sendAppend(c *cursor, entries []Entry, probing bool) {
	prev, known := r.log.id(c.next - 1)
	assert(known, "the entry before %d is not in the log", c.next)
	r.send(c.member.Server, c.member.Replica, Append{
		Term: r.term, Prev: prev, Entries: entries, Commit: r.commit, Probing: probing,
	})
	// The timer runs from the oldest message without an answer: were it set
	// anew by each, a steady load would put off the resending of a lost one for
	// ever.
	if c.probing || c.idle() || c.timer == Never {
		c.timer = r.now.Mono.Add(r.options.ResendAfter)
	}
	c.sent = max(c.sent, prev.Offset+Offset(len(entries)))
	if !c.probing {
		c.next = c.sent + 1
	}
}

// ack moves a cursor, and the commit offset with it.
func (r *Replica) ack(from Envelope, m Ack) {
	l, c := r.cursorOf(from, m.Term)
	if c == nil {
		return
	}
	assert(m.Match <= r.log.head().Offset, "%v acks %d, the log ends at %v", c.member, m.Match, r.log.head())
	progress := m.Match > c.match
	c.match = max(c.match, m.Match)
	c.commitKnown = max(c.commitKnown, m.Commit)
	c.needs, c.absent = m.Needs, false
	if c.probing {
		// The logs agree up to Prev of the probe, and what it carried follows.
		c.probing = false
		c.sent = max(c.sent, c.match)
		c.next = c.sent + 1
	}
	c.next = max(c.next, c.match+1)
	r.setCursorTimer(c, progress)
	r.advanceCommit(l)
	r.replicateTo(c)
	r.memberChecked(l, c, m)
}

// setCursorTimer decides when a streaming cursor next needs time: while entries
// are not acked, to send them again; then, to tell the commit offset if no new
// entries do so before.
func (r *Replica) setCursorTimer(c *cursor, progress bool) {
	switch {
	case c.transfer.sent:
		// The timer is that of a part of a snapshot, which nothing but the answer to
		// it ends.
	case c.match < c.sent:
		if progress || c.timer == Never {
			c.timer = r.now.Mono.Add(r.options.ResendAfter)
		}
	case c.commitKnown < r.commit:
		c.timer = r.now.Mono.Add(r.options.CommitAfter)
	default:
		c.timer = Never
	}
}

// mismatch moves a cursor back to where the logs may agree.
func (r *Replica) mismatch(from Envelope, m Mismatch) {
	_, c := r.cursorOf(from, m.Term)
	if c == nil {
		return
	}
	c.absent = false
	if m.Prev.Offset <= c.match || (c.probing && m.Prev.Offset != c.next-1) {
		return
	}
	c.next = max(min(r.agreed(m.Have), m.Prev.Offset-1), c.match) + 1
	c.sent = c.next - 1
	c.probing, c.timer = true, Never
	r.replicateTo(c)
}

// cursorOf finds the cursor of a sender that answers in our term.
func (r *Replica) cursorOf(from Envelope, term TermID) (*leaderRole, *cursor) {
	l, leads := r.role.(*leaderRole)
	if !leads || term != r.term {
		return nil, nil
	}
	i := slices.IndexFunc(l.cursors, func(c cursor) bool {
		return c.member == Member{Server: from.From, Replica: from.FromReplica}
	})
	if i < 0 {
		return nil, nil
	}
	return l, &l.cursors[i]
}

// entriesRead takes entries that the log was asked for: for a cursor, or for
// the state machine.
func (r *Replica) entriesRead(ev EntriesRead) {
	if ev.Damaged != 0 {
		r.entriesLost(ev.Damaged)
	}
	if ev.ID == r.applyRead {
		r.applyRead = 0
		r.applyEntries(ev.Entries)
		return
	}
	l, leads := r.role.(*leaderRole)
	if !leads {
		return
	}
	i := slices.IndexFunc(l.cursors, func(c cursor) bool { return c.read == ev.ID })
	if i < 0 {
		return
	}
	c := &l.cursors[i]
	c.read = 0
	_, known := r.log.id(c.next - 1)
	if known && len(ev.Entries) > 0 && ev.Entries[0].ID.Offset == c.next {
		r.sendAppend(c, ev.Entries, c.probing)
	}
	r.replicateTo(c)
}
