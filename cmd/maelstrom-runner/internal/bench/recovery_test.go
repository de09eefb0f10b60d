package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/report"
	"github.com/ostraka-db/ostraka/internal/checker"
)

func TestRecoveryIsJudgedWhereThereWasAChance(t *testing.T) {
	at0 := map[string]float64{"n0": 0}
	for _, c := range []struct {
		name string
		last report.Recovery
		want checker.Verdict
		says string
	}{
		{"in time", report.Recovery{Nodes: map[string]float64{"n0": 1999}, Asked: at0, WindowMS: 5000}, checker.Valid, ""},
		{"late", report.Recovery{Nodes: map[string]float64{"n0": 2500}, Asked: at0, WindowMS: 5000}, checker.Invalid, "not answer with success until 2500 ms"},
		{"never", report.Recovery{Silent: []string{"n0"}, Asked: at0, WindowMS: 5000}, checker.Invalid, "n0 is stuck"},
		{"late, but asked late", report.Recovery{Nodes: map[string]float64{"n0": 2500}, Asked: map[string]float64{"n0": 1500}, WindowMS: 5000}, checker.Unknown, "nobody asked n0"},
		{"never asked", report.Recovery{Silent: []string{"n0"}, WindowMS: 5000}, checker.Unknown, "nobody asked n0"},
		{"too early to tell", report.Recovery{Silent: []string{"n0"}, Asked: at0, WindowMS: 1500}, checker.Unknown, "longer --recovery-time"},
		{"one of two", report.Recovery{Nodes: map[string]float64{"n1": 10}, Silent: []string{"n0"}, Asked: at0, WindowMS: 5000}, checker.Invalid, "n0 is stuck"},
	} {
		got, asked := judgeRecovery(&report.Results{
			Faults: []report.Fault{{AtMS: 10}}, Recoveries: []report.Recovery{{AtMS: 5}, withTime(c.last, 20)},
		}, time.Second, 2*time.Second)
		if !asked || got.Verdict != c.want || !strings.Contains(strings.Join(got.Reasons, "\n"), c.says) {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func withTime(r report.Recovery, at float64) report.Recovery {
	r.AtMS = at
	return r
}

func TestRecoveryIsNotJudgedWithoutFaultsOrTime(t *testing.T) {
	faults := []report.Fault{{AtMS: 10}}
	if _, asked := judgeRecovery(&report.Results{}, time.Second, time.Second); asked {
		t.Error("there were no faults")
	}
	if _, asked := judgeRecovery(&report.Results{Faults: faults}, 0, time.Second); asked {
		t.Error("there was no time to recover")
	}
	for _, recoveries := range [][]report.Recovery{nil, {{AtMS: 5}}} {
		got, _ := judgeRecovery(&report.Results{Faults: faults, Recoveries: recoveries}, time.Second, time.Second)
		if got.Verdict != checker.Unknown {
			t.Errorf("the last fault never ended: %+v", got)
		}
	}
}

func TestTheFewestFaultsAreFoundByBisection(t *testing.T) {
	for total := range 20 {
		for least := range total + 1 {
			runs := 0
			got, err := fewest(total, func(k int) (bool, error) {
				runs++
				if k >= total {
					t.Errorf("%d of %d faults were run again", k, total)
				}
				return k >= least, nil
			})
			if err != nil || got != least || runs > 6 {
				t.Errorf("%d of %d: got %d after %d runs, %v", least, total, got, runs, err)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := fewest(5, func(int) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
