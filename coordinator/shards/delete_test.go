package shards

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
	"github.com/ostraka-db/ostraka/replication"
)

// forgetful carries changes out and does not say so.
type forgetful struct {
	metadata.Provider
	silent bool
}

func (f *forgetful) Update(ctx context.Context, changes []metadata.Change) []error {
	errs := f.Provider.Update(ctx, changes)
	if f.silent {
		return metadata.Failed(len(changes), errors.New("no answer"))
	}
	return errs
}

// Documents are deleted as they were seen, and those that are gone are told to be, whatever
// came of the call that deleted them.
func TestDocumentsOfEndedShardsAreDeleted(t *testing.T) {
	p := &forgetful{Provider: memory.NewStore().Open()}
	for _, id := range []replication.ShardID{0, 1, 2, 3} {
		value, err := Encode(document(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Update(t.Context(), []metadata.Change{{Key: Key(id), Value: value}})[0]; err != nil {
			t.Fatal(err)
		}
	}
	gone, err := Delete(t.Context(), p, map[replication.ShardID]int64{0: 1, 1: 2})
	if !errors.Is(err, metadata.ErrConflict) || !slices.Equal(gone, []replication.ShardID{0}) {
		t.Errorf("%v are gone, %v", gone, err)
	}
	p.silent = true
	gone, err = Delete(t.Context(), p, map[replication.ShardID]int64{0: 1, 1: 1})
	slices.Sort(gone)
	if err != nil || !slices.Equal(gone, []replication.ShardID{0, 1}) {
		t.Errorf("%v are gone, %v", gone, err)
	}
	if gone, err := Delete(t.Context(), p, nil); len(gone) != 0 || err != nil {
		t.Errorf("%v are gone, %v, and nothing was asked for", gone, err)
	}
	left, err := List(t.Context(), p)
	if err != nil || len(left) != 2 {
		t.Errorf("%v are left, %v", left, err)
	}
}
