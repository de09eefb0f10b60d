package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/bench"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/options"
	"github.com/ostraka-db/ostraka/internal/checker"
)

// The exit codes. The last two are Jepsen's.
const (
	exitValid   = 0
	exitInvalid = 1
	exitUnknown = 2
	exitUsage   = 254
	exitFailed  = 255
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	code := exitUsage
	cmd := &cobra.Command{
		Use:   "maelstrom-runner --bin PROGRAM [flags] [-- arguments of the node]",
		Short: "Test Maelstrom nodes without a JVM",
		Example: `  maelstrom-runner -w lin-kv --bin ./maelstrom-node --node-count 3 --concurrency 4n --rate 100 \
    --latency 10 --latency-dist exponential --nemesis partition --nemesis-interval 5 --time-limit 60

  maelstrom-runner -w txn-list-append --bin ./maelstrom-node --node-count 5 --concurrency 4n --rate 100 --latency 5 \
    --nemesis partition,kill,pause,loss,duplicate,slow --nemesis-interval 2 --time-limit 20 --recovery-time 5 \
    --seeds 1..50 --shrink -- --data-dir data`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetOut(stdout)
	cmd.SetArgs(args)
	flags := options.Define(cmd.Flags())
	cmd.Flags().SortFlags = false
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if at := cmd.ArgsLenAtDash(); at > 0 || at < 0 && len(args) > 0 {
			return fmt.Errorf("argument %q: put the arguments of the node after --", args[0])
		}
		opts, err := flags.Options(args)
		if err != nil {
			return err
		}
		code = exitFailed
		verdict, err := bench.Execute(cmd.Context(), opts, stdout)
		if err != nil {
			return err
		}
		code = exitCode(verdict)
		return nil
	}
	err := cmd.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "maelstrom-runner:", err)
		return code
	}
	if cmd.Flags().Changed("help") {
		return exitValid
	}
	return code
}

func exitCode(v checker.Verdict) int {
	switch v {
	case checker.Valid:
		return exitValid
	case checker.Invalid:
		return exitInvalid
	}
	return exitUnknown
}
