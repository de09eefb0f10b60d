package replicationtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"
)

// register is the model of one register, for a search that knows nothing of
// zones.
var register = porcupine.Model{
	Init: func() any { return absent },
	Step: func(state, input, output any) (bool, any) {
		a := input.(access)
		if a.write {
			return true, a.value
		}
		return state == output, state
	},
}

// TestZonesAgreeWithSearch: on small histories, zones and Porcupine's search
// give the same verdict.
func TestZonesAgreeWithSearch(t *testing.T) {
	verdicts := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t)
		var operations []porcupine.Operation
		for _, a := range history {
			op := porcupine.Operation{ClientId: a.client, Input: a, Call: a.called, Return: a.done}
			if !a.write {
				op.Output = a.value
			}
			operations = append(operations, op)
		}
		want := porcupine.CheckOperationsTimeout(register, operations, time.Minute)
		err := linearizable(history)
		verdicts[err == nil]++
		if (want == porcupine.Ok) != (err == nil) {
			t.Fatalf("search says %v, zones say %v:\n%+v", want, err, history)
		}
	})
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("the histories drawn show only one verdict: %v", verdicts)
	}
}

// drawHistory draws a history of one register in which no two events share an
// instant.
func drawHistory(t *rapid.T) []access {
	n := rapid.IntRange(1, 8).Draw(t, "operations")
	instants := rapid.Permutation(sequence(2*n)).Draw(t, "instants")
	values := []string{absent}
	var history []access
	for i := range n {
		a := access{
			client: i, key: "k",
			called: min(instants[2*i], instants[2*i+1]), done: max(instants[2*i], instants[2*i+1]),
		}
		if a.write = rapid.Bool().Draw(t, "write"); a.write {
			a.value = fmt.Sprint(i)
			values = append(values, a.value)
			if rapid.IntRange(0, 4).Draw(t, "unknown") == 0 {
				a.done = endOfTime
			}
		}
		history = append(history, a)
	}
	for i := range history {
		if !history[i].write {
			history[i].value = rapid.SampledFrom(values).Draw(t, "value")
		}
	}
	return history
}

func sequence(n int) []int64 {
	s := make([]int64, n)
	for i := range s {
		s[i] = int64(i)
	}
	return s
}
