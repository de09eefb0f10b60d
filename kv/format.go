package kv

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openEngine opens Pebble in a directory, or formats it. A crash while it is
// formatted may leave the name of a manifest, and no manifest: Pebble syncs the
// directory once for both. Where there is no table nothing was ever durable, and
// formatting begins anew.
func openEngine(fs vfs.FS, dir string, options *pebble.Options) (*pebble.DB, error) {
	engine, err := pebble.Open(dir, options)
	if err == nil || !(errors.Is(err, os.ErrNotExist) || pebble.IsCorruptionError(err)) {
		return engine, err
	}
	names, listErr := fs.List(dir)
	if listErr != nil || slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".sst") }) {
		return nil, errors.Join(err, listErr)
	}
	for _, name := range names {
		if err := fs.RemoveAll(fs.PathJoin(dir, name)); err != nil {
			return nil, fmt.Errorf("drop what was formatted halfway: %w", err)
		}
	}
	return pebble.Open(dir, options)
}
