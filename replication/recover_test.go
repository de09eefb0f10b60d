package replication

import "testing"

// TestSettle: what the log holds after the applied entry is kept; a log that does
// not hold that entry is dropped; a state that is behind its log's base is no state
// to go on from; and damage matters where the state does not hold the entry.
func TestSettle(t *testing.T) {
	id := func(term Term, offset Offset) EntryID { return EntryID{Term: term, Offset: offset} }
	log := NewHistory(id(1, 3))
	for _, e := range []EntryID{id(1, 4), id(2, 5), id(2, 6)} {
		log.Append(e)
	}
	for _, test := range []struct {
		name       string
		applied    EntryID
		damaged    Offset
		base, head EntryID
		op         LogOpKind
		left       Offset
	}{
		{name: "within the log", applied: id(2, 5), base: id(1, 3), head: id(2, 6)},
		{name: "at the head", applied: id(2, 6), base: id(1, 3), head: id(2, 6)},
		{name: "at the base", applied: id(1, 3), base: id(1, 3), head: id(2, 6)},
		{name: "beyond the head", applied: id(3, 9), base: id(3, 9), head: id(3, 9), op: OpReset},
		{name: "where the log has another entry", applied: id(3, 5), base: id(3, 5), head: id(3, 5), op: OpReset},
		{name: "below the base", applied: id(1, 2), base: id(1, 3), head: id(2, 6), left: 3},
		{name: "at another base", applied: id(2, 3), base: id(1, 3), head: id(2, 6), left: 3},
		{name: "lost", base: id(1, 3), head: id(2, 6), left: 3},
		{name: "lost, and entries too", damaged: 5, base: id(1, 3), head: id(2, 6), left: 5},
		{name: "damaged where it is applied", applied: id(2, 5), damaged: 5, base: id(2, 5), head: id(2, 6), op: OpTrim},
		{name: "damaged below", applied: id(2, 6), damaged: 4, base: id(1, 4), head: id(2, 6), op: OpTrim},
		{name: "damaged above", applied: id(2, 5), damaged: 6, base: id(1, 3), head: id(2, 6), left: 6},
		{name: "damaged in a log that is dropped", applied: id(3, 9), damaged: 6, base: id(3, 9), head: id(3, 9), op: OpReset},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, op := Recovered{
				Record: TermRecord{Replica: 1, Term: TermID{Term: 3}}, History: log.Clone(), Applied: test.applied, Damaged: test.damaged,
			}.Settle()
			if found.History.Base() != test.base || found.History.Head() != test.head || found.Damaged != test.left {
				t.Errorf("the log holds %v, damaged to %d; want %v to %v, %d", &found.History, found.Damaged, test.base, test.head, test.left)
			}
			kind := LogOpKind(0)
			if op != nil {
				kind = op.Kind
				if op.Base != test.base {
					t.Errorf("operation %+v", op)
				}
			}
			if kind != test.op {
				t.Errorf("operation %v, want %v", kind, test.op)
			}
			// It opens as it is.
			r := NewReplica(1, "s1", 1, &Options{}, found)
			if r.damaged() != (test.left != 0) {
				t.Errorf("%v", r.State())
			}
		})
	}
}
