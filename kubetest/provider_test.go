package kubetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/conformance"
	"github.com/ostraka-db/ostraka/coordinator/metadata/kubernetes"
	"github.com/ostraka-db/ostraka/kubetest/controlplane"
)

func TestConformance(t *testing.T) {
	conformance.Run(t, func(t *testing.T) func() metadata.Provider {
		ns := namespace(t)
		return func() metadata.Provider { return open(t, connect(t, controlplane.Admin, ns)) }
	})
}

func document(n int) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

// counter raises a document's number as fast as it can, until it is stopped, and keeps
// what it knows for certain.
type counter struct {
	key string
	// stored is the highest number that was acknowledged, tried the highest ever asked.
	stored, tried int
	unknown       int
}

func (c *counter) run(ctx context.Context, t *testing.T, p metadata.Provider) {
	for ctx.Err() == nil {
		calling, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		found, err := p.Read(calling, []string{c.key})
		if err == nil {
			version := found[c.key].Version
			if int(version) < c.stored || int(version) > c.tried {
				t.Errorf("%s: %d was acknowledged and %d asked for, and there is %d", c.key, c.stored, c.tried, version)
			}
			c.stored = max(c.stored, int(version))
			c.tried = max(c.tried, c.stored+1)
			err = p.Update(calling, []metadata.Change{{Key: c.key, Value: document(c.stored + 1), Version: version}})[0]
			switch {
			case err == nil:
				c.stored++
			case errors.Is(err, metadata.ErrConflict):
				// Nobody else writes this document: it was one of its own whose outcome
				// was not known, and that came late.
			default:
				c.unknown++
			}
		}
		cancel()
		if err != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// The API server is killed and started again amid updates of two providers: what was
// acknowledged is there, nothing else is, and both go on.
func TestAPIServerIsKilledAmidUpdates(t *testing.T) {
	const kills, workers = 3, 4
	ns := namespace(t)
	providers := []metadata.Provider{
		closing(t, open(t, connect(t, controlplane.Admin, ns))), closing(t, open(t, connect(t, controlplane.Admin, ns))),
	}
	counters := make([]*counter, workers)
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	var progress atomic.Int64
	for i := range counters {
		counters[i] = &counter{key: fmt.Sprintf("counter/%d", i)}
		working.Go(func() { counters[i].run(ctx, t, counted{providers[i%2], &progress}) })
	}
	advance := func(by int64) {
		t.Helper()
		from := progress.Load()
		await(t, "updates are stored", func() bool { return progress.Load() >= from+by })
	}
	for range kills {
		advance(50)
		restart(t)
	}
	advance(50)
	stop()
	working.Wait()
	fresh := closing(t, open(t, connect(t, controlplane.Admin, ns)))
	for _, c := range counters {
		found, err := fresh.Read(t.Context(), []string{c.key})
		if err != nil {
			t.Fatal(err)
		}
		d := found[c.key]
		if int(d.Version) < c.stored || int(d.Version) > c.tried || string(d.Value) != string(document(int(d.Version))) {
			t.Errorf("%s: %d was acknowledged and %d asked for, and there is %d %s", c.key, c.stored, c.tried, d.Version, d.Value)
		}
		t.Logf("%s: %d stored, %d outcomes unknown", c.key, c.stored, c.unknown)
	}
}

// counted counts what is stored.
type counted struct {
	metadata.Provider
	stored *atomic.Int64
}

func (c counted) Update(ctx context.Context, changes []metadata.Change) []error {
	errs := c.Provider.Update(ctx, changes)
	if errs[0] == nil {
		c.stored.Add(1)
	}
	return errs
}

// A kill of the API server ends all watches; the next change is told all the same.
func TestLeaseIsToldAfterTheAPIServerWasKilled(t *testing.T) {
	ns := namespace(t)
	holder := closing(t, open(t, connect(t, controlplane.Admin, ns)))
	waiter := closing(t, open(t, connect(t, controlplane.Admin, ns)))
	told := func(version int64) {
		t.Helper()
		for begun := time.Now(); ; {
			select {
			case <-waiter.LeaseChanged():
			case <-time.After(patience):
				t.Fatal("the change was not told")
			}
			if _, now, err := waiter.ReadLease(t.Context()); err == nil && now > version {
				return
			}
			if time.Since(begun) > patience {
				t.Fatal("what was told was no change")
			}
		}
	}
	for version := range int64(3) {
		if err := holder.WriteLease(t.Context(), metadata.Lease{Holder: "a", Beat: uint64(version)}, version); err != nil {
			t.Fatal(err)
		}
		told(version)
		restart(t)
	}
}

// Objects that were deleted are not made again by a write that did not mean to: the API
// server makes Leases by updates, unless they tell that there was one.
func TestDeletedObjectsAreNotMadeByUpdates(t *testing.T) {
	ns := namespace(t)
	p := closing(t, open(t, connect(t, controlplane.Admin, ns)))
	held := metadata.Lease{Holder: "a", Run: 1}
	if err := p.WriteLease(t.Context(), held, 0); err != nil {
		t.Fatal(err)
	}
	if err := admin.CoordinationV1().Leases(ns).Delete(t.Context(), status, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteLease(t.Context(), held, 1); !errors.Is(err, metadata.ErrConflict) {
		t.Errorf("a deleted lease was renewed: %v", err)
	}
	for _, name := range kubernetes.Names(status, objects) {
		if err := admin.CoreV1().ConfigMaps(ns).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	err := p.Update(t.Context(), []metadata.Change{{Key: "cluster", Value: document(1)}})[0]
	if err == nil || errors.Is(err, metadata.ErrConflict) || !strings.Contains(err.Error(), "it was deleted") {
		t.Errorf("stored in what was deleted: %v", err)
	}
}
