package chaos

import (
	"flag"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

var (
	lasts = flag.Duration("chaos.for", usually(), "how long the cluster is harmed")
	seed  = flag.Uint64("chaos.seed", 1, "what befalls it")
	keep  = flag.String("chaos.dir", "", "keep data and output there; a directory that is empty or not there")
	// overload is for how long each way of starving servers lasts.
	overload = flag.Duration("chaos.overload", 0, "how long servers are starved of processors, in each way")
	race     = flag.Bool("chaos.race", false, "build the programs with the race detector")
)

func usually() time.Duration {
	if underRace {
		return 20 * time.Second
	}
	return time.Minute
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built.dir != "" {
			os.RemoveAll(built.dir)
		}
		os.Exit(code)
	}))
}

var built struct {
	once     sync.Once
	dir      string
	binaries cluster.Binaries
	err      error
}

// programs are built once, and stay for as long as the test's process.
func programs(tb testing.TB) cluster.Binaries {
	tb.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "ostraka"); built.err == nil {
			built.binaries, built.err = cluster.Build(built.dir, *race)
		}
	})
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.binaries
}

// directory is where a run's data and output go.
func directory(t *testing.T) string {
	t.Helper()
	if *keep == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(*keep, 0o755); err != nil {
		t.Fatal(err)
	}
	return *keep
}

// TestChaos harms three servers and two coordinators, as processes. Run by itself it
// takes as long as -chaos.for says.
func TestChaos(t *testing.T) {
	c, err := cluster.Start(cluster.Options{
		Binaries: programs(t), Dir: directory(t), Servers: 3, Coordinators: 2, Seed: *seed * 100,
		Namespaces: "- name: default\n  initialShardCount: 4\n  replicationFactor: 3",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	report, err := Run(t.Context(), Options{
		Cluster: c, Seed: *seed, Lasts: *lasts, Registers: 8, Clients: 8, Tell: func(text string) { t.Log(text) },
	})
	t.Logf("%d faults; %d operations on registers, %d keys of journals, %d notifications and %d sessions checked",
		report.Faults, report.Operations, report.Journal, report.Notifications, report.Sessions)
	if err != nil {
		t.Errorf("seed %d: %v", *seed, err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}
