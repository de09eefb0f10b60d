package wal

import "github.com/ostraka-db/ostraka/replication"

// A state is the body of a record that says, at the beginning of each segment,
// what all earlier records of a shard came to. So older segments matter for their
// entries only, and what was lost in them of a shard's steps is made good.

const (
	stateDeleted = 1 << iota
	stateAmnesia
	stateFlags
)

func appendState(b []byte, g *ledger) []byte {
	flags := byte(0)
	if g.record.Deleted {
		flags |= stateDeleted
	}
	if g.amnesia {
		flags |= stateAmnesia
	}
	b = append(b, flags)
	b = appendField(b, g.record.Replica)
	b = appendField(b, g.record.Term.Term)
	b = appendField(b, g.record.Term.Election)
	b = appendID(b, g.history.Base())
	return appendRuns(b, historyRuns(&g.history))
}

// decodeState reads a state that follows a link.
func decodeState(v link, body []byte) (ledger, bool) {
	c := cursor{rest: body}
	flags := c.byte()
	g := ledger{
		chain: v.chain, step: v.step, replica: v.replica,
		record: c.termRecord(), amnesia: flags&stateAmnesia != 0,
	}
	g.record.Deleted = flags&stateDeleted != 0
	base := c.id()
	runs := c.runs()
	if !c.ended() || flags >= stateFlags || (g.record.Replica > g.replica && !g.amnesia) {
		return ledger{}, false
	}
	return g, g.rebuild(base, runs) && g.link() == v
}

// rebuild makes the history from its runs, unless they are no history.
func (g *ledger) rebuild(base replication.EntryID, runs []run) bool {
	g.history = replication.NewHistory(base)
	total, term := uint64(0), max(base.Term, 1)
	for _, run := range runs {
		total += run.count
		if run.count == 0 || run.count > maxRunEntries || total > maxRunEntries || run.term < term {
			return false
		}
		term = run.term
	}
	for _, run := range runs {
		for range run.count {
			g.history.Append(replication.EntryID{Term: run.term, Offset: g.history.Head().Offset + 1})
		}
	}
	return true
}

// historyRuns are the terms of a history's entries, in order.
func historyRuns(h *replication.History) []run {
	var runs []run
	for o := h.Base().Offset + 1; o <= h.Head().Offset; {
		term, _ := h.TermAt(o)
		last := h.LastAtOrBelow(replication.EntryID{Term: term, Offset: h.Head().Offset})
		runs = append(runs, run{term, uint64(last.Offset - o + 1)})
		o = last.Offset + 1
	}
	return runs
}
