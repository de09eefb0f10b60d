package wal

import (
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// ledger is what a shard's operations come to, without the entries.
type ledger struct {
	record  replication.TermRecord
	history replication.History
	// chain and step are those of a link.
	chain, step uint64
	// replica is a link's, too: the highest id of any term or deletion so far.
	replica replication.ReplicaID
	// amnesia says that an operation was lost, and nobody knows which. If replica is
	// zero then, nobody knows that either.
	amnesia bool
}

// check tells why an operation does not fit what there is.
func (g *ledger) check(op replication.LogOp) error {
	switch op.Kind {
	case replication.OpTerm, replication.OpDelete:
	case replication.OpAppend:
		head := g.history.Head()
		for _, e := range op.Entries {
			if e.ID.Offset != head.Offset+1 || e.ID.Term < max(head.Term, 1) {
				return fmt.Errorf("entry %v is appended after %v", e.ID, head)
			}
			head = e.ID
		}
	case replication.OpTruncate:
		if _, known := g.history.TermAt(op.Truncate); !known {
			return fmt.Errorf("truncated to %d, which is not in the log", op.Truncate)
		}
	case replication.OpReset:
		if op.Base.Offset < 0 || op.Base.Term < 0 {
			return fmt.Errorf("reset to %v", op.Base)
		}
	case replication.OpTrim:
		if !g.history.Contains(op.Base) {
			return fmt.Errorf("trimmed up to %v, which is not in the log", op.Base)
		}
	default:
		return fmt.Errorf("an operation of kind %d", op.Kind)
	}
	return nil
}

// apply makes the effect of an operation that fits.
func (g *ledger) apply(op replication.LogOp) {
	g.chain++
	if op.Kind != replication.OpAppend {
		g.step = g.chain
	}
	switch op.Kind {
	case replication.OpTerm:
		g.record = op.Record
		if !g.amnesia || g.replica != 0 { // what is lost may have been higher
			g.replica = max(g.replica, op.Record.Replica)
		}
	case replication.OpAppend:
		for _, e := range op.Entries {
			g.history.Append(e.ID)
		}
	case replication.OpTruncate:
		g.history.TruncateTo(op.Truncate)
	case replication.OpReset:
		g.history = replication.NewHistory(op.Base)
	case replication.OpTrim:
		g.history.TrimTo(op.Base.Offset)
	case replication.OpDelete:
		// Nothing that was lost before matters any more.
		g.replica = max(g.replica, op.Record.Replica)
		g.record, g.history, g.amnesia = op.Record, replication.History{}, false
	}
}

func (g *ledger) link() link {
	head := g.history.Head()
	return link{chain: g.chain, step: g.step, head: head, start: termStart(&g.history), replica: g.replica}
}

// termStart is the offset of the first entry in the log that has its head's term.
func termStart(h *replication.History) replication.Offset {
	head := h.Head()
	before := h.LastAtOrBelow(replication.EntryID{Term: head.Term - 1, Offset: head.Offset})
	return min(before.Offset+1, head.Offset)
}

// clone returns a copy that shares nothing.
func (g *ledger) clone() ledger {
	c := *g
	c.history = g.history.Clone()
	return c
}

// empty reports whether there is nothing, as if the shard had never been here.
func (g *ledger) empty() bool {
	return g.record == replication.TermRecord{} && g.history.Head() == replication.EntryID{} && !g.amnesia
}
