package anomaly_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// longHistory is what n transactions of a perfect store look like, twelve of them at a
// time, on ten keys that change with time. One in fifty is never heard of again.
func longHistory(data transaction.Data, n int) []history.Operation {
	const atATime, keys, perKey = 12, 10, 320
	rng := rand.New(rand.NewPCG(1, 2))
	var h history.History
	store := state{}
	open := make([]*transaction.Txn, atATime)
	process := make([]history.Process, atATime)
	for i := 0; i < n; {
		at := rng.IntN(atATime)
		if done := open[at]; done != nil {
			kind := history.OK
			if rng.IntN(50) == 0 {
				kind = history.Info
			}
			h.Add(history.Event{Process: process[at], Type: kind, Value: *done})
			open[at] = nil
			continue
		}
		asked := transaction.Txn{Data: data}
		for s := range 1 + rng.IntN(4) {
			step := transaction.Step{F: transaction.Read, Key: i/perKey*keys + rng.IntN(keys)}
			if rng.IntN(2) == 0 {
				step.F, step.Value = data.Write(), 4*i+s
			}
			asked.Steps = append(asked.Steps, step)
		}
		done := store.apply(asked)
		open[at], process[at] = &done, history.Process(i)
		h.Add(history.Event{Process: process[at], Type: history.Invoke, Value: asked})
		i++
	}
	return history.Operations(h.Events())
}

func TestLongHistoriesAreJudged(t *testing.T) {
	for _, data := range kinds {
		if got := anomaly.Check(longHistory(data, 5000), strict(data)); got.Verdict != checker.Valid {
			t.Errorf("%s: %v", data, got.Reasons)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, data := range kinds {
		ops := longHistory(data, 100_000)
		b.Run(string(data), func(b *testing.B) {
			for b.Loop() {
				if got := anomaly.Check(ops, strict(data)); got.Verdict != checker.Valid {
					b.Fatal(got.Reasons)
				}
			}
		})
	}
}

// A store whose reads are now and then of the past ties the whole history together: the
// search for short cycles in it must end all the same.
func TestALongHistoryThatIsWrongAllOverIsJudged(t *testing.T) {
	for _, data := range kinds {
		ops := longHistory(data, 5000)
		older := make(map[int][]int)
		for i, op := range ops {
			if op.Outcome() != history.OK {
				continue
			}
			for j, s := range op.Complete.Value.(transaction.Txn).Steps {
				if s.F != transaction.Read {
					continue
				}
				if old, ok := older[s.Key]; ok && i%20 == 0 {
					op.Complete.Value.(transaction.Txn).Steps[j].Found = old
				} else if !ok || i%7 == 0 {
					older[s.Key] = s.Found
				}
			}
		}
		if got := anomaly.Check(ops, strict(data)); got.Verdict != checker.Invalid {
			t.Errorf("%s: %v", data, got.Verdict)
		}
	}
}
