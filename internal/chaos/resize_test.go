package chaos

import (
	"flag"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

var (
	kills    = flag.Int("chaos.kills", 2, "how many processes are killed while a cluster grows, and while it shrinks")
	leaders  = flag.Bool("chaos.leaders", false, "wait until leaderships are spread too, at the end")
	provider = flag.String("chaos.metadata", string(cluster.File), "where coordinators keep the cluster's status: file or raft")
)

// settleWithin is for what takes seconds on a machine that does nothing else.
const settleWithin = 4 * time.Minute

// TestResize grows three servers to six and shrinks them to three again, which need not
// be the same ones, under load and while processes are killed.
func TestResize(t *testing.T) {
	const shards = 6
	coordinators := 2
	if *provider == string(cluster.Raft) {
		coordinators = 3
	}
	c, err := cluster.Start(cluster.Options{
		Binaries: programs(t), Dir: directory(t), Servers: 3, Coordinators: coordinators, Direct: true, Seed: *seed*100 + 50,
		Metadata:      cluster.Metadata(*provider),
		Namespaces:    "- name: default\n  initialShardCount: 6\n  replicationFactor: 3",
		Configuration: "loadBalancer: {scheduleInterval: 1s, quarantineTime: 2s}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	begun := time.Now()
	report, err := Resize(t.Context(), ResizeOptions{
		Options: Options{Cluster: c, Seed: *seed, Registers: 8, Clients: 6, Tell: func(text string) {
			t.Logf("%6.1fs %s", time.Since(begun).Seconds(), text)
		}},
		To: 6, Shards: shards, Replication: 3, Kills: *kills, Settle: settleWithin, Leaders: *leaders,
	})
	t.Logf("%d kills; %d operations on registers, %d keys of journals, %d notifications and %d sessions checked",
		report.Faults, report.Operations, report.Journal, report.Notifications, report.Sessions)
	if err != nil {
		t.Errorf("seed %d: %v", *seed, err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}
