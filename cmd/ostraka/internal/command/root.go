package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/admin"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/demo"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/health"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/perf"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/shell"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/standalone"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/status"
	"github.com/ostraka-db/ostraka/internal/process"
)

// Streams are what a process reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run runs a command line, without the program's name, and returns the code that the
// process should end with. What went wrong is on Err.
func Run(ctx context.Context, args []string, streams Streams) exit.Code {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	// Whatever goes wrong before the first hook is in the command line.
	started := false
	stop := func() {}
	defer func() { stop() }()
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		started = true
		if cmd.Name() != "shell" {
			stop = interruptible(cmd)
		}
	}
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exit.OK
	}
	code := exit.CodeOf(err)
	if !started {
		code = exit.Misused
	}
	fmt.Fprintln(streams.Err, "ostraka:", strings.TrimRight(err.Error(), "\n"))
	return code
}

// interruptible has an interrupt end a command's context. A second one ends the process.
// A shell is not for it: there an interrupt is for the line that runs.
func interruptible(cmd *cobra.Command) (stop func()) {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	cmd.SetContext(ctx)
	return stop
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ostraka",
		Short: "A sharded, replicated, linearizable metadata store",
		Long: `Ostraka keeps records that many processes rely on: conditional writes, sessions, ordered
watches, spread over as many machines as they need. This is the one tool for it: it runs
a service, talks to one, looks after one and measures one.

Exit codes: 0 it worked; 1 it failed; 2 the command line makes no sense; 3 there is no
such record, or a condition does not hold; 4 it is not known whether a write was applied.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	arguments.Group(root)
	explain := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return explain(cmd, args)
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(arguments.ExplainFlag)
	root.AddGroup(
		&cobra.Group{ID: groupService, Title: "Run a service:"},
		&cobra.Group{ID: groupUse, Title: "Use one:"},
		&cobra.Group{ID: groupOperate, Title: "Look after one:"},
	)
	add(root, groupService, standalone.Command(version()), serverCommand(), coordinatorCommand(), demo.Command(version()))
	add(root, groupUse, data.Command(), shell.Command())
	add(root, groupOperate, admin.Command(), status.Command(), health.Command(), perf.Command(version()))
	root.SetHelpCommandGroupID(groupOperate)
	root.SetCompletionCommandGroupID(groupOperate)
	return root
}

// The groups of commands in the help text.
const (
	groupService = "service"
	groupUse     = "use"
	groupOperate = "operate"
)

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
}

// version returns what the program is, and what it was built from and with.
func version() string { return "ostraka " + process.Version() + " " + runtime.Version() }
