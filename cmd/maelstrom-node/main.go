package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/replication/maelstrom"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// failedError is an error of a command line that made sense.
type failedError struct{ err error }

func (e failedError) Error() string { return e.err.Error() }

// run is main without the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f := newFlags()
	cmd := &cobra.Command{
		Use:           "maelstrom-node [flags]",
		Short:         "Run a node of Ostraka under Maelstrom",
		Example:       `  maelstrom test -w lin-kv --bin maelstrom-node --node-count 3 --time-limit 30 --rate 100`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := f.config(stdin, stdout, stderr)
			if err != nil {
				return err
			}
			if err := serve(cmd.Context(), config); err != nil {
				config.Logger.Error("stopped", "error", err)
				return failedError{err}
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	cmd.SetArgs(args)
	cmd.SetOut(stderr)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(failedError)):
		return exitFailed
	}
	fmt.Fprintf(stderr, "maelstrom-node: %v\n", err)
	return exitUsage
}

// serve runs the node, in a directory of its own if it was not given one. That
// one goes when the node ends as it should, and is kept to be looked at if not.
func serve(ctx context.Context, config maelstrom.Config) error {
	if config.DataDir != "" {
		return maelstrom.Run(ctx, config)
	}
	dir, err := os.MkdirTemp("", "maelstrom-node-")
	if err != nil {
		return fmt.Errorf("make a data directory: %w; set --data-dir", err)
	}
	config.DataDir = dir
	if err := maelstrom.Run(ctx, config); err != nil {
		return fmt.Errorf("%w (data directory %s)", err, dir)
	}
	return os.RemoveAll(dir)
}
