package checker_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// parse reads a history of registers, one event per line: process, type, function and
// [key, value]. A value of null is a read's question, or an absent value.
func parse(t testing.TB, text string) []history.Operation {
	t.Helper()
	var h history.History
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var e history.Event
		var kind, value string
		if _, err := fmt.Sscan(strings.ReplaceAll(line, ", ", ","), &e.Process, &kind, &e.F, &value); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		var reg checker.Register
		if err := json.Unmarshal([]byte(value), &reg); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		e.Type, e.Value = history.Type(kind), reg
		h.Add(e)
	}
	return history.Operations(h.Events())
}

func TestLinearizable(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       checker.Verdict
	}{
		{"a read sees the write before it", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, 1]`, checker.Valid},
		{"a stale read", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			0 invoke write [0, 2]
			0 ok write [0, 2]
			1 invoke read [0, null]
			1 ok read [0, 1]`, checker.Invalid},
		{"a lost write", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, null]`, checker.Invalid},
		{"a concurrent write is seen or not", `
			0 invoke write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, null]
			1 invoke read [0, null]
			1 ok read [0, 1]
			0 ok write [0, 1]`, checker.Valid},
		{"a concurrent write is not unseen again", `
			0 invoke write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, 1]
			1 invoke read [0, null]
			1 ok read [0, null]
			0 ok write [0, 1]`, checker.Invalid},
		{"a cas that could not match", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			0 invoke cas [0, [2,3]]
			0 ok cas [0, [2,3]]`, checker.Invalid},
		{"of two cas from the same value one fails", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			0 invoke cas [0, [1,2]]
			1 invoke cas [0, [1,3]]
			0 ok cas [0, [1,2]]
			1 ok cas [0, [1,3]]`, checker.Invalid},
		{"a failed write is never seen", `
			0 invoke write [0, 1]
			0 fail write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, 1]`, checker.Invalid},
		{"an unknown write may happen", `
			0 invoke write [0, 1]
			0 info write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, 1]`, checker.Valid},
		{"an unknown write may never happen", `
			0 invoke write [0, 1]
			0 info write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, null]`, checker.Valid},
		{"an unknown write may happen much later", `
			0 invoke write [0, 1]
			0 info write [0, 1]
			1 invoke write [0, 2]
			1 ok write [0, 2]
			1 invoke read [0, null]
			1 ok read [0, 2]
			1 invoke read [0, null]
			1 ok read [0, 1]`, checker.Valid},
		{"an unknown write happens once", `
			0 invoke write [0, 1]
			0 info write [0, 1]
			1 invoke write [0, 2]
			1 ok write [0, 2]
			1 invoke read [0, null]
			1 ok read [0, 1]
			1 invoke write [0, 3]
			1 ok write [0, 3]
			1 invoke read [0, null]
			1 ok read [0, 1]`, checker.Invalid},
		{"an operation without completion is unknown", `
			0 invoke cas [0, [1,2]]
			1 invoke write [0, 1]
			1 ok write [0, 1]
			1 invoke read [0, null]
			1 ok read [0, 2]`, checker.Valid},
		{"unknown cas chains", `
			0 invoke cas [0, [2,3]]
			0 info cas [0, [2,3]]
			1 invoke cas [0, [1,2]]
			1 info cas [0, [1,2]]
			2 invoke write [0, 1]
			2 ok write [0, 1]
			2 invoke read [0, null]
			2 ok read [0, 3]`, checker.Valid},
		{"keys are judged alone", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			0 invoke read [1, null]
			0 ok read [1, null]`, checker.Valid},
		{"one bad key spoils the rest", `
			0 invoke write [0, 1]
			0 ok write [0, 1]
			0 invoke write [1, 1]
			0 ok write [1, 1]
			0 invoke read [1, null]
			0 ok read [1, 4]`, checker.Invalid},
	} {
		if got := checker.Linearizable(parse(t, c.text), checker.Config{}); got.Verdict != c.want {
			t.Errorf("%s: %s (%v), want %s", c.name, got.Verdict, got.Reasons, c.want)
		}
	}
}

