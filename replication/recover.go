package replication

// Recovered is what a replica finds on its disk: nothing but what was synced.
type Recovered struct {
	Record  TermRecord
	History History
	// Applied is the last entry whose effects the state machine holds.
	Applied EntryID
	// Damaged is the highest offset of an entry in the history that cannot be read
	// back; zero if there is none.
	Damaged Offset
}

// Settle makes the log and the state machine agree, which a crash may have
// parted: a snapshot is installed before the log is reset. If the log holds
// exactly the applied entry, what follows it is kept. If not, nothing in the log
// follows the state, and the head is the applied entry. The operation, if there
// is one, is to be carried out durably before the replica is opened.
//
// Damage that remains is of entries that are not applied, or it is the state that
// is lost, with entries that the log was trimmed of: see repair.go.
func (f Recovered) Settle() (Recovered, *LogOp) {
	base := f.History.Base().Offset
	switch {
	case f.Record.Deleted:
		// What is left of the state is dropped when the replica is opened.
		return Recovered{Record: f.Record}, nil
	case f.History.Contains(f.Applied):
		return f.settleDamage()
	case f.Applied.Offset <= base:
		f.Applied, f.Damaged = EntryID{}, max(f.Damaged, base)
		return f, nil
	}
	f.History, f.Damaged = NewHistory(f.Applied), 0
	return f, &LogOp{Kind: OpReset, Base: f.Applied}
}

// settleDamage lets go of damaged entries whose effects the state machine holds
// durably: nobody needs them any more but a member that lags, and that one can be
// sent a snapshot.
func (f Recovered) settleDamage() (Recovered, *LogOp) {
	damaged := f.Damaged
	if damaged > f.Applied.Offset {
		return f, nil
	}
	f.Damaged = 0
	if damaged <= f.History.Base().Offset {
		return f, nil
	}
	f.History.TrimTo(damaged)
	return f, &LogOp{Kind: OpTrim, Base: f.History.Base()}
}
