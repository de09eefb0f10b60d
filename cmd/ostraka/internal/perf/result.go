package perf

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies is the distribution of some latencies, in milliseconds.
type Latencies struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"meanMs"`
	P50   float64 `json:"p50Ms"`
	P90   float64 `json:"p90Ms"`
	P95   float64 `json:"p95Ms"`
	P99   float64 `json:"p99Ms"`
	P999  float64 `json:"p999Ms"`
	P9999 float64 `json:"p9999Ms"`
	Max   float64 `json:"maxMs"`
}

// Reads is the latencies of reads, and how many of them found no record.
type Reads struct {
	Latencies
	Missed int64 `json:"missed"`
}

// Parameters are what a run was, with nothing left to defaults.
type Parameters struct {
	Address           string  `json:"address"`
	Namespace         string  `json:"namespace"`
	Mode              string  `json:"mode"` // open or closed
	Rate              float64 `json:"rate,omitempty"`
	Concurrency       int     `json:"concurrency,omitempty"`
	MaxInFlight       int     `json:"maxInFlight,omitempty"`
	ReadPercent       float64 `json:"readPercent"`
	Keys              int     `json:"keysCardinality"`
	KeyPrefix         string  `json:"keyPrefix"`
	ValueSize         int     `json:"valueSize"`
	RandomPayload     bool    `json:"randomPayload"`
	BatchLinger       string  `json:"batchLinger"`
	MaxBatch          int     `json:"maxRequestsPerBatch"`
	RequestTimeout    string  `json:"requestTimeout"`
	WarmUp            string  `json:"warmUp"`
	Duration          string  `json:"duration,omitempty"`
	Seed              uint64  `json:"seed"`
	ClientVersion     string  `json:"clientVersion"`
	ClientCPUs        int     `json:"clientCPUs"`
	Populated         bool    `json:"populated"`
	StartedUnixMillis int64   `json:"startedUnixMillis"`
}

// Result is what came of a run.
type Result struct {
	Parameters Parameters `json:"parameters"`
	// Seconds is how long was counted, to the end of the last operation.
	Seconds float64 `json:"seconds"`
	// Operations and Throughput, which is by second, are of those that did not fail.
	Operations int64            `json:"operations"`
	Throughput float64          `json:"throughput"`
	Reads      Reads            `json:"reads"`
	Writes     Latencies        `json:"writes"`
	Failed     Latencies        `json:"failed"`
	Errors     map[string]int64 `json:"errors"`
	// Lag is how late the generator issued operations in an open loop. HeldBack is how
	// many waited because too many were under way.
	Lag      Latencies `json:"generatorLag"`
	HeldBack int64     `json:"heldBack"`
}

func latenciesOf(h *hdrhistogram.Histogram) Latencies {
	if h.TotalCount() == 0 {
		return Latencies{}
	}
	at := h.ValueAtPercentilesSlice([]float64{50, 90, 95, 99, 99.9, 99.99})
	return Latencies{
		Count: h.TotalCount(), Mean: round(h.Mean() / 1000),
		P50: millis(at[0]), P90: millis(at[1]), P95: millis(at[2]), P99: millis(at[3]), P999: millis(at[4]), P9999: millis(at[5]),
		Max: millis(h.Max()),
	}
}

func millis(micros int64) float64 { return float64(micros) / 1000 }

// round keeps three decimals.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// Row makes a result an item. It is the shortest summary there is; see write for the
// page that people get.
func (r Result) Row() []string { return []string{fmt.Sprint(r.Operations), fmt.Sprint(r.Throughput)} }

// write prints the result for people.
func (r Result) write(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%d operations in %.1f s: %.0f per second\n\n", r.Operations, r.Seconds, r.Throughput)
	fmt.Fprintf(&text, "%-8s %9s %9s %9s %9s %9s %9s %9s %9s  ms\n", "", "count", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max")
	for _, line := range []struct {
		name string
		of   Latencies
	}{{"reads", r.Reads.Latencies}, {"writes", r.Writes}, {"failed", r.Failed}} {
		if l := line.of; l.Count > 0 {
			fmt.Fprintf(&text, "%-8s %9d %9s %9s %9s %9s %9s %9s %9s\n", line.name, l.Count,
				short(l.Mean), short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.P9999), short(l.Max))
		}
	}
	if r.Reads.Missed > 0 {
		fmt.Fprintf(&text, "\n%d reads found no record (--populate writes all first)\n", r.Reads.Missed)
	}
	for i, reason := range slices.Sorted(maps.Keys(r.Errors)) {
		if i == 0 {
			text.WriteString("\nerrors:\n")
		}
		fmt.Fprintf(&text, "%9d  %s\n", r.Errors[reason], reason)
	}
	text.WriteString(r.doubts())
	_, err := io.WriteString(w, text.String())
	return err
}

// tolerableLag is the p99 of the generator's lateness up to which latencies are
// believed.
const tolerableLag = 5 * time.Millisecond

// doubts says what speaks against the figures.
func (r Result) doubts() string {
	if r.HeldBack > 0 {
		return fmt.Sprintf("\n%d operations were held back because %d were under way: the service does not keep up with the rate\n",
			r.HeldBack, r.Parameters.MaxInFlight)
	}
	if r.Lag.P99 > millis(tolerableLag.Microseconds()) {
		return fmt.Sprintf("\nthe generator was late by %s ms at p99: this machine does not keep up with the rate, and latencies are too high by that\n",
			short(r.Lag.P99))
	}
	return ""
}

// short prints milliseconds to about three digits.
func short(ms float64) string {
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}
