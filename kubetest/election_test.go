package kubetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/lease"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/kubernetes"
	"github.com/ostraka-db/ostraka/kubetest/controlplane"
)

// Candidates on one Lease: while the API server is gone for longer than a lease lasts,
// who led gives up; when it is back one leads again, under a higher number.
func TestCandidatesWithoutAPIServer(t *testing.T) {
	const candidates = 3
	ns := namespace(t)
	ctx, stop := context.WithCancel(t.Context())
	type event struct {
		name string
		run  uint64
		ends bool
	}
	events := make(chan event, 1000)
	var running sync.WaitGroup
	for i := range candidates {
		p := closing(t, open(t, connect(t, controlplane.Admin, ns)))
		name := fmt.Sprintf("c%d", i)
		options := lease.Options{Name: name, Beat: 500 * time.Millisecond, Hold: 3 * time.Second, Look: time.Second}
		running.Go(func() {
			lease.NewCandidate(p, options).Run(ctx, func(ctx context.Context, g lease.Grant) {
				events <- event{name, g.Run, false}
				<-ctx.Done()
				events <- event{name, g.Run, true}
			})
		})
	}
	// It stops before the providers are closed.
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	next := func(what string) event {
		t.Helper()
		select {
		case e := <-events:
			return e
		case <-time.After(patience):
			t.Fatalf("no %s", what)
			return event{}
		}
	}
	last := uint64(0)
	for range 2 {
		begins := next("reign")
		if begins.ends || begins.run <= last {
			t.Fatalf("after run %d came %+v", last, begins)
		}
		last = begins.run
		plane.KillAPIServer()
		if e := next("end of the reign"); !e.ends || e.name != begins.name {
			t.Fatalf("without an API server there was %+v", e)
		}
		if err := plane.StartAPIServer(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a large cluster asks of an API server, with the times that it takes.
func TestTenThousandShards(t *testing.T) {
	const count, elections = 10000, 1000
	p := closing(t, openWith(t, connect(t, controlplane.Admin, namespace(t)), kubernetes.DefaultObjects))
	changes := make([]metadata.Change, count)
	for i := range changes {
		// With as many random parts as a shard's document.
		changes[i] = metadata.Change{Key: fmt.Sprintf("shard/%d", i), Value: fmt.Appendf(nil,
			`{"version":1,"term":%d,"election":%d,"members":["ostraka-%d.ostraka-svc.production.svc.cluster.local:6649",`+
				`"ostraka-%d.ostraka-svc.production.svc.cluster.local:6649","ostraka-%d.ostraka-svc.production.svc.cluster.local:6649"]}`,
			1000+i%50, uint64(i)*0x9e3779b97f4a7c15, i%12, (i+1)%12, (i+2)%12)}
	}
	store := func(what string, some []metadata.Change) {
		t.Helper()
		began := time.Now()
		for _, err := range p.Update(t.Context(), some) {
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
	}
	store(fmt.Sprintf("%d documents made", count), changes)
	for i := range changes {
		changes[i].Version = 1
	}
	store(fmt.Sprintf("%d of them changed", elections), changes[:elections])
	store("one of them changed", changes[elections:elections+1])
	began := time.Now()
	if all, err := p.List(t.Context(), "shard/"); err != nil || len(all) != count {
		t.Errorf("%d documents, %v", len(all), err)
	}
	t.Logf("all listed: %v", time.Since(began).Round(time.Millisecond))
}
