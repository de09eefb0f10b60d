package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

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

// Of those who change a document of one version at once, one does; and what is there in
// the end is what the last of them wrote.
func versionsHaveOneWriter(t *testing.T, open func() metadata.Provider) {
	const workers, rounds, documents = 6, 8, 5
	var mu sync.Mutex // guards wrote
	wrote := map[string]string{}
	var wait sync.WaitGroup
	providers := []metadata.Provider{open(), open()}
	for w := range workers {
		p := providers[w%len(providers)]
		wait.Go(func() {
			for round := range rounds {
				found, err := p.List(context.Background(), "")
				if err != nil {
					t.Error(err)
					return
				}
				changes := make([]metadata.Change, documents)
				for i := range changes {
					key := fmt.Sprintf("d/%d", i)
					changes[i] = metadata.Change{
						Key: key, Version: found[key].Version,
						Value: fmt.Appendf(nil, `{"worker":%d,"round":%d}`, w, round),
					}
				}
				for i, err := range p.Update(context.Background(), changes) {
					switch {
					case err == nil:
						id := fmt.Sprintf("%s@%d", changes[i].Key, changes[i].Version+1)
						mu.Lock()
						if other, twice := wrote[id]; twice {
							t.Errorf("%s was written as %s and as %s", id, other, changes[i].Value)
						}
						wrote[id] = string(changes[i].Value)
						mu.Unlock()
					case !errors.Is(err, metadata.ErrConflict):
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	found, err := open().List(t.Context(), "")
	if err != nil || len(found) != documents {
		t.Fatalf("%d documents (%v)", len(found), err)
	}
	total := 0
	for key, d := range found {
		total += int(d.Version)
		if want := wrote[fmt.Sprintf("%s@%d", key, d.Version)]; !equalJSON(t, []byte(want), d.Value) {
			t.Errorf("%s of version %d is %s, and %q was written", key, d.Version, d.Value, want)
		}
	}
	if total != len(wrote) {
		t.Errorf("%d writes were acknowledged, and versions count %d", len(wrote), total)
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

// A call whose context ends in its midst returns, and what it said is true.
func contextsEndCallsUnderWay(t *testing.T, open func() metadata.Provider) {
	const updates = 40
	p := open()
	var wait sync.WaitGroup
	stored := make([]bool, updates)
	for i := range updates {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			for range i {
				_, _ = p.Read(ctx, []string{"x"}) // it takes a while, and no longer
			}
		}()
		wait.Go(func() {
			err := p.Update(ctx, []metadata.Change{{Key: fmt.Sprintf("d/%d", i), Value: value(i)}})[0]
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("update: %v", err)
			}
			stored[i] = err == nil
		})
	}
	returned := make(chan struct{})
	go func() {
		wait.Wait()
		close(returned)
	}()
	select {
	case <-returned:
	case <-time.After(patience):
		t.Fatal("a call did not return")
	}
	found, err := open().List(t.Context(), "d/")
	if err != nil {
		t.Fatal(err)
	}
	for i, acknowledged := range stored {
		if d := found[fmt.Sprintf("d/%d", i)]; acknowledged && string(d.Value) != string(value(i)) {
			t.Errorf("%s was stored, and there is %q", value(i), d.Value)
		}
	}
}
