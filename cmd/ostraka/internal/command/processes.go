package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	coordinator "github.com/ostraka-db/ostraka/coordinator/command"
	"github.com/ostraka-db/ostraka/internal/process"
	server "github.com/ostraka-db/ostraka/server/command"
)

// serverCommand is the command of cmd/server.
func serverCommand() *cobra.Command {
	return below(server.New(process.Version()), server.Misused)
}

// coordinatorCommand is the command of cmd/coordinator.
func coordinatorCommand() *cobra.Command {
	return below(coordinator.New(), func(err error) bool { return !coordinator.Failed(err) })
}

// below makes a command that is a program of its own one of this program's, with its
// exit codes.
func below(cmd *cobra.Command, misused func(error) bool) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if err != nil && misused(err) {
			return exit.With(exit.Misused, err)
		}
		return err
	}
	cmd.Version = "" // the root has it
	cmd.Args = arguments.Exactly()
	lines := strings.Split(cmd.Example, "\n")
	for i, line := range lines {
		if own := strings.TrimLeft(line, " "); strings.HasPrefix(own, cmd.Name()+" ") {
			lines[i] = line[:len(line)-len(own)] + "ostraka " + own
		}
	}
	cmd.Example = strings.Join(lines, "\n")
	return cmd
}
