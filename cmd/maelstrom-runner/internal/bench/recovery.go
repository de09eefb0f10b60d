package bench

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/report"
	"github.com/ostraka-db/ostraka/internal/checker"
)

// judgeRecovery asks of every node that it answers with success soon after the last
// fault has ended. It tells false if nothing was asked for: without faults, or without
// a time to recover.
func judgeRecovery(results *report.Results, window, goal time.Duration) (checker.Result, bool) {
	if len(results.Faults) == 0 || window == 0 {
		return checker.Result{}, false
	}
	last, ok := lastRecovery(results)
	if !ok {
		return checker.Result{Verdict: checker.Unknown, Reasons: []string{"the run ended before all faults did"}}, true
	}
	result := checker.Result{Verdict: checker.Valid, Details: map[string]any{"worst_ms": last.WorstMS, "stuck": last.Silent}}
	nodes := slices.AppendSeq(slices.Clone(last.Silent), maps.Keys(last.Nodes))
	slices.Sort(nodes)
	for _, node := range nodes {
		verdict, reason := judgeNode(last, node, float64(goal.Milliseconds()))
		result.Verdict = result.Verdict.And(verdict)
		if reason != "" {
			result.Reasons = append(result.Reasons, reason)
		}
	}
	return result, true
}

// lastRecovery is the recovery after which no fault came.
func lastRecovery(results *report.Results) (report.Recovery, bool) {
	if len(results.Recoveries) == 0 {
		return report.Recovery{}, false
	}
	last := results.Recoveries[len(results.Recoveries)-1]
	return last, last.AtMS >= results.Faults[len(results.Faults)-1].AtMS
}

// judgeNode blames a node only if it had a fair chance: it was asked in the first half
// of the time, and there was enough time.
func judgeNode(last report.Recovery, node string, goal float64) (checker.Verdict, string) {
	took, answered := last.Nodes[node]
	if answered && took <= goal {
		return checker.Valid, ""
	}
	since := fmt.Sprintf("%.0f ms after the last fault", goal)
	if asked, ok := last.Asked[node]; !ok || asked > goal/2 {
		return checker.Unknown, fmt.Sprintf("nobody asked %s for anything in time to tell whether it works %s: use more clients, or a higher --rate", node, since)
	}
	switch {
	case answered:
		return checker.Invalid, fmt.Sprintf("%s did not answer with success until %.0f ms after the last fault, later than %.0f ms", node, took, goal)
	case last.WindowMS < goal:
		return checker.Unknown, fmt.Sprintf("the run ended before it could be told whether %s works %s: use a longer --recovery-time", node, since)
	}
	return checker.Invalid, fmt.Sprintf("%s is stuck: it answered nothing with success in the %.0f ms between the last fault and the end", node, last.WindowMS)
}
