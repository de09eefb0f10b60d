package replication

import (
	"testing"

	"pgregory.net/rapid"
)

// TestHistoryIsASliceOfIDs compares a History with the plain list of ids that it
// stands for: whatever is appended and truncated, both answer alike.
func TestHistoryIsASliceOfIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := EntryID{}
		if rapid.Bool().Draw(t, "trimmed") {
			base = EntryID{Term: Term(rapid.IntRange(1, 3).Draw(t, "baseTerm")), Offset: Offset(rapid.IntRange(1, 5).Draw(t, "baseOffset"))}
		}
		h, ids := NewHistory(base), []EntryID{base}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				last := ids[len(ids)-1]
				term := last.Term + Term(rapid.IntRange(0, 2).Draw(t, "later"))
				id := EntryID{Term: max(term, 1), Offset: last.Offset + 1}
				h.Append(id)
				ids = append(ids, id)
			},
			"truncate": func(t *rapid.T) {
				keep := rapid.IntRange(1, len(ids)).Draw(t, "keep")
				h.TruncateTo(ids[keep-1].Offset)
				ids = ids[:keep]
			},
			"trim": func(t *rapid.T) {
				drop := rapid.IntRange(0, len(ids)-1).Draw(t, "drop")
				h.TrimTo(ids[drop].Offset)
				ids = ids[drop:]
			},
			"clone": func(*rapid.T) {
				c := h.Clone()
				head := ids[len(ids)-1]
				h.Append(EntryID{Term: head.Term + 7, Offset: head.Offset + 1})
				h = c
			},
			"": func(t *rapid.T) { sameHistory(t, &h, ids) },
		})
	})
}

func sameHistory(t *rapid.T, h *History, ids []EntryID) {
	base, head := ids[0], ids[len(ids)-1]
	if h.Head() != head || h.Base() != base {
		t.Fatalf("%v to %v, want %v to %v", h.Base(), h.Head(), base, head)
	}
	for o := base.Offset - 2; o <= head.Offset+2; o++ {
		want, known := Term(0), o >= base.Offset && o <= head.Offset
		if known {
			want = ids[o-base.Offset].Term
		}
		if term, ok := h.TermAt(o); ok != known || term != want {
			t.Fatalf("TermAt(%d) = %d, %v; want %d, %v", o, term, ok, want, known)
		}
		for term := Term(0); term <= head.Term+1; term++ {
			id := EntryID{Term: term, Offset: o}
			if got, want := h.LastAtOrBelow(id), lastAtOrBelow(ids, id); got != want {
				t.Fatalf("LastAtOrBelow(%v) = %v, want %v, of %v", id, got, want, ids)
			}
			if h.Contains(id) != (known && want == term) {
				t.Fatalf("Contains(%v) = %v", id, h.Contains(id))
			}
		}
	}
}

// lastAtOrBelow is LastAtOrBelow as its comment says it.
func lastAtOrBelow(ids []EntryID, id EntryID) EntryID {
	for i := len(ids) - 1; i > 0; i-- {
		if ids[i].Term <= id.Term && ids[i].Offset <= id.Offset {
			return ids[i]
		}
	}
	return ids[0]
}
