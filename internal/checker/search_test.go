package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/internal/history"
)

// plain is the model without any cleverness: an unknown operation takes effect once,
// at any time up to the end.
var plain = porcupine.Model{
	Init: func() any { return Absent },
	Step: func(s, in, _ any) (bool, any) {
		switch c := in.(call); {
		case c.f == Write:
			return true, c.value
		case c.f == Read:
			return s == c.value, s
		case c.f == CAS && s == c.from:
			return true, c.to
		case c.f == CAS:
			return c.unknown, s
		}
		return true, s
	},
}

// Random histories of few values, most of them wrong, must be judged as without the
// closing marker and the restrictions on unknown operations.
func TestTheSearchJudgesAsThePlainModelDoes(t *testing.T) {
	verdicts := map[porcupine.CheckResult]int{}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"1", "2", "3"})
		var h history.History
		open := map[history.Process]history.Event{}
		next := history.Process(0)
		for range rapid.IntRange(2, 24).Draw(t, "events") {
			if len(open) > 0 && rapid.Bool().Draw(t, "completes") {
				for process := range next { // in order, so that a seed means one history
					e, ok := open[process]
					if !ok {
						continue
					}
					delete(open, process)
					e.Type = rapid.SampledFrom([]history.Type{history.OK, history.OK, history.Info, history.Fail}).Draw(t, "outcome")
					if e.F == Read {
						e.Value = Register{Value: value.Draw(t, "seen")}
					}
					h.Add(e)
					break
				}
				continue
			}
			e := history.Event{Process: next, Type: history.Invoke, F: rapid.SampledFrom([]string{Read, Write, CAS}).Draw(t, "f")}
			switch e.F {
			case Read:
				e.Value = Register{}
			case Write:
				e.Value = Register{Value: value.Draw(t, "written")}
			case CAS:
				e.Value = Register{From: value.Draw(t, "from"), To: value.Draw(t, "to")}
			}
			h.Add(e)
			open[next] = e
			next++
		}
		perKey, _ := byKey(history.Operations(h.Events()))
		want := porcupine.CheckOperationsTimeout(plain, perKey[0], 0)
		got := porcupine.CheckOperationsTimeout(model, perKey[0], 0)
		if got != want {
			t.Fatalf("%s, but the plain model says %s: %v", got, want, h.Events())
		}
		verdicts[got]++
	})
	if verdicts[porcupine.Ok] == 0 || verdicts[porcupine.Illegal] == 0 {
		t.Errorf("the histories were one-sided: %v", verdicts)
	}
}

// A key may collect 14 unknown operations. Even a history that is wrong must then be
// judged well within the time limit.
func TestManyUnknownOperationsDoNotStopTheSearch(t *testing.T) {
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var h history.History
		value, unknown, process := Absent, 0, history.Process(0)
		draw := func() string { return fmt.Sprint(rng.IntN(5)) }
		record := func(f string, asked, answered Register, outcome history.Type) {
			h.Add(history.Event{Process: process, Type: history.Invoke, F: f, Value: asked})
			h.Add(history.Event{Process: process, Type: outcome, F: f, Value: answered})
			process++
		}
		for range 600 {
			switch what := rng.IntN(8); {
			case what == 0 && unknown < 14:
				unknown++
				cas := Register{From: draw(), To: draw()}
				record(CAS, cas, cas, history.Info)
			case what < 4:
				record(Read, Register{}, Register{Value: value}, history.OK)
			case what < 6:
				value = draw()
				record(Write, Register{Value: value}, Register{Value: value}, history.OK)
			default:
				cas := Register{From: value, To: draw()}
				value = cas.To
				record(CAS, cas, cas, history.OK)
			}
		}
		record(Read, Register{}, Register{Value: "never written"}, history.OK)
		got := Linearizable(history.Operations(h.Events()), Config{Timeout: time.Minute})
		if got.Verdict != Invalid {
			t.Errorf("seed %d: %+v", seed, got)
		}
	}
}
