package shell

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/admin"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
)

// Command returns the command.
func Command() *cobra.Command {
	s := &shell{connection: data.NewConnection(true), target: admin.NewTarget()}
	var prompt, history string
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Use and look after a service line by line",
		Long: `Runs the commands of ostraka client and ostraka admin line by line, over one connection.
Lines are split as in a Unix shell, without its variables and patterns.

On a terminal the arrow keys bring earlier lines back, and the tab key completes. Ctrl-C
ends the command that runs; exit or Ctrl-D ends the shell. Where input is no terminal
the first line that fails ends the shell, with that line's exit code.`,
		Example: `  ostraka shell
  > put config/limit 10
  > get config/limit -v
  > admin namespace get
  ostraka shell --service-address db-1:6648 < setup.txt`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			lines, finish, err := open(cmd, prompt, history, s)
			if err != nil {
				return err
			}
			defer finish()
			return s.run(cmd, lines)
		},
	}
	set := cmd.Flags()
	s.connection.Define(set)
	s.connection.DefineOutput(set)
	s.target.DefineAs(set)
	set.StringVar(&prompt, "prompt", "> ", "what to ask with, on a terminal")
	set.StringVar(&history, "history-file", defaultHistory(), "where lines are kept for later runs; empty: nowhere")
	return cmd
}

// defaultHistory returns where history is kept, or nothing where the system has no
// place for it.
func defaultHistory() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "ostraka", "history")
}

// open returns where lines come from, and what to do when there are no more.
func open(cmd *cobra.Command, prompt, history string, s *shell) (source, func(), error) {
	in, inIsFile := cmd.InOrStdin().(*os.File)
	out, outIsFile := cmd.OutOrStdout().(*os.File)
	if !inIsFile || !outIsFile || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return newScript(cmd.InOrStdin()), func() {}, nil
	}
	past, err := openHistory(history)
	if err != nil {
		return nil, nil, err
	}
	return newTerminal(in, out, prompt, past, s.complete), func() { past.close() }, nil
}

// source is where lines come from. It returns io.EOF after the last.
type source interface {
	next() (string, error)
	// script reports whether nobody is there to mend a line that failed.
	script() bool
}
