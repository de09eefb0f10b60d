package maelstrom

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// disk is what a node keeps in its data directory: the log in "log", the state
// machine in "state".
type disk struct {
	log *wal.Log
	db  *kv.DB
}

// openDisk opens a data directory, or makes one.
func openDisk(dir string, logger *slog.Logger) (*disk, error) {
	log, err := wal.Open(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	db, err := kv.Open(kv.Options{
		FS: vfs.Default, Dir: filepath.Join(dir, "state"),
		// What one node of a test needs: its records are few.
		CacheBytes: 4 << 20, MemTableBytes: 4 << 20, Logger: logger,
	})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &disk{log: log, db: db}, nil
}

// recovered returns the replica that the disk holds of a shard, and whether it
// holds one.
func (d *disk) recovered(shard replication.ShardID) (replication.Recovered, bool, error) {
	applied, err := d.db.Applied(kv.ShardID(shard))
	if err != nil {
		return replication.Recovered{}, false, fmt.Errorf("recover shard %d: %w", shard, err)
	}
	id := replication.EntryID{Term: replication.Term(applied.Term), Offset: replication.Offset(applied.Offset)}
	for _, found := range d.log.Recovered() {
		if found.Shard != shard || found.Record.Replica == 0 {
			continue
		}
		if !found.History.Contains(id) {
			return replication.Recovered{}, false, fmt.Errorf("recover shard %d: its state is at entry %v, which its log %v does not hold; "+
				"wipe the data directory, so that the server is replaced", shard, id, &found.History)
		}
		return replication.Recovered{Record: found.Record, History: found.History, Applied: id.Offset}, true, nil
	}
	if id != (replication.EntryID{}) {
		return replication.Recovered{}, false, fmt.Errorf("recover shard %d: there is state up to entry %v, but no log; "+
			"wipe the data directory, so that the server is replaced", shard, id)
	}
	return replication.Recovered{}, false, nil
}

// close closes both. Everything that matters is durable already.
func (d *disk) close() error { return errors.Join(d.db.Close(), d.log.Close()) }
