package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ostraka-db/ostraka/coordinator"
)

var (
	shards = prometheus.NewDesc(prefix+"shards", "Shards of the namespace. Only while this coordinator leads.",
		[]string{"namespace"}, nil)
	shardsLed = prometheus.NewDesc(prefix+"shards_led", "Shards of the namespace that have a leader. Only while this coordinator leads.",
		[]string{"namespace"}, nil)
	servers = prometheus.NewDesc(prefix+"servers", "Data servers by state: running, draining, unavailable. Only while this coordinator leads.",
		[]string{"state"}, nil)
	notes = prometheus.NewDesc(prefix+"unmet_wishes", "What the configuration asks for and cannot be at present. Only while this coordinator leads.",
		nil, nil)
	configValid = prometheus.NewDesc(prefix+"config_valid", "1 if the configuration as it was last written is in force, 0 if it is refused.",
		nil, nil)
)

// cluster is a collector of what a coordinator knows.
type cluster struct {
	snapshot func() coordinator.Snapshot
}

// Describe implements prometheus.Collector.
func (c *cluster) Describe(out chan<- *prometheus.Desc) {
	for _, one := range []*prometheus.Desc{shards, shardsLed, servers, notes, configValid} {
		out <- one
	}
}

// Collect implements prometheus.Collector.
func (c *cluster) Collect(out chan<- prometheus.Metric) {
	now := c.snapshot()
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
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
		switch told := now.Servers[s.Name].State; {
		case told == nil:
			states["unavailable"]++
		case told.GetDraining() || s.Removed:
			states["draining"]++
		default:
			states["running"]++
		}
	}
	for state, count := range states {
		gauge(servers, count, state)
	}
	gauge(notes, len(now.Notes))
}
