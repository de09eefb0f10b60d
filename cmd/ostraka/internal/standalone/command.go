package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/internal/process"
)

const (
	// startWithin bounds the start of a service, recovery of its data included.
	startWithin = 5 * time.Minute
	maxShards   = 4096
	maxCacheMB  = 1 << 20
)

// flags are the command line.
type flags struct {
	options  Options
	metrics  string
	cacheMB  int64
	syncData bool
	logLevel string
	logJSON  bool
	profile  bool
}

// Command returns the command.
func Command(version string) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "standalone",
		Short: "Run a whole service in this process",
		Long: `Runs a whole service in this process: one copy of the data, in a directory. It is for
development, tests and what one machine may lose; for what must outlive a machine run
servers and coordinators.

When every shard serves, a line on standard output says so. An interrupt or SIGTERM ends
it; the same command goes on from the same data. The namespace "default" is made with
the first start: --shards, --key-sorting and --notifications-enabled mean nothing later.

By default only this machine reaches it. To serve others: --public-addr 0.0.0.0:6648`,
		Example: `  ostraka standalone
  ostraka standalone --public-addr 0.0.0.0:6648 --data-dir /var/lib/ostraka
  ostraka standalone --admin-addr localhost:6651    # more namespaces: ostraka admin
  ostraka standalone --in-memory --public-addr localhost:0    # for tests`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			f.options.Version = version
			return f.run(cmd)
		},
	}
	cmd.Flags().SortFlags = false
	f.define(cmd.Flags())
	return cmd
}

func (f *flags) define(set *pflag.FlagSet) {
	o := &f.options
	set.StringVarP(&o.PublicAddress, "public-addr", "p", "localhost:6648", "where clients are served, host:port; port 0: any that is free")
	set.StringVar(&o.AdminAddress, "admin-addr", "", "where ostraka admin is served, host:port (default: nowhere)")
	set.StringVarP(&f.metrics, "metrics-addr", "m", "", "where /metrics, /livez and /readyz are, host:port (default: nowhere)")
	set.Uint32VarP(&o.Shards, "shards", "s", 1, "how many shards the namespace is made with")
	set.StringVar(&o.KeySorting, "key-sorting", api.KeySortingHierarchical, "order of the keys: hierarchical or natural")
	set.BoolVar(&o.Notifications, "notifications-enabled", true, "keep what changed for clients that watch")
	set.StringVar(&o.DataDir, "data-dir", "./ostraka-data", "where the data is kept")
	set.StringVar(&o.LogDir, "wal-dir", "", "where the log is kept, best on another disk (default: in --data-dir)")
	set.BoolVar(&o.InMemory, "in-memory", false, "keep the data in memory alone: it ends with the process")
	set.BoolVar(&f.syncData, "wal-sync-data", true, "sync every write to disk; it cannot be turned off")
	set.DurationVar(&o.LogRetention, "wal-retention-time", time.Hour, "how long the log is kept")
	set.DurationVar(&o.NotificationRetention, "notifications-retention-time", time.Hour, "how long notifications are kept")
	set.Int64Var(&f.cacheMB, "db-cache-size-mb", 100, "memory for blocks of the data, in MB")
	set.StringVarP(&f.logLevel, "log-level", "l", "warn", "what to log to standard error: debug, info, warn, error")
	set.BoolVarP(&f.logJSON, "log-json", "j", false, "log in JSON")
	set.BoolVar(&f.profile, "profile", false, "serve /debug/pprof at --metrics-addr")
}

func (f *flags) check(cmd *cobra.Command) error {
	o := &f.options
	set := cmd.Flags()
	if err := checkListen("public-addr", o.PublicAddress); err != nil {
		return err
	}
	if f.metrics != "" {
		if err := checkListen("metrics-addr", f.metrics); err != nil {
			return err
		}
	}
	if o.AdminAddress != "" {
		if err := checkListen("admin-addr", o.AdminAddress); err != nil {
			return err
		}
	}
	switch {
	case f.profile && f.metrics == "":
		return exit.Misuse("--metrics-addr is missing: --profile serves /debug/pprof there")
	case o.Shards < 1 || o.Shards > maxShards:
		return exit.Usage("shards", o.Shards, fmt.Sprintf("give a number from 1 to %d", maxShards))
	case o.KeySorting != api.KeySortingHierarchical && o.KeySorting != api.KeySortingNatural:
		return exit.Usage("key-sorting", o.KeySorting, "give hierarchical or natural")
	case o.InMemory && (set.Changed("data-dir") || o.LogDir != ""):
		return exit.Misuse("--in-memory keeps nothing in a directory: leave --data-dir and --wal-dir out")
	case !o.InMemory && o.DataDir == "":
		return exit.Usage("data-dir", `""`, "name a directory, or give --in-memory")
	case !f.syncData:
		return exit.Usage("wal-sync-data", false, "leave it out: what was answered is on the disk; --in-memory does without a disk")
	case o.LogRetention < 0:
		return exit.Usage("wal-retention-time", o.LogRetention, "give 0 or more, such as 1h")
	case o.NotificationRetention <= 0:
		return exit.Usage("notifications-retention-time", o.NotificationRetention, "give more than 0, such as 1h")
	case f.cacheMB < 1 || f.cacheMB > maxCacheMB:
		return exit.Usage("db-cache-size-mb", f.cacheMB, fmt.Sprintf("give a number from 1 to %d", maxCacheMB))
	}
	o.CacheBytes = f.cacheMB << 20
	logger, _, err := process.NewLogger(cmd.ErrOrStderr(), f.logLevel, f.logJSON)
	if err != nil {
		return exit.Usage("log-level", f.logLevel, "give debug, info, warn or error")
	}
	o.Logger = logger
	return nil
}

// checkListen returns an error unless an address can be listened on.
func checkListen(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return exit.Usage(flag, address, "give host:port, such as localhost:6648, or :6648 for all interfaces")
	}
	if number, err := strconv.Atoi(port); err != nil || number < 0 || number > 65535 {
		return exit.Usage(flag, address, "the port is a number from 0 to 65535")
	}
	return nil
}

func (f *flags) run(cmd *cobra.Command) (err error) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(cmd.Context(), startWithin)
	defer cancel()
	service, err := Start(ctx, f.options)
	if cmd.Context().Err() != nil {
		return nil // it was ended before it had begun
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	if f.metrics != "" {
		watched, err := f.serveMetrics(service)
		if err != nil {
			return err
		}
		defer watched.Close()
	}
	where := "data in " + f.options.DataDir
	if f.options.InMemory {
		where = "data in memory"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "ostraka serves on %s (%s), ready after %d ms\n",
		service.PublicAddress(), where, time.Since(begin).Milliseconds())
	select {
	case <-cmd.Context().Done():
		return nil
	case <-service.Done():
		return fmt.Errorf("the service cannot go on: %w", service.Err())
	}
}

// serveMetrics serves what is known of the server, and whether it serves.
func (f *flags) serveMetrics(service *Service) (*process.HTTP, error) {
	reasons := func(why func() error) func() []string {
		return func() []string {
			if err := why(); err != nil {
				return []string{err.Error()}
			}
			return nil
		}
	}
	return process.ServeHTTP(process.HTTPOptions{
		Address: f.metrics, Metrics: service.server.Metrics(), Profile: f.profile, Logger: f.options.Logger,
		Live: reasons(service.server.Err), Ready: reasons(service.server.Ready),
	})
}
