package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ostraka-db/ostraka/coordinator"
)

// looked are the metrics that are looked up at each scrape, by their names.
var looked = func() map[string]*prometheus.Desc {
	descs := map[string]*prometheus.Desc{}
	for _, name := range []string{configValid, servers, shards, shardsLed, shardsUnsteady, movesRunning, unmetWishes} {
		d := definitions.Of(name)
		descs[name] = prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
	}
	return descs
}()

// cluster is a collector of what a coordinator knows.
type cluster struct {
	snapshot func() coordinator.Snapshot
}

// Describe implements prometheus.Collector.
func (c *cluster) Describe(out chan<- *prometheus.Desc) {
	for _, one := range looked {
		out <- one
	}
}

// Collect implements prometheus.Collector.
func (c *cluster) Collect(out chan<- prometheus.Metric) {
	now := c.snapshot()
	gauge := func(name string, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(looked[name], prometheus.GaugeValue, float64(value), labels...)
	}
	valid := 1
	if now.ConfigProblem != nil {
		valid = 0
	}
	gauge(configValid, valid)
	if !now.Known {
		return
	}
	for _, n := range now.Status.Namespaces {
		led := 0
		for _, shard := range n.Shards {
			if now.Shards[shard.ID].Leader != "" {
				led++
			}
		}
		gauge(shards, len(n.Shards), n.Name)
		gauge(shardsLed, led, n.Name)
	}
	states := map[string]int{"running": 0, "draining": 0, "unavailable": 0}
	for _, s := range now.Status.Servers {
		switch told := now.Servers[s.Name]; {
		case !told.Reachable:
			states["unavailable"]++
		case told.State.GetDraining() || s.Removed || s.Draining:
			states["draining"]++
		default:
			states["running"]++
		}
	}
	for state, count := range states {
		gauge(servers, count, state)
	}
	gauge(unmetWishes, len(now.Notes))
	unsteady := map[coordinator.TroubleKind]int{}
	for _, s := range now.Shards {
		if len(s.Troubles) > 0 {
			unsteady[s.Troubles[0].Kind]++
		}
	}
	for _, kind := range coordinator.TroubleKinds() {
		gauge(shardsUnsteady, unsteady[kind], string(kind))
	}
	type move struct{ what, kind string }
	running := map[move]int{}
	for _, m := range now.Moves {
		running[move{string(m.What), label(m.Kind)}]++
	}
	for m, count := range running {
		gauge(movesRunning, count, m.what, m.kind)
	}
}
