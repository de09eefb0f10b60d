package arguments

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// suggestWithin is how many letters a command may be off and still be suggested.
const suggestWithin = 2

// Group makes a command one that only groups those below it.
func Group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = suggestWithin
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var names []string
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() {
				names = append(names, below.Name())
			}
		}
		slices.Sort(names)
		if len(args) == 0 {
			return exit.Misuse("%s does nothing by itself: add one of %s", cmd.CommandPath(), strings.Join(names, ", "))
		}
		return Unknown(cmd, args[0], names)
	}
	return cmd
}

// Unknown is the error of a command that is not there. The names are those that are.
func Unknown(cmd *cobra.Command, name string, names []string) error {
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return exit.Misuse("there is no command %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	return exit.Misuse("there is no command %q: give one of %s", name, strings.Join(names, ", "))
}

// Exactly wants arguments, which are known by their names in messages.
func Exactly(names ...string) cobra.PositionalArgs {
	return Between(len(names), names...)
}

// Between wants the first few of some arguments, and allows the others.
func Between(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return exit.Misuse("%s is missing: %s", names[len(args)], cmd.UseLine())
		}
		if len(args) > len(names) {
			return exit.Misuse("argument %q is one too many: %s", args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// Require returns an error that names a flag which was not given.
func Require(cmd *cobra.Command, flag, remedy string) error {
	if cmd.Flags().Changed(flag) {
		return nil
	}
	return exit.Misuse("--%s is missing: %s", flag, remedy)
}
