package metric

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Definition is one metric.
type Definition struct {
	// Name is the whole name, prefix and unit included.
	Name   string
	Kind   Kind
	Labels []string
	// Help is a sentence.
	Help string
}

// Kind is what a metric counts as.
type Kind string

// The kinds.
const (
	KindCounter   Kind = "counter"
	KindGauge     Kind = "gauge"
	KindHistogram Kind = "histogram"
)

// Counter defines what only grows.
func Counter(name, help string, labels ...string) Definition {
	return Definition{Name: name, Kind: KindCounter, Labels: labels, Help: help}
}

// Gauge defines what goes up and down.
func Gauge(name, help string, labels ...string) Definition {
	return Definition{Name: name, Kind: KindGauge, Labels: labels, Help: help}
}

// Histogram defines what is spread over buckets.
func Histogram(name, help string, labels ...string) Definition {
	return Definition{Name: name, Kind: KindHistogram, Labels: labels, Help: help}
}

// Definitions are all metrics of a process, in the order of their table.
type Definitions []Definition

// Of returns a metric's definition. It panics if there is none: names are constants.
func (d Definitions) Of(name string) Definition {
	for _, one := range d {
		if one.Name == name {
			return one
		}
	}
	panic("metric: " + name + " is not defined")
}

// CounterVec makes a counter, which is not registered yet.
func (d Definitions) CounterVec(name string) *prometheus.CounterVec {
	one := d.Of(name)
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: one.Name, Help: one.Help}, one.Labels)
}

// GaugeVec makes a gauge, which is not registered yet.
func (d Definitions) GaugeVec(name string) *prometheus.GaugeVec {
	one := d.Of(name)
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: one.Name, Help: one.Help}, one.Labels)
}

// HistogramVec makes a histogram, which is not registered yet.
func (d Definitions) HistogramVec(name string, buckets []float64) *prometheus.HistogramVec {
	one := d.Of(name)
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: one.Name, Help: one.Help, Buckets: buckets}, one.Labels)
}

// Table returns the table as the documentation has it, in Markdown.
func (d Definitions) Table() string {
	var b strings.Builder
	b.WriteString("| Metric | Type | Labels | What it tells |\n|---|---|---|---|\n")
	for _, one := range d {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", one.Name, one.Kind, strings.Join(one.Labels, ", "), one.Help)
	}
	return b.String()
}

var named = regexp.MustCompile(`^ostraka_[a-z0-9_]+$`)

// Problems says what in the table is against Prometheus' conventions: a prefix, units,
// and a name that ends in total for what is counted, and for nothing else.
func (d Definitions) Problems() []string {
	var problems []string
	seen := map[string]bool{}
	for _, one := range d {
		if !named.MatchString(one.Name) || seen[one.Name] || !strings.HasSuffix(one.Help, ".") {
			problems = append(problems, fmt.Sprintf("%s is named badly, twice or not explained", one.Name))
		}
		seen[one.Name] = true
		if strings.HasSuffix(one.Name, "_total") != (one.Kind == KindCounter) ||
			strings.HasSuffix(one.Name, "_seconds") != (one.Kind == KindHistogram) {
			problems = append(problems, fmt.Sprintf("%s is a %s", one.Name, one.Kind))
		}
	}
	return problems
}
