package interop

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxia-db/oxia/oxia"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

// While servers are killed and started again, one after the other, what the client
// was told is written stays, and its notifications go on without a gap.
func TestFailover(t *testing.T) {
	c, err := cluster.Start(cluster.Options{
		Binaries: binaries, Dir: t.TempDir(), Servers: 3, Direct: true, Seed: 2000,
		Namespaces: "- name: default\n  initialShardCount: 2\n  replicationFactor: 3",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := connect(t, c, hierarchical)
	events, err := client.GetNotifications()
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()

	var stop atomic.Bool
	var writing sync.WaitGroup
	var written []string
	var count atomic.Int64
	ctx := t.Context()
	writing.Go(func() {
		for i := 0; !stop.Load(); i++ {
			key := fmt.Sprintf("failover/%06d", i)
			putting, cancel := context.WithTimeout(ctx, servedWithin)
			if _, _, err := client.Put(putting, key, []byte(key)); err == nil {
				written = append(written, key)
				count.Add(1)
			}
			cancel()
		}
	})
	// The records that are written show that shards are led, whoever leads them.
	awaitMore := func() {
		for before := count.Load(); count.Load() < before+50; {
			if t.Context().Err() != nil || c.Failed() != nil {
				t.Fatal("nothing is written any more: ", c.Failed())
			}
			runtime.Gosched()
		}
	}
	for _, server := range c.Servers() {
		awaitMore()
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		// Others lead before the next one goes.
		awaitMore()
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		awaitMore()
	}
	stop.Store(true)
	writing.Wait()

	found := scannedAtLast(t, client)
	missing := map[string]bool{}
	for _, key := range written {
		if !found[key] {
			t.Errorf("%s was written, and is not there", key)
		}
		missing[key] = true
	}
	t.Logf("%d written, %d there", len(written), len(found))
	for len(missing) > 0 {
		select {
		case event, open := <-events.Ch():
			if !open {
				t.Fatalf("the notifications ended, with %d missing", len(missing))
			}
			delete(missing, event.Key)
		case <-bounded(t).Done():
			t.Fatalf("%d notifications never came", len(missing))
		}
	}
}

// scannedAtLast returns the keys that the writer made. The client does not ask again
// where its connection to a server that was started again is not up yet.
func scannedAtLast(t *testing.T, client oxia.SyncClient) map[string]bool {
	t.Helper()
	for begun := time.Now(); ; {
		found := map[string]bool{}
		var last error
		for r := range client.RangeScan(bounded(t), "failover/", "failover//") {
			if r.Err != nil {
				last = r.Err
				continue
			}
			found[r.Key] = true
		}
		if last == nil {
			return found
		}
		if time.Since(begun) > servedWithin {
			t.Fatalf("range scan: %v", last)
		}
	}
}
