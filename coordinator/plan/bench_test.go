package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// large is a cluster of 10,000 shards on 30 servers in three zones, all of it well.
func large(t testing.TB) (*api.ClusterConfiguration, Observed) {
	c := servers(30)
	for i := range 10 {
		c.Namespaces = append(c.Namespaces, namespace(fmt.Sprintf("n%d", i), 1000, 3))
	}
	o := Observed{
		Now: time.Unix(1e9, 0), Began: time.Unix(1e9-1e6, 0), Status: Status{Cluster: "c"},
		Shards: map[replication.ShardID]ShardFacts{}, Servers: map[replication.ServerID]ServerFacts{},
	}
	o.Status = Apply(o.Status, Plan(c, o).Actions)
	for _, s := range o.Status.Servers {
		o.Servers[s.Name] = ServerFacts{Reachable: true}
	}
	for _, n := range o.Status.Namespaces {
		for _, s := range n.Shards {
			o.Shards[s.ID] = ShardFacts{
				Document: documentOf(s.Ensemble), Leader: s.Ensemble[0],
				Load: Load{Bytes: int64(s.ID) << 16, Writes: float64(s.ID % 97), Reads: float64(s.ID % 89)},
			}
		}
	}
	return c, o
}

func BenchmarkPlan(b *testing.B) {
	steady, observed := large(b)
	grown, full := large(b)
	grown.Servers = append(grown.Servers, servers(33).Servers[30:]...)
	drained, draining := large(b)
	draining.Status = Apply(draining.Status, []Action{PutServer{Server: Server{
		Name: "s3", Public: "s3:1", Internal: "s3:2", Draining: true,
	}}})
	for i := range 3 {
		full.Servers[replication.ServerID(fmt.Sprintf("s%d", 30+i))] = ServerFacts{Reachable: true}
	}
	zoneless, even := large(b)
	zoneless.ServerMetadata = nil
	for _, one := range []struct {
		name     string
		desired  *api.ClusterConfiguration
		observed Observed
	}{{"steady", steady, observed}, {"grown", grown, full}, {"drained", drained, draining}, {"zoneless", zoneless, even}} {
		b.Run(one.name, func(b *testing.B) {
			var d Decision
			for b.Loop() {
				d = Plan(one.desired, one.observed)
			}
			b.ReportMetric(float64(len(d.Actions)), "actions")
		})
	}
}
