package disk

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// Content is what a directory has.
type Content struct {
	HardState *pb.HardState
	// Applied is how far State has come; its fields are zero before the first.
	Applied *api.RaftApplied
	State   *state.State
	// Entries follow Applied.RemovedIndex, without a gap.
	Entries []*pb.Entry
}

// load reads everything, so that what is damaged is found now.
func (d *Disk) load() (*Content, error) {
	c := &Content{HardState: &pb.HardState{}, Applied: &api.RaftApplied{}, State: state.New()}
	for kind, into := range map[byte]proto.Message{kindHardState: c.HardState, kindApplied: c.Applied} {
		if err := get(d.db, []byte{kind}, into); err != nil && !errors.Is(err, pebble.ErrNotFound) {
			return nil, err
		}
	}
	if err := d.loadState(c.State); err != nil {
		return nil, err
	}
	c.State.SetMembers(state.MembersOf(c.Applied.Members), c.Applied.Since)
	if err := d.loadEntries(c); err != nil {
		return nil, err
	}
	return c, c.check()
}

// check says what cannot be, however the process ended.
func (c *Content) check() error {
	last := c.Applied.RemovedIndex + uint64(len(c.Entries))
	switch {
	case c.Applied.Index < c.Applied.RemovedIndex || c.Applied.Index > last:
		return fmt.Errorf("its state is that after entry %d, and its log has entries %d to %d",
			c.Applied.Index, c.Applied.RemovedIndex+1, last)
	case c.HardState.GetCommit() > last:
		return fmt.Errorf("entry %d is committed, and its log ends with %d", c.HardState.GetCommit(), last)
	}
	return nil
}

func (d *Disk) loadState(s *state.State) error {
	err := d.each(kindDocument, func(key, value []byte) error {
		document, err := documentOf(value)
		if err == nil {
			s.Restore(string(key), document)
		}
		return err
	})
	if err != nil {
		return err
	}
	lease := &api.RaftLeaseDocument{}
	if err := get(d.db, []byte{kindLease}, lease); err == nil {
		s.RestoreLease(lease)
	} else if !errors.Is(err, pebble.ErrNotFound) {
		return err
	}
	return d.each(kindOutcome, func(_, value []byte) error {
		outcome := &api.RaftOutcome{}
		if err := proto.Unmarshal(value, outcome); err != nil {
			return err
		}
		s.RestoreOutcome(outcome)
		return nil
	})
}

func (d *Disk) loadEntries(c *Content) error {
	next := c.Applied.RemovedIndex + 1
	return d.each(kindEntry, func(_, value []byte) error {
		entry := &pb.Entry{}
		if err := proto.Unmarshal(value, entry); err != nil {
			return err
		}
		if entry.GetIndex() != next {
			return fmt.Errorf("its log has entry %d where %d should be", entry.GetIndex(), next)
		}
		next++
		c.Entries = append(c.Entries, entry)
		return nil
	})
}

// each reads all rows of a kind, in the order of their keys, which it gives without the
// kind.
func (d *Disk) each(kind byte, do func(key, value []byte) error) error {
	from, to := span(kind)
	rows, err := d.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for valid := rows.First(); valid && err == nil; valid = rows.Next() {
		var value []byte
		if value, err = rows.ValueAndErr(); err == nil {
			err = do(rows.Key()[1:], value)
		}
		if err != nil {
			err = fmt.Errorf("what it has under %q cannot be read: %w", rows.Key(), err)
		}
	}
	return errors.Join(err, rows.Close())
}

func get(db *pebble.DB, key []byte, into proto.Message) error {
	value, closer, err := db.Get(key)
	if err == nil {
		err = errors.Join(proto.Unmarshal(value, into), closer.Close())
	}
	if err != nil {
		return fmt.Errorf("what it has under %q cannot be read: %w", key, err)
	}
	return nil
}
