package replication

import (
	"testing"

	"pgregory.net/rapid"
)

// simulatedDisk carries out what a replicaLog asks, in order, when it is told to.
type simulatedDisk struct {
	pending []LogOp
	entries []Entry
	done    uint64
}

func (d *simulatedDisk) sync(count int) {
	for _, op := range d.pending[:count] {
		d.entries = carryOut(d.entries, op)
		d.done = op.Sequence
	}
	d.pending = d.pending[count:]
}

func carryOut(entries []Entry, op LogOp) []Entry {
	switch op.Kind {
	case OpAppend:
		return append(entries[:len(entries):len(entries)], op.Entries...)
	case OpTruncate:
		return entries[:op.Truncate]
	}
	return entries
}

// TestDurableIsWhatACrashLeaves: whatever is appended, truncated and synced in
// any interleaving, what the log calls durable would survive a crash now and is
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
				l.truncate(Offset(rapid.IntRange(0, int(l.head().Offset)).Draw(t, "to")), &out)
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
			"trim": func(t *rapid.T) { l.trim(rapid.IntRange(0, 200).Draw(t, "bytes"), l.durable) },
			"":     func(t *rapid.T) { durableSurvives(t, l, disk) },
		})
		disk.sync(len(disk.pending))
		l.complete(disk.done)
		if l.durable != l.head().Offset || !l.termDurable() || l.done != l.asked {
			t.Fatalf("all is synced: durable %d of %v", l.durable, l.head())
		}
	})
}

func durableSurvives(t *rapid.T, l *replicaLog, disk *simulatedDisk) {
	log := disk.entries
	for _, op := range disk.pending {
		log = carryOut(log, op)
	}
	if int(l.head().Offset) != len(log) || int(l.durable) > len(disk.entries) {
		t.Fatalf("head %v of %d, durable %d of %d", l.head(), len(log), l.durable, len(disk.entries))
	}
	for o := Offset(1); o <= l.head().Offset; o++ {
		id, _ := l.id(o)
		if id != log[o-1].ID {
			t.Fatalf("entry %d is %v, want %v", o, id, log[o-1].ID)
		}
		if o <= l.durable && disk.entries[o-1].ID != id {
			t.Fatalf("entry %v is durable as %v", id, disk.entries[o-1].ID)
		}
	}
	for i, e := range l.tail {
		if want := log[len(log)-len(l.tail)+i].ID; e.ID != want {
			t.Fatalf("the tail has %v for %v", e.ID, want)
		}
	}
}
