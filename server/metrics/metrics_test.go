package metrics

import (
	"flag"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/internal/metric"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

var rewrite = flag.Bool("rewrite", false, "write docs/metrics.md anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The table in the documentation is the one of the definitions.
func TestDocumentationIsCurrent(t *testing.T) {
	at := metric.Document{Path: "../../docs/metrics.md", Process: "a data server", Command: "go test ./server/metrics -rewrite"}
	if err := at.Hold(definitions, *rewrite); err != nil {
		t.Error(err)
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	for _, problem := range definitions.Problems() {
		t.Error(problem)
	}
}

// fixed is a source that says one of everything.
type fixed struct{}

func (fixed) Ready() error     { return nil }
func (fixed) Sessions() int    { return 3 }
func (fixed) Leaderships() int { return 2 }
func (fixed) Running() (Running, bool) {
	member := replication.Member{Server: "s2", Replica: 2}
	return Running{Storage: kv.Usage{Bytes: 100, WriteStalls: 6}, Replicas: []Replica{{Namespace: "default", Shard: 7, State: replication.ReplicaState{
		Role: replication.RoleLeader, Serving: true, Term: replication.TermID{Term: 4},
		Head: replication.EntryID{Term: 4, Offset: 20}, Commit: 19, Applied: 18,
		Leading: &replication.LeadingState{Followers: []replication.FollowerState{{Member: member, Match: 15}}},
	}}}}, true
}

// Everything that is defined is told, and nothing else.
func TestEveryDefinitionIsTold(t *testing.T) {
	m := New("v1")
	m.Watch(fixed{})
	m.Stepped(time.Millisecond)
	m.Ended(replication.RequestWrite, replication.Outcome{Kind: replication.OutcomeDone}, time.Millisecond)
	m.calls.WithLabelValues("KeepAlive").Observe(1)
	m.total.WithLabelValues("KeepAlive", "OK").Inc()
	m.open.WithLabelValues("KeepAlive").Inc()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]float64{}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "ostraka_") {
			value := f.GetMetric()[0]
			told[f.GetName()] = value.GetGauge().GetValue() + value.GetCounter().GetValue()
		}
	}
	for _, d := range definitions {
		if _, found := told[d.Name]; !found {
			t.Errorf("%s is not told", d.Name)
		}
	}
	if len(told) != len(definitions) {
		t.Errorf("%d metrics are told, %d defined", len(told), len(definitions))
	}
	for name, want := range map[string]float64{
		replicaTerm: 4, replicaHead: 20, replicaCommit: 19, replicaApplied: 18, memberLag: 5, replicaServing: 1,
		storageBytes: 100, storageStalls: 6, sessionsOpen: 3, leaderships: 2, ready: 1, buildInfo: 1, replicaRole: 1,
	} {
		if told[name] != want {
			t.Errorf("%s is %v, want %v", name, told[name], want)
		}
	}
}
