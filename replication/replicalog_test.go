package replication

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// simulatedDisk carries out what a replicaLog asks, in order, when it is told to.
type simulatedDisk struct {
	pending []LogOp
	log     simulatedLog
	done    uint64
	// state is the last entry that the state machine holds durably.
	state EntryID
}

// simulatedLog is the entries after base.
type simulatedLog struct {
	base    EntryID
	entries []Entry
}

func (d *simulatedDisk) sync(count int) {
	for _, op := range d.pending[:count] {
		d.log = d.log.after(op)
		d.done = op.Sequence
	}
	d.pending = d.pending[count:]
}

// submitted is the log with what is not synced.
func (d *simulatedDisk) submitted() simulatedLog {
	log := d.log
	for _, op := range d.pending {
		log = log.after(op)
	}
	return log
}

// recovered is the log that a crash leaves, settled with the state.
func (d *simulatedDisk) recovered(t *rapid.T) simulatedLog {
	history := NewHistory(d.log.base)
	for _, e := range d.log.entries {
		history.Append(e.ID)
	}
	settled, op := Recovered{History: history, Applied: d.state}.Settle()
	switch {
	case settled.Damaged != 0:
		t.Fatalf("damaged to %d", settled.Damaged)
	case op != nil:
		return d.log.after(*op)
	}
	return d.log
}

func (l simulatedLog) after(op LogOp) simulatedLog {
	switch op.Kind {
	case OpAppend:
		l.entries = append(slices.Clip(l.entries), op.Entries...)
	case OpTruncate:
		l.entries = l.entries[:op.Truncate-l.base.Offset]
	case OpReset:
		l = simulatedLog{base: op.Base}
	case OpTrim:
		l = simulatedLog{base: op.Base, entries: l.entries[op.Base.Offset-l.base.Offset:]}
	}
	return l
}

func (l simulatedLog) head() EntryID { return l.id(l.base.Offset + Offset(len(l.entries))) }

func (l simulatedLog) id(o Offset) EntryID {
	if o == l.base.Offset {
		return l.base
	}
	return l.entries[o-l.base.Offset-1].ID
}

// TestDurableIsWhatACrashLeaves: whatever is appended, truncated, trimmed, reset
// and synced in any interleaving, what the log calls durable would survive a crash now and is
// the same entry as in the log; and once all is synced, all is durable.
func TestDurableIsWhatACrashLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, disk, term := &replicaLog{}, &simulatedDisk{}, Term(1)
		submit := func(out *Effects) { disk.pending = append(disk.pending, out.Log...) }
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				var entries []Entry
				next := l.head().Offset + 1
				for i := range rapid.IntRange(1, 3).Draw(t, "count") {
					entries = append(entries, Entry{ID: EntryID{Term: term, Offset: next + Offset(i)}})
				}
				var out Effects
				l.append(entries, &out)
				submit(&out)
			},
			"truncate": func(t *rapid.T) {
				// What replaces dropped entries is of a later term.
				term++
				var out Effects
				l.truncate(Offset(rapid.IntRange(int(disk.state.Offset), int(l.head().Offset)).Draw(t, "to")), &out)
				submit(&out)
			},
			"reset": func(t *rapid.T) {
				// The state machine installed what no entry here leads to.
				term++
				to := disk.state.Offset + Offset(rapid.IntRange(1, 6).Draw(t, "beyond"))
				disk.state = EntryID{Term: term, Offset: to}
				var out Effects
				l.reset(disk.state, &out)
				submit(&out)
			},
			"trim": func(t *rapid.T) {
				base, applied := l.history.Base().Offset, max(l.durable, disk.state.Offset)
				to := Offset(rapid.IntRange(int(base), int(applied)).Draw(t, "to"))
				if id, _ := l.id(to); to > disk.state.Offset {
					disk.state = id
				}
				var out Effects
				l.trim(to, &out)
				submit(&out)
			},
			"persist": func(*rapid.T) {
				var out Effects
				l.persist(TermRecord{Replica: 1, Term: TermID{Term: term}}, &out)
				submit(&out)
			},
			"sync": func(t *rapid.T) { disk.sync(rapid.IntRange(0, len(disk.pending)).Draw(t, "count")) },
			"complete": func(t *rapid.T) {
				l.complete(uint64(rapid.IntRange(int(min(l.done, disk.done)), int(disk.done)).Draw(t, "sequence")))
			},
			"shrink the tail": func(t *rapid.T) { l.shrinkTail(rapid.IntRange(0, 200).Draw(t, "bytes"), l.durable) },
			"":                func(t *rapid.T) { durableSurvives(t, l, disk) },
		})
		disk.sync(len(disk.pending))
		l.complete(disk.done)
		if l.durable != l.head().Offset || !l.termDurable() || l.done != l.asked {
			t.Fatalf("all is synced: durable %d of %v", l.durable, l.head())
		}
	})
}

func durableSurvives(t *rapid.T, l *replicaLog, disk *simulatedDisk) {
	log, left := disk.submitted(), disk.recovered(t)
	if l.head() != log.head() || l.history.Base() != log.base || l.durable > left.head().Offset {
		t.Fatalf("head %v of %v after %v of %v, durable %d of %v",
			l.head(), log.head(), l.history.Base(), log.base, l.durable, left.head())
	}
	for o := log.base.Offset; o <= l.head().Offset; o++ {
		id, _ := l.id(o)
		if id != log.id(o) {
			t.Fatalf("entry %d is %v, want %v", o, id, log.id(o))
		}
		if o <= l.durable && o >= left.base.Offset && left.id(o) != id {
			t.Fatalf("entry %v is durable as %v", id, left.id(o))
		}
	}
	for i, e := range l.tail {
		if want := log.entries[len(log.entries)-len(l.tail)+i].ID; e.ID != want {
			t.Fatalf("the tail has %v for %v", e.ID, want)
		}
	}
}
