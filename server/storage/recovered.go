package storage

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// Recovered is what the disk holds of a shard: a replica, or the mark of one that
// was deleted.
type Recovered struct {
	Shard replication.ShardID
	Found replication.Recovered
}

// Recovered returns what the disk holds of each shard, by shard, with log and state
// settled durably. State of which the log knows no replica is dropped. It is to be
// called once, before the machine and the log are used. The error is the disk's.
func (d *Disk) Recovered() ([]Recovered, error) {
	if err := d.dropOrphans(); err != nil {
		return nil, err
	}
	var all []Recovered
	for _, found := range d.log.Recovered() {
		if found.Amnesia && found.Replica == 0 {
			return nil, fmt.Errorf("recover shard %d: %w", found.Shard, ErrRecordLost)
		}
		if found.Amnesia {
			all = append(all, d.forget(found))
			continue
		}
		if found.Record.Replica == 0 {
			continue
		}
		applied, err := d.applied(kv.ShardID(found.Shard))
		if err != nil {
			return nil, fmt.Errorf("recover shard %d: %w", found.Shard, err)
		}
		settled, op := recoveredBy(found, applied).Settle()
		if op != nil {
			d.log.Submit(found.Shard, *op)
		}
		all = append(all, Recovered{Shard: found.Shard, Found: settled})
	}
	if _, err := d.log.Sync(); err != nil {
		return nil, fmt.Errorf("settle log and state: %w", err)
	}
	return all, nil
}

// applied returns the last entry that the state of a shard holds. A state that is
// damaged is dropped, so that it holds none: it is made anew from the log, if that
// has all entries, or else from another member's snapshot.
func (d *Disk) applied(shard kv.ShardID) (kv.EntryID, error) {
	applied, err := d.state.Applied(shard)
	if damage := (*kv.CorruptionError)(nil); errors.As(err, &damage) {
		d.machine.logger.Error("the state of a shard is damaged, and is dropped", "shard", shard, "error", err)
		return kv.EntryID{}, d.state.DeleteShard(shard)
	}
	return applied, err
}

// recoveredBy is what log and state hold of a shard, as the core puts it.
func recoveredBy(found wal.Recovered, applied kv.EntryID) replication.Recovered {
	return replication.Recovered{
		Record: found.Record, History: found.History, Applied: coreID(applied), Damaged: found.Damaged,
	}
}

// ErrRecordLost says that the log does not know any more which replica of a shard is
// on this disk, nor what it promised. The data directory must be wiped, so that the
// server is replaced: a replica that forgot a term must not vote.
var ErrRecordLost = errors.New("storage: the log has lost the record of a replica; wipe the data directory, so that the server is replaced")

// forget ends a replica whose log lost a step of unknown content: it is as good as
// deleted, and another takes its place under another id. The mark of the deletion
// names the newest replica that was ever here, though the record may name an earlier
// one: a repeated request to make it comes to nothing. Recovered syncs the mark
// before it returns, so that nothing is answered of which a crash could take it away.
func (d *Disk) forget(found wal.Recovered) Recovered {
	record := replication.TermRecord{Replica: found.Replica, Deleted: true}
	d.machine.logger.Error("the log lost a step of a replica, which is given up", "shard", found.Shard, "replica", record.Replica)
	d.log.Submit(found.Shard, replication.LogOp{Kind: replication.OpDelete, Record: record})
	return Recovered{Shard: found.Shard, Found: replication.Recovered{Record: record}}
}

// dropOrphans deletes state of shards of which the log knows no replica: it was
// wiped, or a deletion was under way.
func (d *Disk) dropOrphans() error {
	shards, err := d.state.Shards()
	if damage := (*kv.CorruptionError)(nil); errors.As(err, &damage) {
		// What it belongs to is lost, if it belongs to a replica. If not, and the
		// shard comes back, its first entry does not follow what is there.
		d.machine.logger.Error("a part of the state cannot be looked through", "error", err)
	} else if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	logged := d.log.Recovered()
	for _, shard := range shards {
		known := slices.ContainsFunc(logged, func(r wal.Recovered) bool {
			return r.Shard == replication.ShardID(shard) && r.Record.Replica != 0
		})
		if known {
			continue
		}
		if err := d.state.DeleteShard(shard); err != nil {
			return fmt.Errorf("recover: %w", err)
		}
	}
	return nil
}
