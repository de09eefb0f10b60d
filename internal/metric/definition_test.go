package metric

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProblemsAreNamed(t *testing.T) {
	good := Definitions{
		Counter("ostraka_reads_total", "How many.", "kind"),
		Gauge("ostraka_bytes", "How much."),
		Histogram("ostraka_read_seconds", "How long."),
	}
	if problems := good.Problems(); problems != nil {
		t.Errorf("the good table has problems: %q", problems)
	}
	for _, bad := range []Definition{
		Counter("reads_total", "No prefix."),
		Counter("ostraka_Reads_total", "A capital."),
		Gauge("ostraka_bytes", "Twice."),
		Gauge("ostraka_rows", "No sentence"),
		Counter("ostraka_rows", "A counter without total."),
		Gauge("ostraka_rows_total", "A gauge with it."),
		Histogram("ostraka_rows", "A histogram without a unit."),
	} {
		if problems := append(good[:3:3], bad).Problems(); len(problems) != 1 || !strings.Contains(problems[0], bad.Name) {
			t.Errorf("of %+v it is said: %q", bad, problems)
		}
	}
}

func TestDocumentHoldsTheTable(t *testing.T) {
	at := Document{Path: filepath.Join(t.TempDir(), "metrics.md"), Process: "a test", Command: "go test -rewrite"}
	const frame = "Before.\n<!-- The table of a test: go test -rewrite -->\nold\n<!-- End of the table of a test -->\nAfter.\n"
	definitions := Definitions{Gauge("ostraka_rows", "How many rows.", "of", "in")}
	hold := func(text string, rewrite bool) (error, string) {
		t.Helper()
		if err := os.WriteFile(at.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := at.Hold(definitions, rewrite)
		now, _ := os.ReadFile(at.Path)
		return err, string(now)
	}
	if err, now := hold(frame, false); err == nil || !strings.Contains(err.Error(), at.Command) || now != frame {
		t.Errorf("a stale table: %v\n%s", err, now)
	}
	if err, now := hold("Nothing.\n", true); err == nil || !strings.Contains(err.Error(), "no place") || now != "Nothing.\n" {
		t.Errorf("a file without a place: %v\n%s", err, now)
	}
	want := strings.Replace(frame, "old\n",
		"| Metric | Type | Labels | What it tells |\n|---|---|---|---|\n| `ostraka_rows` | gauge | of, in | How many rows. |\n", 1)
	if err, now := hold(frame, true); err != nil || now != want {
		t.Errorf("rewritten: %v\n%s", err, now)
	}
	if err, _ := hold(want, false); err != nil {
		t.Errorf("a current table: %v", err)
	}
}
