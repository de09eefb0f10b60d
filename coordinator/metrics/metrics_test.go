package metrics

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/internal/metric"
	"github.com/ostraka-db/ostraka/replication"
)

var rewrite = flag.Bool("rewrite", false, "write docs/metrics.md anew")

// The table in the documentation is the one of the definitions.
func TestDocumentationIsCurrent(t *testing.T) {
	at := metric.Document{Path: "../../docs/metrics.md", Process: "a coordinator", Command: "go test ./coordinator/metrics -rewrite"}
	if err := at.Hold(definitions, *rewrite); err != nil {
		t.Error(err)
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	for _, problem := range definitions.Problems() {
		t.Error(problem)
	}
}

func TestMetricsShowWhatTheyAreTold(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m, err := New(registry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(registry); err == nil {
		t.Error("registered twice")
	}
	var now coordinator.Snapshot
	if err := m.Watch(func() coordinator.Snapshot { return now }); err != nil {
		t.Fatal(err)
	}
	m.ElectionBegan(coordinator.CauseServerLost)
	m.ElectionEnded(coordinator.CauseServerLost, 10*time.Millisecond)
	m.DocumentsStored(5, time.Millisecond, 2)
	m.MovePlanned(coordinator.MovedReplica, plan.KindFactor)
	m.MoveEnded(coordinator.MovedLeader, plan.KindBalance, false)
	m.Leading(true)
	show := func(want string, names ...string) {
		t.Helper()
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
	}
	show(`
# HELP ostraka_coordinator_documents_stored_total Shards' documents that the metadata store was asked to store.
# TYPE ostraka_coordinator_documents_stored_total counter
ostraka_coordinator_documents_stored_total 5
# HELP ostraka_coordinator_documents_unknown_total Shards' documents of which it is not known whether they were stored.
# TYPE ostraka_coordinator_documents_unknown_total counter
ostraka_coordinator_documents_unknown_total 2
# HELP ostraka_coordinator_moves_ended_total Moves that ended, by what moved, why, and whether that succeeded: done or failed.
# TYPE ostraka_coordinator_moves_ended_total counter
ostraka_coordinator_moves_ended_total{kind="balance",outcome="failed",what="leader"} 1
# HELP ostraka_coordinator_moves_planned_total Moves of a shard's replicas or leadership that were decided, by what moves and why.
# TYPE ostraka_coordinator_moves_planned_total counter
ostraka_coordinator_moves_planned_total{kind="replication_factor",what="replica"} 1
# HELP ostraka_coordinator_leading 1 while this coordinator leads, 0 otherwise.
# TYPE ostraka_coordinator_leading gauge
ostraka_coordinator_leading 1
`, movesEnded, movesPlanned, "ostraka_coordinator_documents_stored_total", "ostraka_coordinator_documents_unknown_total",
		"ostraka_coordinator_leading", "ostraka_coordinator_shards")
	for _, cause := range coordinator.Causes() {
		want := 0.0
		if cause == coordinator.CauseServerLost {
			want = 1
		}
		if got := testutil.ToFloat64(m.begun.WithLabelValues(string(cause))); got != want {
			t.Errorf("%s: %v elections", cause, got)
		}
	}

	now = coordinator.Snapshot{
		Known: true, ConfigProblem: errors.New("bad"), Notes: []plan.Note{{}},
		Status: plan.Status{
			Servers:    []plan.Server{{Name: "a"}, {Name: "b"}, {Name: "c", Removed: true}},
			Namespaces: []plan.Namespace{{Name: "n", Shards: []plan.Shard{{ID: 1}, {ID: 2}}}},
		},
		Shards: map[replication.ShardID]coordinator.ShardSnapshot{
			1: {Troubles: []coordinator.Trouble{{Kind: coordinator.TroubleElecting}, {Kind: coordinator.TroubleLagging}}}, 2: {Leader: "a"},
		},
		Servers: map[replication.ServerID]coordinator.ServerSnapshot{
			"a": {State: &api.ServerState{}, Reachable: true}, "b": {State: &api.ServerState{}},
			"c": {State: &api.ServerState{}, Reachable: true},
		},
		Moves: []coordinator.Move{{What: coordinator.MovedReplica, Kind: plan.KindOrder}, {What: coordinator.MovedReplica, Kind: plan.KindOrder}},
	}
	show(`
# HELP ostraka_coordinator_config_valid 1 if the configuration as it was last written is in force, 0 if it is refused.
# TYPE ostraka_coordinator_config_valid gauge
ostraka_coordinator_config_valid 0
# HELP ostraka_coordinator_moves_running Moves that are under way, by what moves and why. Only while this coordinator leads.
# TYPE ostraka_coordinator_moves_running gauge
ostraka_coordinator_moves_running{kind="order",what="replica"} 2
# HELP ostraka_coordinator_servers Data servers by state: running, draining, unavailable. Only while this coordinator leads.
# TYPE ostraka_coordinator_servers gauge
ostraka_coordinator_servers{state="draining"} 1
ostraka_coordinator_servers{state="running"} 1
ostraka_coordinator_servers{state="unavailable"} 1
# HELP ostraka_coordinator_shards Shards of the namespace. Only while this coordinator leads.
# TYPE ostraka_coordinator_shards gauge
ostraka_coordinator_shards{namespace="n"} 2
# HELP ostraka_coordinator_shards_led Shards of the namespace that have a leader. Only while this coordinator leads.
# TYPE ostraka_coordinator_shards_led gauge
ostraka_coordinator_shards_led{namespace="n"} 1
# HELP ostraka_coordinator_unmet_wishes What the configuration asks for and cannot be at present. Only while this coordinator leads.
# TYPE ostraka_coordinator_unmet_wishes gauge
ostraka_coordinator_unmet_wishes 1
`, configValid, movesRunning, servers, shards, shardsLed, unmetWishes)

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, f := range families {
		told[f.GetName()] = true
		if f.GetName() != shardsUnsteady {
			continue
		}
		if len(f.GetMetric()) != len(coordinator.TroubleKinds()) {
			t.Errorf("%d reasons are told", len(f.GetMetric()))
		}
		for _, one := range f.GetMetric() {
			electing := one.GetLabel()[0].GetValue() == string(coordinator.TroubleElecting)
			if (one.GetGauge().GetValue() == 1) != electing {
				t.Errorf("told %v", one)
			}
		}
	}
	for _, d := range definitions {
		if !told[d.Name] {
			t.Errorf("%s is not told", d.Name)
		}
	}
	if len(told) != len(definitions) {
		t.Errorf("%d metrics are told, %d defined", len(told), len(definitions))
	}
}
