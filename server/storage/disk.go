package storage

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/wal"
)

// Disk is an open data directory.
type Disk struct {
	log     *wal.Log
	state   *kv.DB
	machine *Machine
	options *Options

	// mu guards identity.
	mu       sync.Mutex
	identity Identity
}

// ErrShardsLost says that the log lost so much that there may have been shards of
// which nothing is left. Their replicas could be made anew under the incarnation that
// they had, empty; so the data directory must be wiped, which gives it another one.
var ErrShardsLost = errors.New("storage: the log has lost batches of nobody knows which shards; wipe the data directory, so that the server is replaced")

// Open opens a data directory, or makes one.
func Open(options Options) (*Disk, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	stateDir := o.FS.PathJoin(o.Dir, "state")
	if err := o.rebuild(); err != nil {
		return nil, fmt.Errorf("rebuild the state in %s: %w", o.Dir, err)
	}
	if err := makeDirectory(o.FS, stateDir); err != nil {
		return nil, err
	}
	log, err := openLog(&o)
	if err != nil {
		return nil, err
	}
	if log.Doubtful() {
		return nil, errors.Join(fmt.Errorf("open the data directory %s: %w", o.Dir, ErrShardsLost), log.Close())
	}
	state, err := kv.Open(o.stateOptions(stateDir))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	identity, err := o.readIdentity()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read to whom the data directory belongs: %w", err), state.Close(), log.Close())
	}
	return &Disk{log: log, state: state, machine: newMachine(state, &o), options: &o, identity: identity}, nil
}

// Log is the log of all shards. Its driver calls Sync and Reads.
func (d *Disk) Log() *wal.Log { return d.log }

// Machine is the state machine of all shards. Its driver calls Take and Work.
func (d *Disk) Machine() *Machine { return d.machine }

// State is what the machine works on, for those who only read it.
func (d *Disk) State() *kv.DB { return d.state }

// Flush makes durable what was applied, and Flushed of every shard moves up to it.
func (d *Disk) Flush() error { return d.state.Flush() }

// Flushed returns the last entry of a shard whose effects no crash can undo: its
// log may be trimmed up to there.
func (d *Disk) Flushed(shard replication.ShardID) (replication.EntryID, error) {
	flushed, err := d.state.FlushedApplied(kv.ShardID(shard))
	if err != nil {
		return replication.EntryID{}, fmt.Errorf("flushed entry of shard %d: %w", shard, err)
	}
	return coreID(flushed), nil
}

// Close closes log and state. Everything that was promised is durable already.
func (d *Disk) Close() error { return errors.Join(d.state.Close(), d.log.Close()) }
