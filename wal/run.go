package wal

import (
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	runName   = "run"
	runHeader = "ostraka run 0001"
)

// nextRun numbers a run of the process above every earlier one of this
// directory, durably. The clock makes it exceed those of a directory that this
// one replaced, too, which nothing here remembers.
func (d *directory) nextRun(now time.Time) (replication.RunID, error) {
	last, err := d.readNumber(runName, runHeader)
	if err != nil {
		return 0, err
	}
	run := max(last+1, uint64(max(now.UnixNano(), 1)))
	return replication.RunID(run), d.writeNumber(runName, runHeader, run)
}
