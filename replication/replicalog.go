package replication

import "slices"

// replicaLog is what a replica knows of its own log: its shape, how much of it
// is durable, what was asked of it and is not done, and the newest entries.
// Every change of the log goes through here, so that "durable" has one meaning.
type replicaLog struct {
	history History
	// durable is the last offset of the log as it is now that would survive a
	// crash. It never counts an entry that was asked to be truncated.
	durable Offset
	// lost is the highest offset of an entry that is known not to be readable; it
	// means nothing below the base.
	lost Offset
	// ops are the operations asked and not done, oldest first.
	ops []askedOp
	// asked is the sequence of the newest operation, done of the newest one
	// known done.
	asked, done uint64
	// tail are the newest entries, up to the head; it may be empty.
	tail      []Entry
	tailBytes int
	lastRead  ReadID
}

type askedOp struct {
	sequence uint64
	kind     LogOpKind
	// last is the offset that is durable when an append is done, lowered when
	// a later truncation takes entries of it away.
	last Offset
}

func (l *replicaLog) head() EntryID { return l.history.Head() }

func (l *replicaLog) ask(op LogOp, last Offset, out *Effects) {
	l.asked++
	op.Sequence = l.asked
	l.ops = append(l.ops, askedOp{sequence: l.asked, kind: op.Kind, last: last})
	out.Log = append(out.Log, op)
}

// persist asks for the term record.
func (l *replicaLog) persist(record TermRecord, out *Effects) {
	l.ask(LogOp{Kind: OpTerm, Record: record}, 0, out)
}

// append asks for entries that follow the head.
func (l *replicaLog) append(entries []Entry, out *Effects) {
	for _, e := range entries {
		l.history.Append(e.ID)
		l.tailBytes += e.size()
	}
	l.tail = append(l.tail, entries...)
	l.ask(LogOp{Kind: OpAppend, Entries: entries}, l.head().Offset, out)
}

// truncate asks to drop every entry after an offset. The caller has made sure
// that none of them is committed.
func (l *replicaLog) truncate(to Offset, out *Effects) {
	l.history.TruncateTo(to)
	l.durable = min(l.durable, to)
	l.lost = min(l.lost, to)
	// An append that completes later must not count what this takes away.
	for i := range l.ops {
		l.ops[i].last = min(l.ops[i].last, to)
	}
	for len(l.tail) > 0 && l.tail[len(l.tail)-1].ID.Offset > to {
		l.tailBytes -= l.tail[len(l.tail)-1].size()
		l.tail = l.tail[:len(l.tail)-1]
	}
	// What is appended next must not overwrite entries that were handed out.
	l.tail = slices.Clip(l.tail)
	l.ask(LogOp{Kind: OpTruncate, Truncate: to}, 0, out)
}

// trim asks to drop every entry up to and including an offset. The caller has
// made sure that all of them are applied.
func (l *replicaLog) trim(to Offset, out *Effects) {
	l.history.TrimTo(to)
	l.shrinkTail(0, to)
	l.ask(LogOp{Kind: OpTrim, Base: l.history.Base()}, 0, out)
}

// reset asks to drop the whole log, which goes on after base: the state machine
// holds everything up to there durably. Until the operation is done, that is what
// a crash leaves too (Recovered.Settle), so base counts as durable at once.
func (l *replicaLog) reset(base EntryID, out *Effects) {
	l.history = NewHistory(base)
	l.durable, l.lost = base.Offset, 0
	// An append that completes later must not count what this takes away.
	for i := range l.ops {
		l.ops[i].last = min(l.ops[i].last, base.Offset)
	}
	l.tail, l.tailBytes = nil, 0
	l.ask(LogOp{Kind: OpReset, Base: base}, 0, out)
}

// delete asks to drop the log and the term record of a replica.
func (l *replicaLog) delete(id ReplicaID, out *Effects) {
	l.ask(LogOp{Kind: OpDelete, Record: TermRecord{Replica: id, Deleted: true}}, 0, out)
}

// complete takes note that operations up to a sequence are done.
func (l *replicaLog) complete(sequence uint64) {
	assert(sequence <= l.asked, "log operation %d done, %d asked", sequence, l.asked)
	for len(l.ops) > 0 && l.ops[0].sequence <= sequence {
		if l.ops[0].kind == OpAppend {
			l.durable = max(l.durable, l.ops[0].last)
		}
		l.ops = l.ops[1:]
	}
	l.done = max(l.done, sequence)
}

// termDurable reports whether the replica's term record is stored as it is.
func (l *replicaLog) termDurable() bool { return !l.waits(OpTerm) }

// waits reports whether an operation of a kind was asked and is not done.
func (l *replicaLog) waits(kind LogOpKind) bool {
	return slices.ContainsFunc(l.ops, func(op askedOp) bool { return op.kind == kind })
}

// quiet reports whether nothing that was asked is under way but trimming, which
// changes nothing that anybody is told.
func (l *replicaLog) quiet() bool {
	return !slices.ContainsFunc(l.ops, func(op askedOp) bool { return op.kind != OpTrim })
}

// id returns the id of the entry at an offset, and whether the log knows it.
func (l *replicaLog) id(o Offset) (EntryID, bool) {
	term, ok := l.history.TermAt(o)
	return EntryID{Term: term, Offset: o}, ok
}

// entries returns those from first on that are in the tail, at most maxBytes of
// them but at least one; none if first is older than the tail.
func (l *replicaLog) entries(first, last Offset, maxBytes int) []Entry {
	if len(l.tail) == 0 || first < l.tail[0].ID.Offset || first > last {
		return nil
	}
	from := int(first - l.tail[0].ID.Offset)
	to, bytes := from, 0
	for to < len(l.tail) && l.tail[to].ID.Offset <= last {
		bytes += l.tail[to].size()
		if bytes > maxBytes && to > from {
			break
		}
		to++
	}
	return slices.Clip(l.tail[from:to])
}

// shrinkTail drops the oldest entries of the tail up to an offset, down to a size.
func (l *replicaLog) shrinkTail(maxBytes int, to Offset) {
	for len(l.tail) > 0 && l.tailBytes > maxBytes && l.tail[0].ID.Offset <= to {
		l.tailBytes -= l.tail[0].size()
		l.tail = l.tail[1:]
	}
}

// read asks the log for entries that the tail does not hold any more.
func (l *replicaLog) read(first Offset, maxBytes int, out *Effects) ReadID {
	id := l.nextRead()
	out.Reads = append(out.Reads, LogRead{ID: id, First: first, MaxBytes: maxBytes})
	return id
}

// nextRead numbers a question, of the log or of the state machine.
func (l *replicaLog) nextRead() ReadID {
	l.lastRead++
	return l.lastRead
}
