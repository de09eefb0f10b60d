package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/internal/filewatch"
	"github.com/ostraka-db/ostraka/internal/process"
	"github.com/ostraka-db/ostraka/server"
	"github.com/ostraka-db/ostraka/wal"
)

// misuse is an error of a command line, or of the file that it names.
type misuse struct{ error }

// Misused reports whether an error of the command says that its command line or file is
// wrong, and not that it could not do its work.
func Misused(err error) bool { return errors.As(err, new(misuse)) }

// New returns the command. Version is the program's.
func New(version string) *cobra.Command {
	s := defaults()
	var file string
	table := s.table()
	c := &cobra.Command{
		Use:   "server",
		Short: "Run a data server",
		Long: `Run a data server: it keeps replicas of shards, and serves clients where it leads.

It needs a coordinator, which tells it of the cluster; until one has, clients are told to wait.
On SIGTERM or SIGINT it hands its leaderships over before it ends; a second signal ends it at once.`,
		Example: `  server --name s1 --data-dir /var/lib/ostraka
  server --sconfig /etc/ostraka/dataserver.yaml -l debug`,
		Args:         cobra.NoArgs,
		Version:      version,
		SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.take(c.Flags(), file, table); err != nil {
				return misuse{err}
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			logger, level, err := process.NewLogger(c.ErrOrStderr(), s.logLevel, s.logJSON)
			if err != nil {
				return misuse{err}
			}
			if file != "" {
				following, err := s.followLevel(c.Flags(), file, level, logger)
				if err != nil {
					return fmt.Errorf("follow the settings: %w", err)
				}
				defer following.Close()
			}
			return s.run(ctx, stop, version, logger)
		},
	}
	c.Flags().StringVar(&file, "sconfig", "", "file of settings, in YAML; flags win over it")
	for i := range table {
		if t := &table[i]; t.flag != "" {
			flag := c.Flags().VarPF(&value{text: t.shown, isBool: t.isBool}, t.flag, t.short, t.usage)
			if t.isBool {
				flag.NoOptDefVal = "true"
			}
		}
	}
	return c
}

// value is a flag's, as it was given. What it means is looked at when the file has been
// read, so that everything that is wrong is said at once.
type value struct {
	text   string
	isBool bool
}

// Set implements pflag.Value.
func (v *value) Set(text string) error {
	v.text = text
	return nil
}

// String implements pflag.Value.
func (v *value) String() string { return v.text }

// Type implements pflag.Value.
func (v *value) Type() string {
	if v.isBool {
		return "bool"
	}
	return "string"
}

// take takes the settings of the file, and then the flags that were given.
func (s *settings) take(flags *pflag.FlagSet, file string, table []setting) error {
	var errs []error
	if file != "" {
		errs = append(errs, readFile(file, table))
	}
	for _, t := range table {
		if flag := flags.Lookup(t.flag); t.flag != "" && flag.Changed {
			if err := t.set(flag.Value.String()); err != nil {
				errs = append(errs, fmt.Errorf("--%s %w", t.flag, err))
			}
		}
	}
	return errors.Join(errs...)
}

// followLevel keeps the log's level at what the file says, where no flag says it.
func (s *settings) followLevel(flags *pflag.FlagSet, file string, level *slog.LevelVar, logger *slog.Logger) (*filewatch.Watch, error) {
	return process.FollowLevel(process.LevelFile{
		Path: file, Level: level, Logger: logger,
		Read: func() (string, bool, error) {
			now := defaults()
			if err := now.take(flags, file, now.table()); err != nil {
				return "", false, err
			}
			said := now.logLevel
			now.logLevel = s.logLevel
			return said, *now != *s, nil
		},
	})
}

// run runs a server until the context ends, and then drains it. Once says that a further
// signal is to end the process.
func (s *settings) run(ctx context.Context, once func(), version string, logger *slog.Logger) error {
	o := s.storageOptions()
	o.FS = vfs.Default
	running, err := server.Start(server.Config{
		Name: s.name, PublicAddress: s.public, InternalAddress: s.internal, Storage: o,
		Retention:             wal.Limits{Bytes: int64(s.logRetentionMB) << 20, Age: s.logRetention},
		NotificationRetention: s.notificationsRetention,
		AnyAuthority:          !s.checkAuthority, Version: version, Logger: logger,
	})
	if err != nil {
		return err
	}
	err = s.watch(ctx, running, logger)
	if ctx.Err() != nil {
		once()
		drain, cancel := context.WithTimeout(context.Background(), s.drainFor)
		if err := running.Drain(drain); err != nil {
			logger.Warn("the server stops before it was drained", "error", err)
		}
		cancel()
	}
	return errors.Join(err, running.Close())
}

// watch serves metrics and probes until the context or the server ends.
func (s *settings) watch(ctx context.Context, running *server.Server, logger *slog.Logger) error {
	if s.metricsEnabled {
		endpoint, err := process.ServeHTTP(process.HTTPOptions{
			Address: s.metrics, Metrics: running.Metrics(), Profile: s.profile, Logger: logger,
			Live:  func() []string { return reasons(running.Err()) },
			Ready: func() []string { return reasons(running.Ready()) },
		})
		if err != nil {
			return err
		}
		defer endpoint.Close()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-running.Done():
		return running.Err()
	}
}

func reasons(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}

// Main runs the command, and returns what the process is to exit with.
func Main(version string) int {
	if err := New(version).ExecuteContext(context.Background()); err != nil {
		// The command has said it.
		return 1
	}
	return 0
}
