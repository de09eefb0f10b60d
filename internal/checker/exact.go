package checker

import (
	"fmt"

	"github.com/ostraka-db/ostraka/internal/history"
)

// Echoes checks that every answered echo returned what was sent. Values are canonical
// JSON strings.
func Echoes(ops []history.Operation) Result {
	result := Result{Verdict: Valid}
	wrong := 0
	for _, op := range ops {
		if op.Outcome() != history.OK || op.Complete.Value == op.Invoke.Value {
			continue
		}
		wrong++
		result.add(Invalid, fmt.Sprintf("%s was sent %v and returned %v", op.Invoke.Node, op.Invoke.Value, op.Complete.Value))
	}
	result.Details = map[string]any{"wrong": wrong}
	return result
}

// UniqueIDs checks that no id was given out twice. Values are canonical JSON strings.
func UniqueIDs(ops []history.Operation) Result {
	result := Result{Verdict: Valid}
	first := make(map[any]*history.Event)
	duplicates := 0
	for _, op := range ops {
		if op.Outcome() != history.OK {
			continue
		}
		before, taken := first[op.Complete.Value]
		if !taken {
			first[op.Complete.Value] = op.Complete
			continue
		}
		duplicates++
		result.add(Invalid, fmt.Sprintf("id %v was given out by %s (event %d) and by %s (event %d)",
			op.Complete.Value, before.Node, before.Index, op.Complete.Node, op.Complete.Index))
	}
	result.Details = map[string]any{"distinct": len(first), "duplicates": duplicates}
	return result
}
