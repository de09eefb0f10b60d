package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	path := filepath.Join(d.path, runName)
	var last uint64
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return 0, fmt.Errorf("read the run: %w", err)
	default:
		var intact bool
		if last, intact = decodeNumber(runHeader, content); !intact {
			return 0, &CorruptionError{File: path, Detail: "it is not the number of a run"}
		}
	}
	run := max(last+1, uint64(max(now.UnixNano(), 1)))
	return replication.RunID(run), d.writeNumber(runName, runHeader, run)
}
