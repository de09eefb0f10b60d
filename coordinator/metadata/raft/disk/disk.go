package disk

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

const (
	// formatVersion is the meaning of the whole directory.
	formatVersion = 1
	// diskFormat is Pebble's own: with it, what was synced of its log is told from a
	// torn end, and tables have checksums to their last byte.
	diskFormat = pebble.FormatTableFormatV6
	// memTableBytes is how much Pebble keeps in memory before it writes a table.
	memTableBytes = 4 << 20
	// cacheBytes is for blocks of tables, which nobody reads but compactions.
	cacheBytes = 1 << 20
)

// Options are a directory's. Dir and Address are required.
type Options struct {
	// FS is where Dir is; nil is the machine's own file system.
	FS  vfs.FS
	Dir string
	// Address is the member's: a directory is one address's for ever.
	Address string
	// Failed is told of damage that is found later than by Open.
	Failed func(error)
	Logger *slog.Logger
}

// Disk is an open directory.
type Disk struct {
	options  Options
	db       *pebble.DB
	identity *api.RaftIdentity
	// first and last are the indexes of the entries that are there; last is first-1 if
	// there is none.
	first, last uint64
}

// Write is what is written together.
type Write struct {
	// HardState is the library's, nil if it did not change.
	HardState *pb.HardState
	// Entries follow those that are there, or replace them from the first one's index on.
	Entries []*pb.Entry
	// Install puts a state, and an empty log that it is the beginning of, in the place of
	// all that is there. Applied must be set.
	Install *state.State
	// Rows are of the state, as far as it changed.
	Rows []Row
	// Applied is how far the state has come, nil if it did not. Entries up to its
	// RemovedIndex are removed.
	Applied *api.RaftApplied
	// Sync says that it has to be durable when Write returns.
	Sync bool
}

// Identity returns who the member is. It is not to be changed.
func (d *Disk) Identity() *api.RaftIdentity { return d.identity }

// Join writes, durably, which cluster the member is in from now on, and who formed it,
// with what a Write says besides.
func (d *Disk) Join(cluster uint64, formed []*api.RaftMember, w Write) error {
	identity := proto.CloneOf(d.identity)
	identity.Cluster, identity.Formed = cluster, formed
	row, err := encodedRow([]byte{kindIdentity}, identity)
	if err != nil {
		return err
	}
	w.Rows, w.Sync = append(w.Rows, row), true
	if err := d.Write([]Write{w}); err != nil {
		return err
	}
	d.identity = identity
	return nil
}

// Write makes writes, one after the other, as one batch. After an error nothing is known
// of what is there.
func (d *Disk) Write(writes []Write) error {
	batch := d.db.NewBatch()
	defer func() { _ = batch.Close() }() // it only frees memory
	sync := pebble.NoSync
	for i := range writes {
		if err := d.add(batch, &writes[i]); err != nil {
			return fmt.Errorf("write to %s: %w", d.options.Dir, err)
		}
		if writes[i].Sync {
			sync = pebble.Sync
		}
	}
	if batch.Empty() {
		return nil
	}
	if err := batch.Commit(sync); err != nil {
		return fmt.Errorf("write to %s: %w", d.options.Dir, err)
	}
	return nil
}

func (d *Disk) add(b *pebble.Batch, w *Write) error {
	if w.Install != nil {
		if err := d.install(b, w); err != nil {
			return err
		}
	}
	if w.HardState != nil {
		if err := set(b, []byte{kindHardState}, w.HardState); err != nil {
			return err
		}
	}
	if err := d.append(b, w.Entries); err != nil {
		return err
	}
	for _, row := range w.Rows {
		if err := put(b, row); err != nil {
			return err
		}
	}
	if w.Applied == nil {
		return nil
	}
	if err := set(b, []byte{kindApplied}, w.Applied); err != nil {
		return err
	}
	if removed := w.Applied.RemovedIndex; removed >= d.first {
		if err := b.DeleteRange(entryKey(d.first), entryKey(removed+1), nil); err != nil {
			return err
		}
		d.first = removed + 1
	}
	return nil
}

func (d *Disk) append(b *pebble.Batch, entries []*pb.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	for _, e := range entries {
		if err := set(b, entryKey(e.GetIndex()), e); err != nil {
			return err
		}
	}
	last := entries[len(entries)-1].GetIndex()
	if last < d.last {
		if err := b.DeleteRange(entryKey(last+1), entryKey(d.last+1), nil); err != nil {
			return err
		}
	}
	d.last = last
	return nil
}

func (d *Disk) install(b *pebble.Batch, w *Write) error {
	for _, kind := range []byte{kindDocument, kindEntry, kindLease, kindOutcome} {
		from, to := span(kind)
		if err := b.DeleteRange(from, to, nil); err != nil {
			return err
		}
	}
	rows, err := stateRows(w.Install)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := put(b, row); err != nil {
			return err
		}
	}
	d.first, d.last = w.Applied.Index+1, w.Applied.Index
	return nil
}

// stateRows are all rows of a state.
func stateRows(s *state.State) ([]Row, error) {
	var rows []Row
	for key, document := range s.List("") {
		rows = append(rows, DocumentRow(key, document))
	}
	if lease, version := s.Lease(); version > 0 {
		row, err := LeaseRow(lease, version)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	for _, lane := range s.Lanes() {
		row, err := OutcomeRow(lane, s.Outcome(lane))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func put(b *pebble.Batch, row Row) error {
	if row.value == nil {
		return b.Delete(row.key, nil)
	}
	return b.Set(row.key, row.value, nil)
}

func set(b *pebble.Batch, key []byte, m proto.Message) error {
	row, err := encodedRow(key, m)
	if err != nil {
		return err
	}
	return b.Set(row.key, row.value, nil)
}

// Close closes the directory. What was written is in tables then, and does not depend on
// the end of the log.
func (d *Disk) Close() error {
	if err := errors.Join(d.db.Flush(), d.db.Close()); err != nil {
		return fmt.Errorf("close %s: %w", d.options.Dir, err)
	}
	return nil
}
