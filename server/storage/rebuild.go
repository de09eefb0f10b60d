package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/kv"
)

// A table that is damaged stays in the way of what is to take the place of its rows:
// the engine reads it to see where new tables go, and cannot. So a state in which
// nothing can be repaired is condemned, and the process ends; at the next start, every
// shard that can be read is copied into a new one. Those that cannot are lost, and are
// repaired as any other.

const (
	condemnedName = "state.condemned"
	copyName      = "state.copy"
	formerName    = "state.former"

	// copyPartBytes bounds the part of a shard that is in memory while it is copied.
	copyPartBytes = 1 << 20
)

// ErrCondemned says that the state is to be copied, which the next Open does.
var ErrCondemned = errors.New("storage: the state is damaged where nothing can be repaired while it is in use; it is copied at the next start")

// condemn makes the next Open copy the state.
func (o *Options) condemn() error {
	file, err := o.FS.Create(o.FS.PathJoin(o.Dir, condemnedName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("condemn the state: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close(), syncDirectory(o.FS, o.Dir)); err != nil {
		return fmt.Errorf("condemn the state: %w", err)
	}
	return nil
}

// rebuild ends what condemn began, wherever a crash cut it off. Until the copy has the
// state's name it may begin anew; each name changes by one durable step.
func (o *Options) rebuild() error {
	path := func(name string) string { return o.FS.PathJoin(o.Dir, name) }
	if there, err := o.exists(condemnedName); err != nil || !there {
		return err
	}
	state, err := o.exists("state")
	if err != nil {
		return err
	}
	former, err := o.exists(formerName)
	if err != nil {
		return err
	}
	if state && !former {
		if err := o.copyState(path("state"), path(copyName)); err != nil {
			return fmt.Errorf("copy the state: %w", err)
		}
		if err := o.rename("state", formerName); err != nil {
			return err
		}
		state = false
	}
	if !state {
		if err := o.rename(copyName, "state"); err != nil {
			return err
		}
	}
	if err := o.FS.RemoveAll(path(formerName)); err != nil {
		return fmt.Errorf("remove the former state: %w", err)
	}
	if err := syncDirectory(o.FS, o.Dir); err != nil {
		return fmt.Errorf("remove the former state: %w", err)
	}
	return errors.Join(o.FS.Remove(path(condemnedName)), syncDirectory(o.FS, o.Dir))
}

func (o *Options) exists(name string) (bool, error) {
	switch _, err := o.FS.Stat(o.FS.PathJoin(o.Dir, name)); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("look for %s: %w", name, err)
	}
}

// rename gives a directory another name, durably.
func (o *Options) rename(from, to string) error {
	err := o.FS.Rename(o.FS.PathJoin(o.Dir, from), o.FS.PathJoin(o.Dir, to))
	if err == nil {
		err = syncDirectory(o.FS, o.Dir)
	}
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, err)
	}
	return nil
}

// copyState copies every shard that can be read. When it returns nil, the copy is
// durable.
func (o *Options) copyState(from, to string) error {
	if err := o.FS.RemoveAll(to); err != nil {
		return err
	}
	if err := makeDirectory(o.FS, to); err != nil {
		return err
	}
	copied, err := kv.Open(o.stateOptions(to))
	if err != nil {
		return err
	}
	state, err := kv.Open(o.stateOptions(from))
	if err != nil {
		// Nothing of it can be read, and all shards are lost.
		o.Logger.Error("the condemned state cannot be opened", "error", err)
		return copied.Close()
	}
	err = o.copyShards(state, copied)
	return errors.Join(err, copied.Close(), state.Close())
}

func (o *Options) copyShards(state, copied *kv.DB) error {
	shards, err := state.Shards()
	if err != nil && !isDamage(err) {
		return err
	}
	for _, shard := range shards {
		switch err := copyShard(state, copied, shard); {
		case err == nil:
		case isDamage(err):
			o.Logger.Error("a shard of the condemned state is lost", "shard", shard, "error", err)
			if err := copied.DeleteShard(shard); err != nil {
				return err
			}
		default:
			return fmt.Errorf("shard %d: %w", shard, err)
		}
	}
	return nil
}

// copyShard copies a shard as a snapshot would.
func copyShard(state, copied *kv.DB, shard kv.ShardID) error {
	ask := kv.ExportAsk{MaxBytes: copyPartBytes}
	for {
		part, err := state.Export(shard, ask)
		if errors.Is(err, kv.ErrNothingApplied) {
			return nil
		}
		if err != nil {
			return err
		}
		progress, err := copied.Import(shard, part)
		if err != nil || progress.Installed {
			return err
		}
		ask.Last, ask.Position = part.Last, progress.Position
	}
}

func isDamage(err error) bool {
	damage := (*kv.CorruptionError)(nil)
	return errors.As(err, &damage)
}
