package replication

import (
	"encoding/binary"
	"slices"
)

// A fingerprint is a canonical encoding of all that decides what a Replica or an
// Election will do: two with the same fingerprint behave alike. Instants are
// encoded by their order alone, because whoever compares fingerprints lets time
// pass as it likes: which timers are set and which is due first matters, by how
// much does not. What is the same for the whole life of a shard's members, their
// options, is left out; so is what only a step in progress has.

// AppendFingerprint appends the replica's fingerprint. It must not be called
// during a Step.
func (r *Replica) AppendFingerprint(buf []byte) []byte {
	f := fingerprint{buf: buf}
	f.orderOf(r)
	number(&f, r.shard)
	f.member(r.self)
	number(&f, r.run)
	f.term(r.term)
	f.log(&r.log)
	number(&f, r.commit)
	number(&f, r.applied)
	number(&f, r.applying)
	number(&f, r.applyRead)
	f.incoming(r.incoming)
	number(&f, r.needs)
	f.flag(r.suspect)
	number(&f, r.discarding)
	f.checks(r.checks)
	f.role(r.role, r.log.done)
	each(&f, r.pending, func(p pendingProposal) { f.entryID(p.id); number(&f, p.token) })
	each(&f, r.silent, f.server)
	return f.buf
}

// AppendFingerprint appends the election's fingerprint. It must not be called
// during a Step.
func (e *Election) AppendFingerprint(buf []byte) []byte {
	f := fingerprint{buf: buf}
	f.order(e.seen, e.timer, e.resend, e.storeBy, e.change.notBefore)
	number(&f, e.shard)
	f.server(e.self)
	number(&f, e.run)
	each(&f, e.servers, f.server)
	number(&f, e.random)
	f.bytes(e.settings)
	f.document(&e.doc)
	f.flag(e.found)
	f.instant(e.seen)
	number(&f, e.highest)
	number(&f, e.checked)
	f.term(e.mine)
	number(&f, e.phase)
	f.flag(e.reload)
	f.instant(e.timer)
	f.instant(e.resend)
	each(&f, e.silent, f.server)
	each(&f, e.peers, func(p peerRun) { f.server(p.server); number(&f, p.run); number(&f, p.incarnation); f.flag(p.over) })
	f.question(&e.question)
	f.fencing(&e.fence)
	f.flag(e.store != nil)
	if e.store != nil {
		f.document(e.store)
	}
	f.instant(e.storeBy)
	f.change(&e.change)
	each(&f, e.gone, f.member)
	f.member(e.failed)
	f.term(e.asked)
	f.server(e.handover.to)
	f.member(e.handover.from)
	f.flag(e.ends)
	f.server(e.counted)
	return f.buf
}

// fingerprint is one in the making. Numbers are written as varints, and what has
// a length is preceded by it, so that no two states read the same.
type fingerprint struct {
	buf []byte
	// instants are those that are set, in order and each once.
	instants []Instant
}

func number[N ~int | ~int64 | ~uint8 | ~uint64](f *fingerprint, n N) {
	f.buf = binary.AppendUvarint(f.buf, uint64(n))
}

func each[T any](f *fingerprint, list []T, one func(T)) {
	number(f, len(list))
	for _, t := range list {
		one(t)
	}
}

func (f *fingerprint) flag(b bool) {
	n := 0
	if b {
		n = 1
	}
	number(f, n)
}

func (f *fingerprint) bytes(b []byte) {
	number(f, len(b))
	f.buf = append(f.buf, b...)
}

func (f *fingerprint) server(s ServerID) { f.bytes([]byte(s)) }

func (f *fingerprint) member(m Member) { f.server(m.Server); number(f, m.Replica) }

func (f *fingerprint) term(t TermID) { number(f, t.Term); number(f, t.Election) }

func (f *fingerprint) entryID(id EntryID) { number(f, id.Term); number(f, id.Offset) }

func (f *fingerprint) entry(e Entry) {
	f.entryID(e.ID)
	number(f, e.Timestamp)
	f.bytes(e.Payload)
}

// order notes the instants that instant will be asked for.
func (f *fingerprint) order(instants ...Instant) {
	f.instants = append(f.instants, instants...)
	slices.Sort(f.instants)
	f.instants = slices.Compact(f.instants)
}

func (f *fingerprint) orderOf(r *Replica) {
	switch role := r.role.(type) {
	case *fencedRole:
		f.order(role.askAt)
	case *leaderRole:
		f.order(role.askAt, role.reads.resendAt, role.stallAt)
		for i := range role.cursors {
			f.order(role.cursors[i].timer)
		}
	}
}

// instant writes the place of an instant among those that are set, from 1.
func (f *fingerprint) instant(i Instant) {
	place := 0
	if i != Never {
		place, _ = slices.BinarySearch(f.instants, i)
		if f.instants[0] != Never {
			place++
		}
	}
	number(f, place)
}