func TestASearchThatTakesTooLongIsUnknown(t *testing.T) {
	got := checker.Linearizable(parse(t, "0 invoke write [0, 1]\n0 ok write [0, 1]"), checker.Config{Timeout: time.Nanosecond})
	if got.Verdict != checker.Unknown || len(got.Reasons) == 0 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsWrongIsDrawn(t *testing.T) {
	dir := t.TempDir()
	got := checker.Linearizable(parse(t, "0 invoke read [7, null]\n0 ok read [7, 1]"), checker.Config{Dir: dir})
	page, err := os.ReadFile(filepath.Join(dir, "linearizability-key-7.html"))
	if got.Verdict != checker.Invalid || err != nil || !strings.Contains(string(page), "read 1") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A register that works, driven at random: operations take effect at their invocation,
// at their completion, or, if their outcome is unknown, never or any time later.
func TestTheHistoryOfARealRegisterIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history.History
		value := checker.Absent
		var late []checker.Register // unknown writes that may still happen
		for process := range rapid.IntRange(1, 60).Draw(t, "operations") {
			if len(late) > 0 && rapid.IntRange(0, 3).Draw(t, "happens") == 0 {
				value, late = late[0].Value, late[1:]
			}
			reg := checker.Register{Value: fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "value"))}
			e := history.Event{Process: history.Process(process), Type: history.Invoke, F: checker.Write, Value: reg}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				h.Add(e)
				e.Type = history.Info
				if len(late) < 6 {
					late = append(late, reg)
				}
			case 1, 2:
				h.Add(e)
				e.Type, value = history.OK, reg.Value
			default:
				e.F, e.Value = checker.Read, checker.Register{}
				h.Add(e)
				e.Type, e.Value = history.OK, checker.Register{Value: value}
			}
			h.Add(e)
		}
		if got := checker.Linearizable(history.Operations(h.Events()), checker.Config{}); got.Verdict != checker.Valid {
			t.Fatalf("got %+v", got)
		}
	})
}

func pairs(values ...[2]any) []history.Operation {
	var h history.History
	for i, v := range values {
		e := history.Event{Process: history.Process(i), Type: history.Invoke, F: "f", Value: v[0]}
		h.Add(e)
		if e.Type, e.Value = history.OK, v[1]; v[1] == nil {
			e.Type = history.Info
		}
		h.Add(e)
	}
	return history.Operations(h.Events())
}

func TestEchoes(t *testing.T) {
	for want, ops := range map[checker.Verdict][]history.Operation{
		checker.Valid:   pairs([2]any{`"a"`, `"a"`}, [2]any{`"b"`, nil}),
		checker.Invalid: pairs([2]any{`"a"`, `"a"`}, [2]any{`"b"`, `"a"`}),
	} {
		if got := checker.Echoes(ops); got.Verdict != want {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

func TestUniqueIDs(t *testing.T) {
	for want, ops := range map[checker.Verdict][]history.Operation{
		checker.Valid:   pairs([2]any{nil, `1`}, [2]any{nil, `"1"`}, [2]any{nil, nil}, [2]any{nil, nil}),
		checker.Invalid: pairs([2]any{nil, `1`}, [2]any{nil, `2`}, [2]any{nil, `1`}),
	} {
		if got := checker.UniqueIDs(ops); got.Verdict != want {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

func TestVerdictsCombine(t *testing.T) {
	for _, c := range []struct{ a, b, want checker.Verdict }{
		{checker.Valid, checker.Valid, checker.Valid},
		{checker.Valid, checker.Unknown, checker.Unknown},
		{checker.Unknown, checker.Invalid, checker.Invalid},
		{checker.Valid, checker.Invalid, checker.Invalid},
	} {
		if c.a.And(c.b) != c.want || c.b.And(c.a) != c.want {
			t.Errorf("%s and %s is not %s", c.a, c.b, c.want)
		}
	}
}
