package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ostraka-db/ostraka/coordinator"
)

// Metrics is a coordinator's Observer.
type Metrics struct {
	begun    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	stored   prometheus.Counter
	unknown  prometheus.Counter
	storing  prometheus.Histogram
	leading  prometheus.Gauge
	registry prometheus.Registerer
}

var _ coordinator.Observer = (*Metrics)(nil)

// buckets go from what a loopback needs to what somebody is woken for.
var buckets = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

const prefix = "ostraka_coordinator_"

// New returns metrics that are registered.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		begun: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "elections_total", Help: "Terms that were claimed, by cause.",
		}, []string{"cause"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "election_duration_seconds", Help: "From the claim of a term until its leader serves, by cause.", Buckets: buckets,
		}, []string{"cause"}),
		stored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "documents_stored_total", Help: "Shards' documents that the metadata store was asked to store.",
		}),
		unknown: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "documents_unknown_total", Help: "Shards' documents of which it is not known whether they were stored.",
		}),
		storing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "metadata_write_duration_seconds", Help: "Writes of the metadata store, each of one or more documents.", Buckets: buckets,
		}),
		leading: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: prefix + "leading", Help: "1 while this coordinator leads, 0 otherwise.",
		}),
		registry: registry,
	}
	for _, cause := range coordinator.Causes() {
		m.begun.WithLabelValues(string(cause))
		m.took.WithLabelValues(string(cause))
	}
	for _, one := range []prometheus.Collector{m.begun, m.took, m.stored, m.unknown, m.storing, m.leading} {
		if err := registry.Register(one); err != nil {
			return nil, fmt.Errorf("register the coordinator's metrics: %w", err)
		}
	}
	return m, nil
}

// ElectionBegan implements coordinator.Observer.
func (m *Metrics) ElectionBegan(cause coordinator.Cause) {
	m.begun.WithLabelValues(string(cause)).Inc()
}

// ElectionEnded implements coordinator.Observer.
func (m *Metrics) ElectionEnded(cause coordinator.Cause, took time.Duration) {
	m.took.WithLabelValues(string(cause)).Observe(took.Seconds())
}

// DocumentsStored implements coordinator.Observer.
func (m *Metrics) DocumentsStored(documents int, took time.Duration, unknown int) {
	m.stored.Add(float64(documents))
	m.unknown.Add(float64(unknown))
	m.storing.Observe(took.Seconds())
}

// Leading implements coordinator.Observer.
func (m *Metrics) Leading(leads bool) {
	m.leading.Set(0)
	if leads {
		m.leading.Set(1)
	}
}

// Watch shows what a function tells at each scrape.
func (m *Metrics) Watch(snapshot func() coordinator.Snapshot) error {
	if err := m.registry.Register(&cluster{snapshot}); err != nil {
		return fmt.Errorf("register the cluster's metrics: %w", err)
	}
	return nil
}
