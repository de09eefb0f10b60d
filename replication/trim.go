package replication

// Rule 10, trimming: the log lets go of what the state machine holds.

// trim drops the log up to and including an entry. That the state machine holds
// everything up to there durably is the caller's word (see Trim); what the
// replica knows by itself is that nothing above the applied offset can be.
func (r *Replica) trim(to Offset) {
	if to > r.applied || to <= r.log.history.Base().Offset || r.incoming.installing {
		return // an install drops the whole log anyway
	}
	r.log.trim(to, r.out)
}
