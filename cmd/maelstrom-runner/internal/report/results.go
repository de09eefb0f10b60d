package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// Results is what is known at the end of a run.
type Results struct {
	Verdict  checker.Verdict           `json:"verdict"`
	Reasons  []string                  `json:"reasons,omitempty"`
	Workload string                    `json:"workload"`
	Seed     uint64                    `json:"seed"`
	Command  []string                  `json:"command,omitempty"`
	Store    string                    `json:"store"`
	Checks   map[string]checker.Result `json:"checks"`

	Total        Outcomes            `json:"total"`
	Kinds        map[string]Outcomes `json:"kinds"`
	Availability float64             `json:"availability"`
	Messages     Messages            `json:"messages"`
	Faults       []Fault             `json:"faults,omitempty"`
	Recoveries   []Recovery          `json:"recoveries,omitempty"`
	Failover     *Failover           `json:"failover,omitempty"`
	Expected     *Expected           `json:"expected,omitempty"`
}

// Expected counts, for each node, the lines of its log that a run is to lead to.
type Expected struct {
	Pattern string         `json:"pattern"`
	Lines   map[string]int `json:"lines"`
}

// Outcomes counts operations.
type Outcomes struct {
	Invoked int            `json:"invoked"`
	OK      int            `json:"ok"`
	Failed  int            `json:"failed"`
	Unknown int            `json:"unknown"`
	Latency Quantiles      `json:"latency"`
	Errors  map[string]int `json:"errors,omitempty"`
}

// maxErrors bounds the table of error texts.
const maxErrors = 32

// Quantiles are latencies in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Messages counts what was sent.
type Messages struct {
	Counted map[network.Class]Traffic `json:"counted"`
	Types   []TypeTraffic             `json:"types"`

	Total      Traffic `json:"total"`
	Delivered  int64   `json:"delivered"`
	Lost       int64   `json:"lost"`
	Duplicated int64   `json:"duplicated"`
	Cut        int64   `json:"cut"`
	Overflowed int64   `json:"overflowed"`
	Largest    int     `json:"largest_body_bytes"`
}

// Traffic is a number of messages, and its share of each operation.
type Traffic struct {
	Sent  int64   `json:"sent"`
	PerOp float64 `json:"per_op"`
}

// TypeTraffic is the traffic of one type of body.
type TypeTraffic struct {
	Class network.Class `json:"class"`
	Type  string        `json:"type"`
	Traffic
}

// Count fills in everything that follows from operations and messages.
func (r *Results) Count(ops []history.Operation, counts network.Counts) {
	r.Total = outcomes(ops)
	r.Kinds = make(map[string]Outcomes)
	byKind := make(map[string][]history.Operation)
	for _, op := range ops {
		byKind[op.Invoke.F] = append(byKind[op.Invoke.F], op)
	}
	for f, of := range byKind {
		r.Kinds[f] = outcomes(of)
	}
	r.Availability = ratio(int64(r.Total.OK), int64(r.Total.Invoked))
	r.Messages = messages(counts, int64(r.Total.Invoked))
}

func outcomes(ops []history.Operation) Outcomes {
	o := Outcomes{Invoked: len(ops), Errors: make(map[string]int)}
	var took []time.Duration
	for _, op := range ops {
		switch op.Outcome() {
		case history.OK:
			o.OK++
			took = append(took, op.Complete.Time-op.Invoke.Time)
			continue
		case history.Fail:
			o.Failed++
		default:
			o.Unknown++
		}
		if op.Complete != nil {
			o.countError(op.Complete.Error)
		}
	}
	o.Latency = quantiles(took)
	return o
}

func (o *Outcomes) countError(text string) {
	name := errorName(text)
	if _, known := o.Errors[name]; !known && len(o.Errors) >= maxErrors {
		name = "(other)"
	}
	o.Errors[name]++
}

// errorName drops a node's free text, which may be different every time.
func errorName(text string) string {
	for i, c := range text {
		if c == ':' || c == '(' {
			return text[:i]
		}
	}
	return text
}

func quantiles(took []time.Duration) Quantiles {
	if len(took) == 0 {
		return Quantiles{}
	}
	slices.Sort(took)
	at := func(q float64) float64 { return millis(took[min(len(took)-1, int(q*float64(len(took))))]) }
	return Quantiles{P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: millis(took[len(took)-1])}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func messages(c network.Counts, ops int64) Messages {
	m := Messages{
		Counted:   make(map[network.Class]Traffic),
		Delivered: c.Delivered, Lost: c.Lost, Duplicated: c.Duplicated, Cut: c.Cut, Overflowed: c.Overflowed, Largest: c.Largest,
	}
	var total int64
	for class, sent := range c.Sent {
		m.Counted[class] = Traffic{sent, ratio(sent, ops)}
		total += sent
	}
	m.Total = Traffic{total, ratio(total, ops)}
	for key, sent := range c.Types {
		m.Types = append(m.Types, TypeTraffic{key.Class, key.Type, Traffic{sent, ratio(sent, ops)}})
	}
	slices.SortFunc(m.Types, func(a, b TypeTraffic) int {
		if a.Sent != b.Sent {
			return int(b.Sent - a.Sent)
		}
		if a.Type < b.Type {
			return -1
		}
		return 1
	})
	return m
}

// WriteFile writes results.json into the store.
func (r *Results) WriteFile() error {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if err := os.WriteFile(filepath.Join(r.Store, "results.json"), append(out, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}
