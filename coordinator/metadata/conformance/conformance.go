package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
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
		"nothing is lost between providers":   nothingIsLost,
		"what was handed over is not changed": nothingIsShared,
		"a context that is done ends calls":   contextsEnd,
		"the lease goes to one":               leaseGoesToOne,
		"the lease's changes are told":        leaseChangesAreTold,
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

// Every increment of a counter by anybody is there in the end, and one who was told
// of a conflict did not count.
func nothingIsLost(t *testing.T, open func() metadata.Provider) {
	const workers, increments = 4, 10
	var wait sync.WaitGroup
	for w := range workers {
		p := open()
		wait.Go(func() {
			mustUpdate(t, p, fmt.Sprintf("own/%d", w), value(0), 0)
			for done := 0; done < increments; {
				found, err := p.Read(context.Background(), []string{"counter"})
				if err != nil {
					t.Error(err)
					return
				}
				var now struct{ N int }
				if d := found["counter"]; d.Version > 0 {
					if err := json.Unmarshal(d.Value, &now); err != nil {
						t.Error(err)
						return
					}
				}
				switch err := update(p, "counter", value(now.N+1), found["counter"].Version); {
				case err == nil:
					done++
				case !errors.Is(err, metadata.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	p := open()
	d := stored(t, p, "counter")
	if want := value(workers * increments); string(d.Value) != string(want) || d.Version != workers*increments {
		t.Errorf("counted to %s in version %d, want %s", d.Value, d.Version, want)
	}
	if all, err := p.List(t.Context(), "own/"); err != nil || len(all) != workers {
		t.Errorf("%d of %d other documents (%v)", len(all), workers, err)
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

func contextsEnd(t *testing.T, open func() metadata.Provider) {
	p := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Read(ctx, []string{"x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
	if _, err := p.List(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v", err)
	}
	if err := p.Update(ctx, []metadata.Change{{Key: "x", Value: value(1)}})[0]; !errors.Is(err, context.Canceled) {
		t.Errorf("update: %v", err)
	}
	if _, _, err := p.ReadLease(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("read the lease: %v", err)
	}
	if err := p.WriteLease(ctx, metadata.Lease{}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("write the lease: %v", err)
	}
}

func leaseGoesToOne(t *testing.T, open func() metadata.Provider) {
	const candidates = 4
	for version := range int64(5) {
		var wait sync.WaitGroup
		won := make(chan string, candidates)
		for i := range candidates {
			p := open()
			wait.Go(func() {
				name := fmt.Sprintf("c%d", i)
				err := p.WriteLease(context.Background(), metadata.Lease{Holder: name, Run: uint64(version) + 1}, version)
				switch {
				case err == nil:
					won <- name
				case !errors.Is(err, metadata.ErrConflict):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Fatalf("version %d was won by %d", version, len(won))
		}
		lease, now, err := open().ReadLease(t.Context())
		if holder := <-won; err != nil || lease.Holder != holder || lease.Run != uint64(version)+1 || now != version+1 {
			t.Fatalf("%s won, and there is %+v in version %d (%v)", holder, lease, now, err)
		}
	}
}

func leaseChangesAreTold(t *testing.T, open func() metadata.Provider) {
	holder, waiter := open(), open()
	for version := range int64(3) {
		if err := holder.WriteLease(t.Context(), metadata.Lease{Holder: "a", Beat: uint64(version)}, version); err != nil {
			t.Fatal(err)
		}
		for seen := int64(-1); seen <= version; {
			select {
			case <-waiter.LeaseChanged():
			case <-time.After(patience):
				t.Fatal("the change was not told")
			}
			var err error
			if _, seen, err = waiter.ReadLease(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
