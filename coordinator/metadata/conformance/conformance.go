package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// patience is for what comes at once unless something is broken.
const patience = 20 * time.Second

// Run tests providers. Open returns a function that opens one more provider of the
// same state, which was empty at first; Run closes what that returns.
func Run(t *testing.T, open func(t *testing.T) func() metadata.Provider) {
	for name, test := range map[string]func(*testing.T, func() metadata.Provider){
		"versions count the changes":          versionsCount,
		"changes are independent":             changesAreIndependent,
		"what cannot be stored is refused":    badChanges,
		"values come back equal":              valuesComeBack,
		"lists go by prefix":                  listsGoByPrefix,
		"deletions are changes like others":   deletionsAreChanges,
		"many documents are one update":       manyAreOneUpdate,
		"nothing is lost between providers":   nothingIsLost,
		"each version has one writer":         versionsHaveOneWriter,
		"what was handed over is not changed": nothingIsShared,
		"a context that is done ends calls":   contextsEnd,
		"a context ends calls under way":      contextsEndCallsUnderWay,
		"the lease goes to one":               leaseGoesToOne,
		"the lease's changes are told":        leaseChangesAreTold,
		"candidates lead one after another":   candidatesLeadInTurn,
		"a dead holder is replaced":           deadHolderIsReplaced,
	} {
		t.Run(name, func(t *testing.T) {
			one := open(t)
			test(t, func() metadata.Provider {
				p := one()
				t.Cleanup(func() {
					if err := p.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				})
				return p
			})
		})
	}
}

func value(n int) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

// update makes one change and returns what became of it.
func update(p metadata.Provider, key string, v []byte, version int64) error {
	return p.Update(context.Background(), []metadata.Change{{Key: key, Value: v, Version: version}})[0]
}

func mustUpdate(t *testing.T, p metadata.Provider, key string, v []byte, version int64) {
	t.Helper()
	if err := update(p, key, v, version); err != nil {
		t.Fatal(err)
	}
}

// stored reads one document; version zero if there is none.
func stored(t *testing.T, p metadata.Provider, key string) metadata.Document {
	t.Helper()
	found, err := p.Read(t.Context(), []string{key, "no/such"})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := found["no/such"]; there {
		t.Fatal("a document that was never stored is there")
	}
	return found[key]
}

func versionsCount(t *testing.T, open func() metadata.Provider) {
	a, b := open(), open()
	if d := stored(t, a, "x"); d.Version != 0 {
		t.Fatalf("there is %v in an empty store", d)
	}
	for i := range 5 {
		p, other := a, b
		if i%2 == 1 {
			p, other = b, a
		}
		for _, wrong := range []int64{-1, int64(i) - 1, int64(i) + 1} {
			if err := update(p, "x", value(i), wrong); !errors.Is(err, metadata.ErrConflict) {
				t.Fatalf("version %d over %d: %v", wrong, i, err)
			}
		}
		mustUpdate(t, p, "x", value(i), int64(i))
		if d := stored(t, other, "x"); d.Version != int64(i+1) || string(d.Value) != string(value(i)) {
			t.Fatalf("stored %s, and there is %d %s", value(i), d.Version, d.Value)
		}
	}
}

func changesAreIndependent(t *testing.T, open func() metadata.Provider) {
	p := open()
	mustUpdate(t, p, "b", value(0), 0)
	errs := p.Update(t.Context(), []metadata.Change{
		{Key: "a", Value: value(1)},
		{Key: "b", Value: value(1)},
		{Key: "c", Value: value(1), Version: 3},
		{Key: "b", Value: value(2), Version: 1},
		{Key: "b", Value: value(3), Version: 1},
	})
	for i, conflicts := range []bool{false, true, true, false, true} {
		if errors.Is(errs[i], metadata.ErrConflict) != conflicts || (errs[i] != nil) != conflicts {
			t.Errorf("change %d: %v", i, errs[i])
		}
	}
	for key, want := range map[string]int64{"a": 1, "b": 2, "c": 0} {
		if d := stored(t, p, key); d.Version != want {
			t.Errorf("%s has version %d, want %d", key, d.Version, want)
		}
	}
	if errs := p.Update(t.Context(), nil); len(errs) != 0 {
		t.Errorf("no changes: %v", errs)
	}
}

func badChanges(t *testing.T, open func() metadata.Provider) {
	p := open()
	for _, c := range []metadata.Change{
		{Key: "", Value: value(1)},
		{Key: "with space", Value: value(1)},
		{Key: `quote"`, Value: value(1)},
		{Key: strings.Repeat("k", metadata.MaxKeyBytes+1), Value: value(1)},
		{Key: "k"},
		{Key: "k", Value: []byte{}},
		{Key: "k", Value: []byte("{")},
		{Key: "k", Value: []byte("1 2")},
		{Key: "k", Value: fmt.Appendf(nil, "%q", strings.Repeat("v", metadata.MaxValueBytes))},
	} {
		err := update(p, c.Key, c.Value, 0)
		if err == nil || errors.Is(err, metadata.ErrConflict) {
			t.Errorf("key %.40q, value %.40q: %v", c.Key, c.Value, err)
		}
	}
	if all, err := p.List(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("stored all the same: %v %v", all, err)
	}
}

func valuesComeBack(t *testing.T, open func() metadata.Provider) {
	p := open()
	for i, text := range []string{
		`{}`, `[]`, `null`, `"text"`, `18446744073709551615`, `{"a": [1, 2.5, {"b": null}], "<&>": "\u0000\n\u2028 é"}`, "\n{\n\t\"x\" : 1\n}\n",
	} {
		key := fmt.Sprintf("v/%d", i)
		mustUpdate(t, p, key, []byte(text), 0)
		got := stored(t, open(), key)
		if !equalJSON(t, []byte(text), got.Value) {
			t.Errorf("stored %s, read %s", text, got.Value)
		}
	}
}

func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	decode := func(text []byte) (v any) {
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%q is not JSON: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

func listsGoByPrefix(t *testing.T, open func() metadata.Provider) {
	p := open()
	for _, key := range []string{"shard/1", "shard/10", "shards", "cluster"} {
		mustUpdate(t, p, key, value(1), 0)
	}
	for prefix, want := range map[string]int{"": 4, "shard": 3, "shard/": 2, "shard/1": 2, "x": 0} {
		found, err := p.List(t.Context(), prefix)
		if err != nil || len(found) != want {
			t.Errorf("%q: %d documents, want %d (%v)", prefix, len(found), want, err)
		}
	}
}

func nothingIsShared(t *testing.T, open func() metadata.Provider) {
	p := open()
	mine := value(1)
	mustUpdate(t, p, "x", mine, 0)
	copy(mine, "garbage")
	found, err := p.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	delete(found, "x")
	if d := stored(t, p, "x"); string(d.Value) != string(value(1)) {
		t.Errorf("there is %q", d.Value)
	}
}
