package maelstrom

import "github.com/ostraka-db/ostraka/replication"

// trim makes the log give up what the state machine holds durably, but for the
// last entries: members that lag by so many need no snapshot. It reports whether
// there was enough to make it worth a flush.
func (l *loop) trim() (bool, error) {
	keep := replication.Offset(l.trimEvery)
	state, hosted := l.node.Replica(shardID)
	if keep == 0 || !hosted || state.Applied < state.Base.Offset+2*keep {
		return false, nil
	}
	if err := l.disk.Flush(); err != nil {
		return false, err
	}
	flushed, err := l.disk.Flushed(shardID)
	if err != nil {
		return false, err
	}
	to := flushed.Offset - keep
	l.node.Trim(shardID, to)
	l.logger.Debug("log trimmed", "shard", shardID, "to", to)
	return true, nil
}
