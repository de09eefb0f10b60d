package bench

import (
	"fmt"
	"maps"
	"regexp"
	"sync"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/report"
	"github.com/ostraka-db/ostraka/internal/checker"
)

// expectedLog counts the lines of nodes' logs that say that what a run is for did
// happen: without them a verdict of valid would mean nothing.
type expectedLog struct {
	pattern *regexp.Regexp

	mu    sync.Mutex // guards lines
	lines map[string]int
}

// newExpectedLog returns a count for a pattern; nil expects nothing.
func newExpectedLog(pattern *regexp.Regexp) *expectedLog {
	return &expectedLog{pattern: pattern, lines: make(map[string]int)}
}

func (e *expectedLog) line(node, line string) {
	if e.pattern == nil || !e.pattern.MatchString(line) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines[node]++
}

// judge fills in the count and what it means.
func (e *expectedLog) judge(results *report.Results) {
	if e.pattern == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	results.Expected = &report.Expected{Pattern: e.pattern.String(), Lines: maps.Clone(e.lines)}
	check := checker.Result{Verdict: checker.Valid}
	if len(e.lines) == 0 {
		check = checker.Result{Verdict: checker.Unknown, Reasons: []string{
			fmt.Sprintf("no node printed a line that matches %q, so that what the run is for did not happen", e.pattern),
		}}
	}
	results.Checks["expected log"] = check
}
