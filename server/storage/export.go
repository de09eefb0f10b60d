package storage

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

const (
	// maxSending bounds the snapshots that are being sent at a time; others wait
	// until one is done. Each of them holds files, and were they all to be sent at
	// once, none would come to an end while its files are there.
	maxSending = 8
	// idleSnapshots is after how long, at the least, a snapshot ends that nobody
	// reads, or of which no part comes.
	idleSnapshots = 30 * time.Second
	// maxStall is how long a snapshot may be one of those that are sent without coming
	// forward, if others wait; the next look for idle ones ends that. A member that
	// never answers has the same part asked for it again and again, which would
	// otherwise keep the others out for ever.
	maxStall = 30 * time.Second
	// MinSnapshotRate is the least that exports may be bounded to, in bytes per
	// second: less, and a snapshot may be idle before its next part may leave.
	MinSnapshotRate = 1 << 20
)

// exports are the asks for parts of snapshots that were not answered, in order, and
// the snapshots that are being sent. The core has one ask open for each member that
// needs a snapshot.
type exports struct {
	waiting []waitingExport
	sending []sending
	rate    throttle
}

type waitingExport struct {
	shard replication.ShardID
	ask   replication.ExportAsk
}

func (w *waitingExport) begins() bool { return w.ask.Last == replication.EntryID{} }

// sending is a snapshot of which a part was sent, and not the last.
type sending struct {
	shard replication.ShardID
	last  replication.EntryID
	// furthest is how far in the stream a part was sent, and at when one first was.
	furthest int64
	at       replication.Instant
}

// Export implements replication.StateMachine. The answer comes when there is room
// for another snapshot, and no more bytes were sent than Options.SnapshotRate
// allows; Work says when to see to it.
func (m *Machine) Export(shard replication.ShardID, ask replication.ExportAsk) {
	if m.stopped(shard) {
		return
	}
	m.exports.waiting = append(m.exports.waiting, waitingExport{shard, ask})
	m.answerExports()
}

// answerExports answers what may be answered now, in the order in which it was
// asked.
func (m *Machine) answerExports() {
	x := &m.exports
	left := x.waiting[:0]
	for i, w := range x.waiting {
		if m.failed != nil || !x.rate.allows(m.now) {
			left = append(left, x.waiting[i:]...)
			break
		}
		switch {
		case m.lost[w.shard]:
		case x.admits(w):
			m.export(w)
		default:
			left = append(left, w)
		}
	}
	clear(x.waiting[len(left):])
	x.waiting = left
}

// admits reports whether a part may be sent as far as other snapshots go.
func (x *exports) admits(w waitingExport) bool {
	return len(x.sending) < maxSending || (!w.begins() && x.find(w.shard, w.ask.Last) >= 0)
}

// export answers an ask.
func (m *Machine) export(w waitingExport) {
	shard, ask := w.shard, w.ask
	part, err := m.db.Export(kv.ShardID(shard), kv.ExportAsk{
		Last: kvID(ask.Last), Position: ask.Position, MaxBytes: ask.MaxBytes,
	})
	// What a member says that it keeps may be beyond the end of what is here.
	outside := (*kv.SnapshotError)(nil)
	if !w.begins() && (errors.Is(err, kv.ErrExportGone) || errors.As(err, &outside)) {
		m.logger.Warn("a snapshot begins anew", "shard", shard, "last", ask.Last, "error", err)
		m.exports.ended(shard, ask.Last)
		m.complete(shard, replication.Exported{ID: ask.ID, Gone: true})
		return
	}
	if err != nil {
		m.fail(shard, fmt.Errorf("export shard %d: %w", shard, err))
		return
	}
	if w.begins() {
		m.logger.Info("snapshot begins", "shard", shard, "last", part.Last)
	}
	answer := replication.Exported{ID: ask.ID, Part: replication.SnapshotPart{
		Last: coreID(part.Last), Position: part.Position, Data: part.Data, Final: part.Final,
	}}
	m.exports.sent(shard, &answer.Part, m.now)
	m.exports.rate.took(m.now, len(part.Data))
	m.complete(shard, answer)
}

func (x *exports) find(shard replication.ShardID, last replication.EntryID) int {
	return slices.IndexFunc(x.sending, func(s sending) bool { return s.shard == shard && s.last == last })
}

// sent takes note of a part. One that was sent before is no step forward.
func (x *exports) sent(shard replication.ShardID, part *replication.SnapshotPart, now replication.Instant) {
	end := part.Position + int64(len(part.Data))
	switch i := x.find(shard, part.Last); {
	case part.Final:
		x.ended(shard, part.Last)
	case i < 0:
		x.sending = append(x.sending, sending{shard, part.Last, end, now})
	case end > x.sending[i].furthest:
		x.sending[i].furthest, x.sending[i].at = end, now
	}
}

// ended makes room for another snapshot.
func (x *exports) ended(shard replication.ShardID, last replication.EntryID) {
	if i := x.find(shard, last); i >= 0 {
		x.sending = slices.Delete(x.sending, i, i+1)
	}
}

// dropStalled makes room where nothing came forward since an instant, and nothing
// would if what waits was answered. Who asks again has to wait for its turn, and goes
// on from there.
func (x *exports) dropStalled(since replication.Instant) {
	x.sending = slices.DeleteFunc(x.sending, func(s sending) bool {
		goesOn := slices.ContainsFunc(x.waiting, func(w waitingExport) bool {
			return w.shard == s.shard && w.ask.Last == s.last && w.ask.Position >= s.furthest
		})
		return s.at < since && !goesOn
	})
}

// flushExports answers everything that waits of a shard: it is about to change, and
// was asked for before.
func (m *Machine) flushExports(shard replication.ShardID) {
	waiting := m.exports.waiting
	m.exports.waiting = nil
	for _, w := range waiting {
		switch {
		case w.shard != shard:
			m.exports.waiting = append(m.exports.waiting, w)
		case !m.stopped(shard):
			m.export(w)
		}
	}
	m.dropExports(shard)
}

// dropExports forgets what is asked and sent of a shard.
func (m *Machine) dropExports(shard replication.ShardID) {
	m.exports.waiting = slices.DeleteFunc(m.exports.waiting, func(w waitingExport) bool { return w.shard == shard })
	m.exports.sending = slices.DeleteFunc(m.exports.sending, func(s sending) bool { return s.shard == shard })
}

// endIdleSnapshots gives back what snapshots hold that came to nothing. Those whose
// next part waits for its turn are not idle.
func (m *Machine) endIdleSnapshots() {
	if m.now < m.idleAt {
		return
	}
	m.idleAt = m.now.Add(idleSnapshots)
	for _, w := range m.exports.waiting {
		if !w.begins() {
			m.db.KeepExport(kv.ShardID(w.shard), kvID(w.ask.Last))
		}
	}
	m.exports.dropStalled(m.now.Add(-maxStall))
	if err := m.db.ReleaseIdle(); err != nil {
		m.failed = fmt.Errorf("end idle snapshots: %w", err)
	}
}
