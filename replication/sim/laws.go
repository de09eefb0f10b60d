package sim

import (
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// laws watches what servers do and promise, and tells the first law that one of them
// breaks. It knows what each log was asked, what of it was called durable, and what
// anybody applied.
type laws struct {
	world *world
	// leaders is who led each term of each shard.
	leaders map[shardTerm]replication.Member
	// entries is a sum of what each entry id was first seen to carry.
	entries map[shardEntry]uint64
	// ledgers are the entries of each shard that anybody applied, by offset from 1.
	ledgers map[replication.ShardID][]appliedEntry
	// digests is what the state was first seen to be as of an offset.
	digests map[shardOffset]kv.Digest
	// books are the replicas' logs, by server and shard.
	books []map[replication.ShardID]*book
}

type (
	shardTerm struct {
		shard replication.ShardID
		term  replication.Term
	}
	shardEntry struct {
		shard replication.ShardID
		id    replication.EntryID
	}
	shardOffset struct {
		shard  replication.ShardID
		offset replication.Offset
	}
)

// appliedEntry is an entry, and the term of the replica that applied it first. Only
// leaders of terms above that one are bound to have it.
type appliedEntry struct {
	id replication.EntryID
	in replication.Term
}

// book is what is known of a replica's log.
type book struct {
	durable view
	// pending are the operations that were not called durable, with what each leads to.
	pending []pendingOp
	// flushed is up to where the state was called durable.
	flushed replication.Offset
}

// view is a log as of an operation.
type view struct {
	record  replication.TermRecord
	history replication.History
}

type pendingOp struct {
	sequence uint64
	kind     replication.LogOpKind
	after    view
}

func newLaws(w *world, servers int) *laws {
	l := &laws{
		world: w, leaders: map[shardTerm]replication.Member{}, entries: map[shardEntry]uint64{},
		ledgers: map[replication.ShardID][]appliedEntry{}, digests: map[shardOffset]kv.Digest{},
		books: make([]map[replication.ShardID]*book, servers),
	}
	for i := range l.books {
		l.books[i] = map[replication.ShardID]*book{}
	}
	return l
}

func (l *laws) book(s *server, shard replication.ShardID) *book {
	b := l.books[s.index][shard]
	if b == nil {
		b = &book{}
		l.books[s.index][shard] = b
	}
	return b
}

func (b *book) latest() view {
	if len(b.pending) == 0 {
		return b.durable
	}
	return b.pending[len(b.pending)-1].after
}

// submitted enters an operation that a log was asked for.
func (l *laws) submitted(s *server, shard replication.ShardID, op replication.LogOp) {
	b := l.book(s, shard)
	l.sameEntries(s, shard, op)
	l.keepsCommitted(s, shard, b.latest(), op)
	l.count(op.Kind)
	b.pending = append(b.pending, pendingOp{op.Sequence, op.Kind, b.latest().after(op)})
}

func (l *laws) count(kind replication.LogOpKind) {
	r := &l.world.report
	switch kind {
	case replication.OpTruncate:
		r.Truncations++
	case replication.OpReset:
		r.Snapshots++
	case replication.OpDelete:
		r.Deletions++
	}
}

// after is the log with one more operation.
func (v view) after(op replication.LogOp) view {
	next := view{record: v.record, history: v.history.Clone()}
	switch op.Kind {
	case replication.OpTerm:
		next.record = op.Record
	case replication.OpAppend:
		for _, e := range op.Entries {
			next.history.Append(e.ID)
		}
	case replication.OpTruncate:
		next.history.TruncateTo(op.Truncate)
	case replication.OpReset:
		next.history = replication.NewHistory(op.Base)
	case replication.OpTrim:
		next.history.TrimTo(op.Base.Offset)
	case replication.OpDelete:
		next = view{record: op.Record}
	}
	return next
}

// sameEntries: no two different entries share an id.
func (l *laws) sameEntries(s *server, shard replication.ShardID, op replication.LogOp) {
	for _, e := range op.Entries {
		key, sum := shardEntry{shard, e.ID}, xxh3.HashSeed(e.Payload, uint64(e.Timestamp))
		if first, seen := l.entries[key]; seen && first != sum {
			l.broken(s, shard, "entry %v is not what it was first seen to be", e.ID)
		}
		l.entries[key] = sum
	}
}

// keepsCommitted: no truncation drops an entry that somebody applied.
func (l *laws) keepsCommitted(s *server, shard replication.ShardID, before view, op replication.LogOp) {
	if op.Kind != replication.OpTruncate {
		return
	}
	ledger := l.ledgers[shard]
	for o := op.Truncate + 1; o <= before.history.Head().Offset && int(o) <= len(ledger); o++ {
		e := ledger[o-1]
		if e.in <= before.record.Term.Term && before.history.Contains(e.id) {
			l.broken(s, shard, "truncates to %d, and %v was applied", op.Truncate, e.id)
		}
	}
}

// synced enters that operations were called durable.
func (l *laws) synced(s *server, shard replication.ShardID, sequence uint64) {
	b := l.book(s, shard)
	for len(b.pending) > 0 && b.pending[0].sequence <= sequence {
		b.durable = b.pending[0].after
		b.pending = b.pending[1:]
	}
}

// flushed enters that what was applied was called durable.
func (l *laws) flushed(s *server, shard replication.ShardID, last replication.EntryID) {
	l.book(s, shard).flushed = last.Offset
}

// imported enters that a snapshot may have been installed, which is durable then.
func (l *laws) imported(s *server, shard replication.ShardID, last replication.EntryID) {
	applied, err := s.process.disk.State().Applied(kv.ShardID(shard))
	if err != nil || applied.Offset != int64(last.Offset) || s.disk.dying {
		return
	}
	l.flushed(s, shard, last)
	l.sameState(s, shard)
}

// dropped enters that a state is dropped.
func (l *laws) dropped(s *server, shard replication.ShardID) { l.book(s, shard).flushed = 0 }

// holds is the last offset that a crash would leave, be it in the log or in the
// state alone.
func (b *book) holds() replication.Offset {
	return max(b.durable.history.Head().Offset, b.flushed)
}

// wiped forgets what was on a disk that is gone.
func (l *laws) wiped(s *server) { clear(l.books[s.index]) }

// recovered holds what a disk turns out to hold against what it was said to.
func (l *laws) recovered(s *server, all []storage.Recovered) {
	for shard := range l.world.config.Shards {
		id := replication.ShardID(shard)
		b := l.book(s, id)
		i := slices.IndexFunc(all, func(f storage.Recovered) bool { return f.Shard == id })
		var found replication.Recovered
		if i >= 0 {
			found = all[i].Found
		}
		if !s.suspect {
			l.keptPromises(s, id, b, found)
		}
		*b = book{
			durable: view{found.Record, found.History.Clone()}, flushed: found.Applied.Offset,
		}
	}
}

// keptPromises: a log holds what it called durable, and a state what it flushed.
func (l *laws) keptPromises(s *server, shard replication.ShardID, b *book, found replication.Recovered) {
	was, is := b.durable.record, found.Record
	if is.Replica < was.Replica || is.Replica == was.Replica && is.Term.Term < was.Term.Term && !is.Deleted {
		l.broken(s, shard, "the disk holds %+v, and %+v was durable", is, was)
	}
	other := func(op pendingOp) bool {
		return op.kind == replication.OpTruncate || op.kind == replication.OpReset || op.kind == replication.OpDelete
	}
	if is.Replica != was.Replica || is.Deleted || slices.ContainsFunc(b.pending, other) {
		return
	}
	if head := b.durable.history.Head(); head.Offset > found.History.Base().Offset && !found.History.Contains(head) {
		l.broken(s, shard, "the log holds %v, and %v was durable", &found.History, head)
	}
	if found.Applied.Offset < b.flushed {
		l.broken(s, shard, "the state is as of %v, and %d was flushed", found.Applied, b.flushed)
	}
	asked := b.latest().history
	if head := found.History.Head(); head != found.Applied && !asked.Contains(head) {
		l.broken(s, shard, "the log ends with %v, which it was never asked to hold: %v", head, &asked)
	}
}

// applied enters entries that a state machine applied.
func (l *laws) applied(s *server, shard replication.ShardID, entries []replication.Entry) {
	ledger := l.ledgers[shard]
	in := l.book(s, shard).latest().record.Term.Term
	for _, e := range entries {
		switch at := int(e.ID.Offset) - 1; {
		case at > len(ledger):
			l.broken(s, shard, "applies %v, and nobody applied %d", e.ID, at)
			return
		case at == len(ledger):
			ledger = append(ledger, appliedEntry{e.ID, in})
		case ledger[at].id != e.ID:
			l.broken(s, shard, "applies %v, and somebody applied %v", e.ID, ledger[at].id)
		}
		if sum, seen := l.entries[shardEntry{shard, e.ID}]; !seen || sum != xxh3.HashSeed(e.Payload, uint64(e.Timestamp)) {
			l.broken(s, shard, "applies an entry %v that no log was asked to hold", e.ID)
		}
	}
	l.ledgers[shard] = ledger
	l.sameState(s, shard)
}

// sameState: as of one entry there is one state.
func (l *laws) sameState(s *server, shard replication.ShardID) {
	digest, at, err := s.process.disk.State().Digest(kv.ShardID(shard))
	if err != nil {
		return
	}
	l.world.trace.note(tookState, nil, uint64(s.index), uint64(shard), uint64(at.Offset), uint64(digest))
	l.world.trace.printf("%s shard %d: the state at %v has the digest %x", s.id, shard, at, uint64(digest))
	key := shardOffset{shard, replication.Offset(at.Offset)}
	if first, seen := l.digests[key]; seen && first != digest && !s.suspect {
		l.broken(s, shard, "its state at %v has the digest %x, another's has %x", at, uint64(digest), uint64(first))
	}
	l.digests[key] = digest
}

// took looks at a step of a replica.
func (l *laws) took(s *server, step replication.TraceStep) {
	state := step.Replica
	if state == nil || state.Role == replication.RoleDeleted {
		return
	}
	b := l.book(s, step.Shard)
	if state.Applied > state.Commit || state.Applied > state.Durable {
		l.broken(s, step.Shard, "applied %d, committed %d, durable %d", state.Applied, state.Commit, state.Durable)
	}
	if state.Role == replication.RoleLeader {
		l.leads(s, step.Shard, state)
	}
	for _, e := range step.Effects.Messages {
		told := replication.Offset(0)
		switch m := e.Message.(type) {
		case replication.Ack:
			told = m.Match
		case replication.SnapshotAck:
			if m.Installed {
				told = m.Last.Offset
			}
		case replication.NewTermReply:
			if told = m.Head.Offset; m.Refused == 0 && b.durable.record.Term.Term < m.Term.Term {
				l.broken(s, step.Shard, "says that it is in %v, durable is %v", m.Term, b.durable.record.Term)
			}
		}
		if held := b.holds(); told > held {
			l.broken(s, step.Shard, "%s, durable is %d", replication.Render(e.Message), held)
		}
	}
}

// leads: a term has one leader, whose log holds all that was applied in lower terms.
func (l *laws) leads(s *server, shard replication.ShardID, state *replication.ReplicaState) {
	key := shardTerm{shard, state.Term.Term}
	first, led := l.leaders[key]
	if led && first != state.Member {
		l.broken(s, shard, "%v and %v both lead term %d", first, state.Member, key.term)
	}
	if led {
		return
	}
	l.leaders[key] = state.Member
	history := l.book(s, shard).latest().history
	for _, e := range l.ledgers[shard] {
		if e.in < key.term && e.id.Offset > history.Base().Offset && !history.Contains(e.id) {
			l.broken(s, shard, "leads term %d without %v, which was applied", key.term, e.id)
			return
		}
	}
}

func (l *laws) broken(s *server, shard replication.ShardID, format string, args ...any) {
	l.world.fail(fmt.Errorf("%s, shard %d: "+format, append([]any{s.id, shard}, args...)...))
}
