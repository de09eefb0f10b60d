package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ostraka-db/ostraka/replication"
)

// Metrics counts what happens in a server. It is an observer of its parts.
type Metrics struct {
	registry *prometheus.Registry

	steps, syncs, applies prometheus.Observer
	requests, calls       *prometheus.HistogramVec
	applied               prometheus.Counter
	begun, ended          prometheus.Counter
	total                 *prometheus.CounterVec
	open                  *prometheus.GaugeVec
	created, closed       prometheus.Counter
	expired, kept         prometheus.Counter
	notices               prometheus.Counter
	lag                   prometheus.Observer
}

// Buckets of durations. What a server does takes from microseconds to seconds.
var durations = prometheus.ExponentialBuckets(16e-6, 2, 20)

// New returns metrics that have counted nothing. Version is the program's.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.steps, m.syncs, m.applies = m.histogram(stepSeconds), m.histogram(syncSeconds), m.histogram(applySeconds)
	m.lag = m.histogram(noticesLag)
	m.requests, m.calls = m.histograms(requestSeconds), m.histograms(callSeconds)
	m.applied, m.begun, m.ended = m.counter(appliedEntries), m.counter(reignsBegun), m.counter(reignsEnded)
	m.created, m.closed, m.expired = m.counter(sessionsCreated), m.counter(sessionsClosed), m.counter(sessionsExpired)
	m.kept, m.notices = m.counter(keptAlive), m.counter(noticesSent)
	m.total, m.open = m.counters(callsTotal), m.gauges(callsOpen)
	m.gauges(buildInfo).WithLabelValues(version, runtime.Version()).Set(1)
	return m
}

// Gatherer is where the metrics are had.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Stepped implements host.Observer.
func (m *Metrics) Stepped(took time.Duration) { m.steps.Observe(took.Seconds()) }

// Ended implements host.Observer.
func (m *Metrics) Ended(kind replication.RequestKind, outcome replication.Outcome, took time.Duration) {
	m.requests.WithLabelValues(kind.String(), outcome.Kind.String()).Observe(took.Seconds())
}

// Synced implements host.Observer.
func (m *Metrics) Synced(took time.Duration) { m.syncs.Observe(took.Seconds()) }

// Applied implements host.Observer.
func (m *Metrics) Applied(entries int, took time.Duration) {
	m.applies.Observe(took.Seconds())
	m.applied.Add(float64(entries))
}

// ReignBegan counts a shard that this server began to lead, ReignEnded one that it
// ceased to.
func (m *Metrics) ReignBegan() { m.begun.Inc() }

// ReignEnded is said at ReignBegan.
func (m *Metrics) ReignEnded() { m.ended.Inc() }

// SessionCreated counts a session that was created.
func (m *Metrics) SessionCreated() { m.created.Inc() }

// SessionClosed counts a session that its client closed.
func (m *Metrics) SessionClosed() { m.closed.Inc() }

// SessionsExpired counts sessions that nobody kept alive.
func (m *Metrics) SessionsExpired(n int) { m.expired.Add(float64(n)) }

// SessionKeptAlive counts a heartbeat.
func (m *Metrics) SessionKeptAlive() { m.kept.Inc() }

// NotificationsSent counts a batch, and how long after its commit it was sent.
func (m *Metrics) NotificationsSent(lag time.Duration) {
	m.notices.Inc()
	m.lag.Observe(max(lag, 0).Seconds())
}

func (m *Metrics) histograms(name string) *prometheus.HistogramVec {
	return register(m, definitions.HistogramVec(name, durations))
}

func (m *Metrics) histogram(name string) prometheus.Observer {
	return m.histograms(name).WithLabelValues()
}

func (m *Metrics) counters(name string) *prometheus.CounterVec {
	return register(m, definitions.CounterVec(name))
}

func (m *Metrics) counter(name string) prometheus.Counter { return m.counters(name).WithLabelValues() }

func (m *Metrics) gauges(name string) *prometheus.GaugeVec {
	return register(m, definitions.GaugeVec(name))
}

func register[C prometheus.Collector](m *Metrics, c C) C {
	m.registry.MustRegister(c)
	return c
}
