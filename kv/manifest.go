package kv

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// manifestFS makes the name of a manifest durable at once. Pebble makes a manifest,
// then a marker that names it, and syncs the directory once for both: a file system
// that keeps the younger name over a crash and loses the older one would leave a
// database that cannot be opened.
type manifestFS struct{ vfs.FS }

// Create implements vfs.FS.
func (m manifestFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := m.FS.Create(name, category)
	if err != nil || !strings.HasPrefix(m.PathBase(name), "MANIFEST-") {
		return file, err
	}
	dir, err := m.OpenDir(m.PathDir(name))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
