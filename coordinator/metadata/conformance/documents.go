package conformance

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

func deletionsAreChanges(t *testing.T, open func() metadata.Provider) {
	p, other := open(), open()
	mustUpdate(t, p, "x", value(0), 0)
	mustUpdate(t, p, "x", value(1), 1)
	mustUpdate(t, p, "stays", value(1), 0)
	for _, wrong := range []int64{1, 3} {
		if err := update(other, "x", nil, wrong); !errors.Is(err, metadata.ErrConflict) {
			t.Fatalf("version 2 was deleted as %d: %v", wrong, err)
		}
	}
	mustUpdate(t, other, "x", nil, 2)
	all, err := p.List(t.Context(), "")
	if d := stored(t, p, "x"); d.Version != 0 || err != nil || len(all) != 1 {
		t.Fatalf("deleted, and there is %v among %d (%v)", d, len(all), err)
	}
	if err := update(p, "x", nil, 2); !errors.Is(err, metadata.ErrConflict) {
		t.Errorf("deleted twice: %v", err)
	}
	if err := update(p, "x", value(2), 2); !errors.Is(err, metadata.ErrConflict) {
		t.Errorf("changed after its deletion: %v", err)
	}
	mustUpdate(t, p, "x", value(3), 0)
	if d := stored(t, other, "x"); d.Version != 1 || string(d.Value) != string(value(3)) {
		t.Errorf("made again, it is %d %s", d.Version, d.Value)
	}
	errs := p.Update(t.Context(), []metadata.Change{
		{Key: "x", Version: 1},
		{Key: "x", Value: value(4)},
		{Key: "x", Version: 1},
		{Key: "x", Version: 1},
	})
	for i, conflicts := range []bool{false, false, false, true} {
		if errors.Is(errs[i], metadata.ErrConflict) != conflicts || (errs[i] != nil) != conflicts {
			t.Errorf("change %d of one document: %v", i, errs[i])
		}
	}
	if d := stored(t, open(), "x"); d.Version != 0 {
		t.Errorf("deleted last, and there is %v", d)
	}
}

// A thousand elections are one Update, and so are their ends.
func manyAreOneUpdate(t *testing.T, open func() metadata.Provider) {
	const documents = 1000
	p := open()
	for version := range int64(2) {
		changes := make([]metadata.Change, documents)
		for i := range changes {
			changes[i] = metadata.Change{Key: fmt.Sprintf("shard/%d", i), Value: value(i + int(version)), Version: version}
		}
		for i, err := range p.Update(t.Context(), changes) {
			if err != nil {
				t.Fatalf("%s: %v", changes[i].Key, err)
			}
		}
	}
	found, err := open().List(t.Context(), "shard/")
	if err != nil || len(found) != documents {
		t.Fatalf("%d documents (%v)", len(found), err)
	}
	for i := range documents {
		if d := found[fmt.Sprintf("shard/%d", i)]; d.Version != 2 || string(d.Value) != string(value(i+1)) {
			t.Fatalf("shard %d is %d %s", i, d.Version, d.Value)
		}
	}
	changes := make([]metadata.Change, documents)
	for i := range changes {
		changes[i] = metadata.Change{Key: fmt.Sprintf("shard/%d", i), Version: 2}
	}
	for i, err := range p.Update(t.Context(), changes) {
		if err != nil {
			t.Fatalf("delete %s: %v", changes[i].Key, err)
		}
	}
	if found, err := open().List(t.Context(), ""); err != nil || len(found) != 0 {
		t.Fatalf("%d documents are left (%v)", len(found), err)
	}
}
