package command

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const referencePath = "../../../../docs/cli.md"

// TestReferenceIsCurrent holds docs/cli.md against the help texts, of which it is made:
// go test ./cmd/ostraka/internal/command -rewrite.
func TestReferenceIsCurrent(t *testing.T) {
	want := reference()
	if flag.Lookup("rewrite").Value.String() == "true" {
		if err := os.WriteFile(referencePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referencePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/cli.md is not what the help texts say: go test ./cmd/ostraka/internal/command -rewrite, and commit it")
	}
}

// reference is all help texts as a page.
func reference() string {
	var page strings.Builder
	page.WriteString(`# The command line

What ` + "`ostraka COMMAND --help`" + ` says, of every command. A test makes this page, and keeps it current.

Exit codes: 0 it worked; 1 it failed; 2 the command line makes no sense; 3 there is no such record, or a condition
does not hold; 4 it is not known whether a write was applied.
`)
	each(newRoot(), func(cmd *cobra.Command) {
		if !cmd.Runnable() || cmd.HasAvailableSubCommands() && cmd.Parent() == nil {
			return
		}
		fmt.Fprintf(&page, "\n## %s\n\n", cmd.CommandPath())
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		fmt.Fprintf(&page, "```text\n%s\n```\n\n", strings.TrimSpace(text))
		fmt.Fprintf(&page, "```text\n%s```\n", usage(cmd))
	})
	return page.String()
}

// userDirectory is what defaults of flags have in them that differs between users.
var userDirectory = regexp.MustCompile(`\(default "[^"]*/ostraka/history"\)`)

func usage(cmd *cobra.Command) string {
	text := strings.TrimRight(cmd.UsageString(), "\n") + "\n"
	text = userDirectory.ReplaceAllString(text, "(default: in the user's configuration directory)")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// each calls do with every command that users see, but cobra's own.
func each(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			each(below, do)
		}
	}
}

// Every command says what it does, and shows how, in texts that fit a terminal.
func TestHelpTeaches(t *testing.T) {
	each(newRoot(), func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s: no word on what it does", cmd.CommandPath())
		}
		if cmd.Runnable() && !cmd.HasAvailableSubCommands() && cmd.Example == "" {
			t.Errorf("%s: no example", cmd.CommandPath())
		}
		for _, line := range strings.Split(cmd.Long+"\n"+cmd.Example, "\n") {
			if len([]rune(line)) > 100 {
				t.Errorf("%s: %q does not fit a terminal", cmd.CommandPath(), line)
			}
		}
	})
}

// The examples are command lines that can be given.
func TestExamplesAreCommands(t *testing.T) {
	each(newRoot(), func(cmd *cobra.Command) {
		for _, line := range strings.Split(cmd.Example, "\n") {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, "ostraka ") {
				continue
			}
			if !strings.HasPrefix(line, cmd.CommandPath()) {
				if below, _, err := cmd.Root().Find(strings.Fields(line)[1:]); err != nil || below == cmd.Root() {
					t.Errorf("%s: %q is no command", cmd.CommandPath(), line)
				}
			}
		}
	})
}
