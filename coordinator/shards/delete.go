package shards

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/replication"
)

// Delete deletes documents of shards of which nothing is left, each if it is of the version
// named. It returns those that are gone, whoever deleted them; the error is about
// others.
func Delete(ctx context.Context, p metadata.Provider, versions map[replication.ShardID]int64) ([]replication.ShardID, error) {
	if len(versions) == 0 {
		return nil, nil
	}
	var ids []replication.ShardID
	var changes []metadata.Change
	var keys []string
	for id, version := range versions {
		ids, keys = append(ids, id), append(keys, Key(id))
		changes = append(changes, metadata.Change{Key: Key(id), Version: version})
	}
	outcomes := p.Update(ctx, changes)
	err := errors.Join(outcomes...)
	if err == nil {
		return ids, nil
	}
	// A deletion that was asked for before, and of which no word came, conflicts now.
	left, readErr := p.Read(ctx, keys)
	if readErr != nil {
		return nil, fmt.Errorf("delete the documents of %d shards: %w", len(ids), errors.Join(err, readErr))
	}
	var gone []replication.ShardID
	for i, id := range ids {
		if _, there := left[keys[i]]; !there {
			gone = append(gone, id)
		}
	}
	if len(gone) == len(ids) {
		return gone, nil
	}
	return gone, fmt.Errorf("delete the documents of %d shards: %w", len(ids)-len(gone), err)
}
