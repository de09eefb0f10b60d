package shell

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/term"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/admin"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newShell() *shell {
	return &shell{connection: data.NewConnection(true), target: admin.NewTarget()}
}

// The cursor is at the bar.
func TestTheTabKey(t *testing.T) {
	for line, want := range map[string]string{
		"|":                          "|",
		"pu|":                        "put |",
		"p|":                         "put |",
		"delete|":                    "delete|", // delete-range too
		"delete-|":                   "delete-range |",
		"xyz|":                       "xyz|",
		"admin n|":                   "admin namespace |",
		"admin ns cr|":               "admin ns create |",
		"admin namespace create a|":  "admin namespace create a|",
		"put --exp|":                 "put --expected-version |",
		"put key --exp|":             "put key --expected-version |",
		"put key --exp| value":       "put key --expected-version | value",
		"put --e|":                   "put --e|", // encoding, exactly-once, expected-version
		"admin shard split --shar|":  "admin shard split --shard |",
		"help rang|":                 "help range-scan |",
		"ex|":                        "exit|",
		"range-scan --include-v| -s": "range-scan --include-version | -s",
		"get --ou|":                  "get --output |",
	} {
		at := strings.IndexByte(line, '|')
		got, pos := newShell().complete(line[:at]+line[at+1:], at)
		if got = got[:pos] + "|" + got[pos:]; got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}

func TestHistoryOutlivesTheShell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "below", "history")
	first, err := openHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"get a", "", "get a", "  ", "put a b ", strings.Repeat("x", maxHistoryLine+1)} {
		first.Add(line)
	}
	first.close()
	second, err := openHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.close()
	if second.Len() != 2 || second.At(0) != "put a b" || second.At(1) != "get a" {
		t.Errorf("%q", second.lines)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read what was typed", info.Mode(), err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h, err := openHistory("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxHistory {
		h.Add(fmt.Sprint("get ", i))
	}
	if h.Len() != maxHistory || h.At(0) != fmt.Sprint("get ", 2*maxHistory-1) {
		t.Errorf("%d lines, the last %q", h.Len(), h.At(0))
	}
}

func TestAHistoryThatCannotBeKeptNamesItsFlag(t *testing.T) {
	_, err := openHistory(filepath.Join("/dev/null", "history"))
	if err == nil || !strings.Contains(err.Error(), "--history-file") {
		t.Error(err)
	}
}

// An interrupt empties the line that is being typed, and the shell goes on.
func TestAnInterruptEmptiesTheLine(t *testing.T) {
	typed := "put a\x03get b\rexit\r"
	var screen bytes.Buffer
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&keys{in: strings.NewReader(typed)}, &screen}, "> ")
	for _, want := range []string{"", "get b", "exit"} {
		if got, err := editor.ReadLine(); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if _, err := editor.ReadLine(); err != io.EOF {
		t.Errorf("%v, want the end", err)
	}
}
