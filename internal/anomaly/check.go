package anomaly

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/dependency"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// Config is the model that a history is held against.
type Config struct {
	Data transaction.Data
	// RealTime asks for strict serializability, rather than serializability.
	RealTime bool
	// VersionsByClock lets real time order the versions of registers.
	VersionsByClock bool
}

// Check judges operations whose values are transactions.
func Check(ops []history.Operation, cfg Config) checker.Result {
	r, err := newRecord(ops)
	if err != nil {
		return checker.Result{Verdict: checker.Unknown, Reasons: []string{err.Error()}}
	}
	r.judgeReads()
	if cfg.Data == transaction.Lists {
		r.judgeLists()
	} else {
		r.judgeRegisters(cfg.RealTime && cfg.VersionsByClock)
	}
	r.judgeUpdates()
	if cfg.RealTime {
		r.orderByTime()
	}
	for _, cycle := range r.graph.Cycles() {
		r.found(cycle.Name(), r.explain(cycle))
	}
	return r.result()
}

// finding is one kind of anomaly.
type finding struct {
	times    int
	examples []string
}

// maxExamples is how many findings of one kind are explained.
const maxExamples = 2

// found notes an anomaly.
func (r *record) found(name, what string) {
	f := r.findings[name]
	if f == nil {
		f = &finding{}
		r.findings[name] = f
	}
	f.times++
	if len(f.examples) < maxExamples {
		f.examples = append(f.examples, name+": "+what)
	}
}

func (r *record) result() checker.Result {
	took := 0
	for _, t := range r.txns {
		if t.took {
			took++
		}
	}
	counts := make(map[string]int)
	result := checker.Result{Verdict: checker.Valid, Details: map[string]any{
		"transactions": took, "dependencies": r.graph.Edges(), "anomalies": counts,
	}}
	for _, name := range slices.Sorted(maps.Keys(r.findings)) {
		f := r.findings[name]
		counts[name] = f.times
		result.Verdict = checker.Invalid
		result.Reasons = append(result.Reasons, f.examples...)
		if more := f.times - len(f.examples); more > 0 {
			result.Reasons = append(result.Reasons, fmt.Sprintf("%s: %d more", name, more))
		}
	}
	return result
}

// orderByTime adds what follows from who ended before whom began.
func (r *record) orderByTime() {
	var of []int
	var intervals []dependency.Interval
	for i, t := range r.txns {
		if t.took {
			of = append(of, i)
			intervals = append(intervals, dependency.Interval{Start: t.begin, End: t.end})
		}
	}
	dependency.Before(intervals, func(i, j int) {
		r.graph.Add(dependency.Edge{From: of[i], To: of[j], Kind: dependency.RealTime})
	})
}
