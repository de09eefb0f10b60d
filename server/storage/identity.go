package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

// Identity is to whom a data directory belongs. Both are fixed once they are set: what
// is in the directory was promised by that server to that cluster.
type Identity struct {
	// Cluster is the id of the cluster; empty while none is known.
	Cluster string `json:"cluster"`
	// Server is the server's name; empty while none is known.
	Server replication.ServerID `json:"server"`
}

const (
	identityName = "identity.json"
	// maxIdentityBytes bounds the file that is read.
	maxIdentityBytes = 64 << 10
)

// IdentityError says that a data directory belongs to another server or cluster.
type IdentityError struct {
	Dir string
	// Has is to whom it belongs, Want to whom it was to.
	Has, Want Identity
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("the data directory %s belongs to server %q of cluster %q, and this is server %q of cluster %q; give this server a directory of its own, or its right name and coordinator",
		e.Dir, e.Has.Server, e.Has.Cluster, e.Want.Server, e.Want.Cluster)
}

// Identity returns to whom the directory belongs, as far as that was ever said.
func (d *Disk) Identity() Identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identity
}

// Bind says to whom the directory belongs, durably. What is empty is left as it is. The
// error is an *IdentityError if it belongs to another, or the disk's. It may be called
// from any goroutine.
func (d *Disk) Bind(to Identity) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.identity
	if to.Cluster != "" {
		next.Cluster = to.Cluster
	}
	if to.Server != "" {
		next.Server = to.Server
	}
	if (d.identity.Cluster != "" && next.Cluster != d.identity.Cluster) ||
		(d.identity.Server != "" && next.Server != d.identity.Server) {
		return &IdentityError{Dir: d.options.Dir, Has: d.identity, Want: next}
	}
	if next == d.identity {
		return nil
	}
	if err := d.options.writeIdentity(next); err != nil {
		return fmt.Errorf("write to whom the data directory belongs: %w", err)
	}
	d.identity = next
	return nil
}

// readIdentity reads to whom the directory belongs; nobody, if that was not said.
func (o *Options) readIdentity() (Identity, error) {
	var found Identity
	there, err := o.exists(identityName)
	if err != nil || !there {
		return found, err
	}
	path := o.FS.PathJoin(o.Dir, identityName)
	file, err := o.FS.Open(path)
	if err != nil {
		return found, err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxIdentityBytes))
	if err := errors.Join(err, file.Close()); err != nil {
		return found, err
	}
	if err := json.Unmarshal(content, &found); err != nil {
		return found, fmt.Errorf("%s is damaged: %w; wipe the data directory, so that the server is replaced", path, err)
	}
	return found, nil
}

// writeIdentity replaces the file, so that a crash leaves the one before or this one.
func (o *Options) writeIdentity(i Identity) error {
	content, err := json.Marshal(i)
	if err != nil {
		return err
	}
	path := o.FS.PathJoin(o.Dir, identityName)
	file, err := o.FS.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(append(content, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := o.FS.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDirectory(o.FS, o.Dir)
}