func (f *fingerprint) log(l *replicaLog) {
	f.entryID(l.history.base)
	f.entryID(l.history.head)
	each(f, l.history.starts, f.entryID)
	number(f, l.durable)
	number(f, l.lost)
	// Sequences are counted from the last one done: how many were done before
	// decides nothing, but for whether there were any.
	each(f, l.ops, func(op askedOp) { number(f, op.sequence-l.done); number(f, op.kind); number(f, op.last) })
	number(f, l.asked-l.done)
	f.flag(l.asked == 0)
	each(f, l.tail, f.entry)
	number(f, l.tailBytes)
	number(f, l.lastRead)
}

func (f *fingerprint) role(of role, done uint64) {
	number(f, of.kind())
	switch of := of.(type) {
	case *fencedRole:
		each(f, of.answer, f.server)
		number(f, max(of.after, done)-done)
		each(f, of.creators, f.server)
		each(f, of.voters, f.member)
		f.instant(of.askAt)
		f.flag(of.mayLead)
	case *followerRole:
		f.member(of.leader)
		number(f, of.leaderRun)
		number(f, of.matched)
		number(f, of.acked)
		f.flag(of.owes)
		f.entryID(of.installed)
		each(f, of.early, f.append)
	case *leaderRole:
		f.server(of.coordinator)
		each(f, of.voters.Ensemble, f.member)
		each(f, of.voters.Joining, f.member)
		each(f, of.cursors, f.cursor)
		number(f, of.barrier)
		f.reads(&of.reads)
		f.instant(of.askAt)
		number(f, of.reached.commit)
		number(f, of.reached.applied)
		number(f, of.reached.round)
		f.instant(of.stallAt)
	case *deletedRole:
		each(f, of.answer, func(d deletion) { f.server(d.coordinator); f.term(d.term) })
		number(f, max(of.after, done)-done)
		f.flag(of.dropping)
		f.flag(of.gone)
	}
}

func (f *fingerprint) append(m Append) {
	f.term(m.Term)
	f.entryID(m.Prev)
	each(f, m.Entries, f.entry)
	number(f, m.Commit)
	f.flag(m.Probing)
}

func (f *fingerprint) cursor(c cursor) {
	f.member(c.member)
	number(f, c.match)
	number(f, c.next)
	f.flag(c.probing)
	number(f, c.sent)
	number(f, c.commitKnown)
	f.instant(c.timer)
	number(f, c.read)
	f.entryID(c.transfer.last)
	number(f, c.transfer.position)
	number(f, c.transfer.export)
	f.flag(c.transfer.sent)
	f.flag(c.absent)
	number(f, c.needs)
	f.checks(c.checks)
}

func (f *fingerprint) checks(c checks) {
	each(f, c, func(check Check) { number(f, check.Offset); number(f, check.Sum) })
}

func (f *fingerprint) incoming(in incoming) {
	f.term(in.term)
	f.entryID(in.last)
	number(f, in.kept)
	f.flag(in.importing)
	f.flag(in.installing)
}

func (f *fingerprint) reads(q *readRounds) {
	one := func(rd read) { number(f, rd.token); number(f, rd.index) }
	each(f, q.waiting, one)
	number(f, q.round)
	each(f, q.asked, one)
	each(f, q.confirmed, f.member)
	f.instant(q.resendAt)
	each(f, q.released, one)
}

func (f *fingerprint) document(d *Document) {
	number(f, d.Version)
	f.term(d.Term)
	number(f, d.Status)
	for _, members := range [][]DocumentMember{d.Ensemble, d.Joining, d.Learners, d.Removed} {
		each(f, members, func(m DocumentMember) { f.member(m.Member); number(f, m.Incarnation) })
	}
	f.member(d.Leader)
	number(f, d.LeaderRun)
	number(f, d.LastReplica)
	f.bytes(d.Settings)
}

func (f *fingerprint) question(q *question) {
	number(f, q.nonce)
	each(f, q.answers, func(a answer) {
		f.member(a.member)
		f.flag(a.hears)
		f.flag(a.leads)
		f.flag(a.serving)
		number(f, a.run)
		f.flag(a.disowns)
	})
}

func (f *fingerprint) change(c *change) {
	each(f, c.wish, f.server)
	f.flag(c.aside)
	f.instant(c.notBefore)
	number(f, c.nonce)
	each(f, c.answers, func(a MemberHead) { f.member(a.Member); f.entryID(a.Head) })
	number(f, c.terms)
	f.term(c.completed)
	each(f, c.deleted, f.member)
}

func (f *fingerprint) fencing(n *fencing) {
	each(f, n.answers, func(a fenceAnswer) {
		f.member(a.member)
		f.entryID(a.head)
		f.flag(a.damaged)
		number(f, a.leaderships)
		f.flag(a.draining)
	})
	f.member(n.chosen)
	f.flag(n.accepted)
	number(f, n.run)
}
