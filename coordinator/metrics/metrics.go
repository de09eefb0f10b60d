package metrics

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/plan"
)

// Metrics is a coordinator's Observer.
type Metrics struct {
	begun    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	stored   *prometheus.CounterVec
	unknown  *prometheus.CounterVec
	storing  *prometheus.HistogramVec
	planned  *prometheus.CounterVec
	ended    *prometheus.CounterVec
	leading  *prometheus.GaugeVec
	registry prometheus.Registerer
}

var _ coordinator.Observer = (*Metrics)(nil)

// buckets go from what a loopback needs to what somebody is woken for.
var buckets = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

// New returns metrics that are registered.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		begun:    definitions.CounterVec(elections),
		took:     definitions.HistogramVec(electionSeconds, buckets),
		stored:   definitions.CounterVec(documentsStored),
		unknown:  definitions.CounterVec(documentsUnknown),
		storing:  definitions.HistogramVec(metadataSeconds, buckets),
		planned:  definitions.CounterVec(movesPlanned),
		ended:    definitions.CounterVec(movesEnded),
		leading:  definitions.GaugeVec(leading),
		registry: registry,
	}
	for _, cause := range coordinator.Causes() {
		m.begun.WithLabelValues(string(cause))
		m.took.WithLabelValues(string(cause))
	}
	m.stored.WithLabelValues()
	m.unknown.WithLabelValues()
	m.storing.WithLabelValues()
	m.leading.WithLabelValues()
	for _, one := range []prometheus.Collector{m.begun, m.took, m.stored, m.unknown, m.storing, m.planned, m.ended, m.leading} {
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
	m.stored.WithLabelValues().Add(float64(documents))
	m.unknown.WithLabelValues().Add(float64(unknown))
	m.storing.WithLabelValues().Observe(took.Seconds())
}

// MovePlanned implements coordinator.Observer.
func (m *Metrics) MovePlanned(what coordinator.Moved, kind plan.Kind) {
	m.planned.WithLabelValues(string(what), label(kind)).Inc()
}

// MoveEnded implements coordinator.Observer.
func (m *Metrics) MoveEnded(what coordinator.Moved, kind plan.Kind, done bool) {
	outcome := "failed"
	if done {
		outcome = "done"
	}
	m.ended.WithLabelValues(string(what), label(kind), outcome).Inc()
}

// label is a kind as one word.
func label(kind plan.Kind) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return r
	}, string(kind))
}

// Leading implements coordinator.Observer.
func (m *Metrics) Leading(leads bool) {
	value := 0.0
	if leads {
		value = 1
	}
	m.leading.WithLabelValues().Set(value)
}

// Watch shows what a function tells at each scrape.
func (m *Metrics) Watch(snapshot func() coordinator.Snapshot) error {
	if err := m.registry.Register(&cluster{snapshot}); err != nil {
		return fmt.Errorf("register the cluster's metrics: %w", err)
	}
	return nil
}
