package interop

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/oxia-db/oxia/oxia"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

// Namespaces of the cluster, one for each thing that a namespace decides.
const (
	hierarchical = "default"
	natural      = "natural"
	quiet        = "quiet"
	// single has one shard, so that orders and versions can be told exactly. It is made
	// first, so that this is shard 0.
	single = "single"
)

const namespaces = `
- name: single
  initialShardCount: 1
  replicationFactor: 3
- name: default
  initialShardCount: 3
  replicationFactor: 3
- name: natural
  initialShardCount: 3
  replicationFactor: 3
  keySorting: natural
- name: quiet
  initialShardCount: 1
  replicationFactor: 3
  notificationsEnabled: false
`

// servers is the cluster that the tests share; those that harm it begin their own.
var servers *cluster.Cluster

var binaries cluster.Binaries

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if binaries, err = cluster.Build(dir, false); err != nil {
		return 0, err
	}
	servers, err = cluster.Start(cluster.Options{
		Binaries: binaries, Dir: dir, Servers: 3, Namespaces: namespaces, Direct: true, Seed: 1000,
	})
	if err != nil {
		return 0, err
	}
	defer servers.Close()
	code = m.Run()
	if code == 0 {
		err = servers.Stop()
	}
	return code, err
}

// servedWithin is how long a cluster may take until it serves: this is patience, not a
// measure.
const servedWithin = 30 * time.Second

// connect makes a client, once the cluster serves.
func connect(t *testing.T, c *cluster.Cluster, namespace string, options ...oxia.ClientOption) oxia.SyncClient {
	t.Helper()
	options = append([]oxia.ClientOption{
		oxia.WithNamespace(namespace), oxia.WithRequestTimeout(10 * time.Second), oxia.WithBatchLinger(0),
	}, options...)
	for begun, i := time.Now(), 0; ; i++ {
		addresses := c.Addresses()
		made, err := oxia.NewSyncClient(addresses[i%len(addresses)], options...)
		if err == nil {
			t.Cleanup(func() { made.Close() })
			return made
		}
		if time.Since(begun) > servedWithin {
			t.Fatalf("no client of %s: %v; %v", namespace, err, c.Failed())
		}
	}
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), servedWithin)
	t.Cleanup(cancel)
	return ctx
}
