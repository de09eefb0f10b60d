package shell

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// complete completes the word before the cursor as far as there is one way to go on: a
// command, or a flag of the command that the line begins with.
func (s *shell) complete(line string, pos int) (string, int) {
	before, after := line[:pos], line[pos:]
	start := strings.LastIndexByte(before, ' ') + 1
	word := before[start:]
	longer := common(matching(s.candidates(strings.Fields(before[:start]), word), word))
	if len(longer) <= len(word) {
		return line, pos
	}
	return before[:start] + longer + after, start + len(longer)
}

// candidates are what may stand after some words.
func (s *shell) candidates(fields []string, word string) []string {
	cmd := s.commands()
	if len(fields) > 0 && fields[0] == "help" {
		fields = fields[1:]
	}
	depth := 0
	for _, field := range fields {
		below := find(cmd, field)
		if below == nil {
			break
		}
		cmd = below
		depth++
	}
	var all []string
	if strings.HasPrefix(word, "-") {
		add := func(flag *pflag.Flag) {
			if !flag.Hidden {
				all = append(all, "--"+flag.Name+" ")
			}
		}
		cmd.LocalFlags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		return all
	}
	if depth < len(fields) {
		return nil
	}
	for _, below := range cmd.Commands() {
		all = append(all, below.Name()+" ")
	}
	if depth == 0 {
		all = append(all, "exit", "help ")
	}
	return all
}

func find(cmd *cobra.Command, name string) *cobra.Command {
	for _, below := range cmd.Commands() {
		if below.Name() == name || slices.Contains(below.Aliases, name) {
			return below
		}
	}
	return nil
}

func matching(all []string, word string) []string {
	return slices.DeleteFunc(all, func(candidate string) bool { return !strings.HasPrefix(candidate, word) })
}

// common returns what all texts begin with.
func common(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	prefix := texts[0]
	for _, text := range texts[1:] {
		for !strings.HasPrefix(text, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
