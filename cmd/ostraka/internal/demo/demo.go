package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/data"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/standalone"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/words"
)

const (
	startWithin = time.Minute
	shards      = 3
	cacheBytes  = 32 << 20
)

// scene is what is done, and how it ends.
type scene struct {
	says string
	args []string
	code exit.Code
}

var scenes = []scene{
	{"A record is written, and read back.", []string{"put", "config/limit", "10"}, exit.OK},
	{"", []string{"get", "config/limit"}, exit.OK},
	{"Only over version 0: the first to say so succeeds, the second does not.", []string{"put", "config/limit", "11", "-e", "0"}, exit.OK},
	{"", []string{"put", "config/limit", "12", "-e", "0"}, exit.NotFound},
	{"Several things happen together or not at all.",
		[]string{"txn", "-p", "bank", "if bank/a missing", "put bank/a 7", "put bank/b 3"}, exit.OK},
	{"", []string{"range-scan"}, exit.OK},
}

// Command returns the command.
func Command(version string) *cobra.Command {
	var address string
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a service at work",
		Long: `Runs a service in this process, in memory, writes and reads a few records by the commands
of ostraka client, and goes on serving until it is interrupted.`,
		Example: `  ostraka demo
  ostraka demo --once`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			service, err := start(cmd.Context(), address, version)
			if err != nil {
				return fmt.Errorf("%w (--public-addr chooses another address)", err)
			}
			defer func() { err = errors.Join(err, service.Close()) }()
			if err := play(cmd.Context(), cmd.OutOrStdout(), service.PublicAddress()); err != nil || once {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), `It goes on serving on %s. In another terminal:

  go run ./cmd/ostraka client get config/limit -a %[1]s
  go run ./cmd/ostraka shell -a %[1]s

Interrupt to end.
`, service.PublicAddress())
			select {
			case <-cmd.Context().Done():
				return nil
			case <-service.Done():
				return service.Err()
			}
		},
	}
	cmd.Flags().StringVarP(&address, "public-addr", "p", "localhost:6648", "where clients are served, host:port; port 0: any that is free")
	cmd.Flags().BoolVar(&once, "once", false, "end when everything was shown")
	return cmd
}

func start(ctx context.Context, address, version string) (*standalone.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	return standalone.Start(ctx, standalone.Options{
		PublicAddress: address, InMemory: true, CacheBytes: cacheBytes, Shards: shards,
		KeySorting: api.KeySortingHierarchical, Notifications: true, Version: version, Logger: slog.New(slog.DiscardHandler),
	})
}

// play shows all scenes, and fails if one does not end as it should.
func play(ctx context.Context, out io.Writer, address string) error {
	for _, s := range scenes {
		if s.says != "" {
			fmt.Fprintln(out, s.says)
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, "  $ ostraka client", words.Join(s.args))
		shown := &indented{w: out}
		cmd := data.Command()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetOut(shown)
		cmd.SetErr(shown)
		cmd.SetArgs(append([]string{"-a", address}, s.args...))
		err := cmd.ExecuteContext(ctx)
		if err != nil {
			fmt.Fprintln(shown, "ostraka:", err)
		}
		fmt.Fprintln(out)
		if exit.CodeOf(err) != s.code {
			return fmt.Errorf("%s: %w", words.Join(s.args), err)
		}
	}
	return nil
}

// indented sets every line in by two spaces.
type indented struct {
	w      io.Writer
	inLine bool
}

func (i *indented) Write(p []byte) (int, error) {
	var text []byte
	for _, c := range p {
		if !i.inLine {
			text = append(text, "  "...)
		}
		text = append(text, c)
		i.inLine = c != '\n'
	}
	if _, err := i.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}
