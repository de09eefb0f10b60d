package chaos

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/internal/cluster"
)

var kubeconfig = flag.String("chaos.kubeconfig", "", "measure metadata in the Kubernetes that this file tells of, too")

// shardsWithin bounds how long a cluster of many shards may take to come to rest.
const shardsWithin = 5 * time.Minute

// BenchmarkShards kills one of three servers that have many shards, and measures how
// long it takes until the others' clients are told leaders of them all, and until every
// shard has answered a client. The median of all kills is told, with what it costs: the
// memory of the largest server and coordinator, and the syncs of the servers' logs and
// the writes of the metadata store for one kill.
func BenchmarkShards(b *testing.B) {
	for _, metadata := range []cluster.Metadata{cluster.File, cluster.Raft, cluster.ConfigMap} {
		if metadata == cluster.ConfigMap && *kubeconfig == "" {
			continue
		}
		for _, count := range []int{10, 100, 1000, 5000} {
			b.Run(fmt.Sprintf("%s/%d", metadata, count), func(b *testing.B) {
				s := beginShards(b, metadata, count)
				for range b.N {
					s.lose(b)
				}
				s.report(b)
			})
		}
	}
}

type shards struct {
	cluster *cluster.Cluster
	client  *client.Client
	count   int

	led, read           []time.Duration
	syncs, writes       float64
	server, coordinator float64 // bytes of memory, the most that there were
}

func beginShards(b *testing.B, metadata cluster.Metadata, count int) *shards {
	b.Helper()
	coordinators := 2
	if metadata == cluster.Raft {
		coordinators = 3
	}
	c, err := cluster.Start(cluster.Options{
		Binaries: programs(b), Dir: b.TempDir(), Servers: 3, Coordinators: coordinators, Direct: true, Metadata: metadata, Seed: 4000,
		// Others' objects, of a run before, would be another cluster's status.
		Kubeconfig: *kubeconfig, StatusName: fmt.Sprintf("ostraka-%x", time.Now().UnixNano()),
		Namespaces: fmt.Sprintf("- name: default\n  initialShardCount: %d\n  replicationFactor: 3", count),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	s := &shards{cluster: c, count: count}
	if s.client, err = connect(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.client.Close() })
	return s
}

// settle waits until every shard is led and whole, and returns how many shards each
// server leads.
func (s *shards) settle(b *testing.B) map[string]int {
	b.Helper()
	var wanted []string
	for _, m := range s.cluster.Servers() {
		wanted = append(wanted, m.Name)
	}
	l, err := awaitLayout(b.Context(), s.cluster, shardsWithin, func(l *layout) string {
		return l.problem(wanted, s.count, len(wanted), 0)
	})
	if err != nil {
		b.Fatal(err)
	}
	return l.leads
}

// lose kills the server that leads the most shards, and starts it again when all was
// measured.
func (s *shards) lose(b *testing.B) {
	b.Helper()
	leads := s.settle(b)
	servers := s.cluster.Servers()
	victim := slices.MaxFunc(servers, func(x, y *cluster.Member) int { return leads[x.Name] - leads[y.Name] })
	rest := slices.DeleteFunc(servers, func(m *cluster.Member) bool { return m == victim })
	syncs, writes := s.costs(b, rest)
	ctx, cancel := context.WithTimeout(b.Context(), shardsWithin)
	defer cancel()
	told := make(chan error, len(rest))
	watching := make(chan struct{}, len(rest))
	for _, m := range rest {
		go func() { told <- awaitLeaders(ctx, m.Public, s.count, victim.Public, watching) }()
	}
	for range rest {
		<-watching
	}
	struck := time.Now()
	if err := victim.Kill(); err != nil {
		b.Fatal(err)
	}
	for range rest {
		if err := <-told; err != nil {
			b.Fatal(err)
		}
	}
	s.led = append(s.led, time.Since(struck))
	for _, err := range s.client.List(ctx, "", "") {
		if err != nil {
			b.Fatal(err)
		}
	}
	s.read = append(s.read, time.Since(struck))
	syncsNow, writesNow := s.costs(b, rest)
	s.syncs, s.writes = s.syncs+syncsNow-syncs, s.writes+writesNow-writes
	if err := s.cluster.Recover(); err != nil {
		b.Fatal(err)
	}
}

// costs returns the syncs of some servers' logs and the coordinators' writes of metadata
// so far, and takes note of memory.
func (s *shards) costs(b *testing.B, servers []*cluster.Member) (syncs, writes float64) {
	b.Helper()
	scrape := func(m *cluster.Member) []cluster.Sample {
		samples, err := m.Scrape(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return samples
	}
	const memory = "process_resident_memory_bytes"
	for _, m := range servers {
		samples := scrape(m)
		syncs += cluster.Value(samples, "ostraka_server_log_sync_duration_seconds_count")
		s.server = max(s.server, cluster.Value(samples, memory))
	}
	for _, m := range s.cluster.Coordinators() {
		samples := scrape(m)
		writes += cluster.Value(samples, "ostraka_coordinator_metadata_write_duration_seconds_count")
		s.coordinator = max(s.coordinator, cluster.Value(samples, memory))
	}
	return syncs, writes
}

// awaitLeaders watches the shard map that a server tells, and returns when every shard
// has a leader elsewhere than at an address. It says when it is watching.
func awaitLeaders(ctx context.Context, at string, count int, not string, watching chan<- struct{}) error {
	conn, err := grpc.NewClient(at, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := api.NewOxiaClientClient(conn).GetShardAssignments(ctx, &api.ShardAssignmentsRequest{})
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		told, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("the shard map at %s: %w", at, err)
		}
		if first {
			watching <- struct{}{}
		}
		all := told.GetNamespaces()[api.DefaultNamespace].GetAssignments()
		led := slices.IndexFunc(all, func(a *api.ShardAssignment) bool { return a.GetLeader() == "" || a.GetLeader() == not }) < 0
		if led && len(all) == count {
			return nil
		}
	}
}

func (s *shards) report(b *testing.B) {
	b.Helper()
	slices.Sort(s.led)
	slices.Sort(s.read)
	middle, kills := len(s.led)/2, float64(len(s.led))
	b.ReportMetric(milliseconds(s.led[middle]), "median-led-ms")
	b.ReportMetric(milliseconds(s.led[len(s.led)-1]), "max-led-ms")
	b.ReportMetric(milliseconds(s.read[middle]), "median-read-ms")
	b.ReportMetric(s.server/(1<<20), "server-MB")
	b.ReportMetric(s.coordinator/(1<<20), "coordinator-MB")
	b.ReportMetric(s.syncs/kills, "syncs/kill")
	b.ReportMetric(s.writes/kills, "metadata-writes/kill")
	b.ReportMetric(0, "ns/op")
}
