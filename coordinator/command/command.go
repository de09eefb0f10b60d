package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator"
	"github.com/ostraka-db/ostraka/coordinator/admin"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metrics"
	"github.com/ostraka-db/ostraka/internal/process"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// readinessEvery is how often health is told whether the coordinator is ready.
const readinessEvery = 100 * time.Millisecond

// Main runs the command with the process's arguments until SIGTERM or an interrupt, and
// returns what the process is to exit with.
func Main(options ...Option) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process as it would any other.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stderr, options...)
}

// failedError is an error of a command line that made sense.
type failedError struct{ err error }

func (e failedError) Error() string { return e.err.Error() }
func (e failedError) Unwrap() error { return e.err }

// Failed reports whether an error of the command says that it could not do its work, and
// not that its command line or a file is wrong.
func Failed(err error) bool { return errors.As(err, new(failedError)) }

// New returns the command, which runs until its context is done.
func New(options ...Option) *cobra.Command {
	s, p := &settings{}, program{}
	for _, option := range options {
		option(&p)
	}
	cmd := &cobra.Command{
		Use:   "coordinator",
		Short: "Supervise a cluster",
		Long: `Supervises a cluster: holds the shards' elections, makes namespaces what the cluster
configuration says, and serves administration. Any number of coordinators may run for one
cluster; one leads at a time. On SIGTERM it gives its leadership up at once.`,
		Example:       "  coordinator --cluster-config cluster.yaml --file-clusters-status-path status.json",
		Args:          cobra.NoArgs,
		Version:       process.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(cmd.Flags(), p); err != nil {
				return err
			}
			logger, level, err := process.NewLogger(cmd.ErrOrStderr(), s.logLevel, s.logJSON)
			if err != nil {
				return err
			}
			if s.file != "" {
				following, err := s.followLevel(cmd.Flags(), level, logger)
				if err != nil {
					return fmt.Errorf("follow the settings: %w", err)
				}
				defer following.Close()
			}
			if err := s.makeStatusDirectory(cmd.Flags()); err != nil {
				return fmt.Errorf("make the directory of the cluster's status: %w", err)
			}
			return p.run(cmd.Context(), s, logger)
		},
	}
	s.register(cmd.Flags(), p)
	return cmd
}

// run is Main without the process.
func run(ctx context.Context, args []string, stderr io.Writer, options ...Option) int {
	cmd := New(options...)
	cmd.SetArgs(args)
	cmd.SetOut(stderr)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "coordinator: %v\n", err)
	if Failed(err) {
		return exitFailed
	}
	return exitUsage
}

// serve coordinates until the context is done.
func serve(ctx context.Context, s *settings, provider metadata.Provider, source config.Source, logger *slog.Logger) (err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector())
	observer, err := metrics.New(registry)
	if err != nil {
		return err
	}
	listener, err := process.Listen("administration", s.public)
	if err != nil {
		return err
	}
	c, err := newCoordinator(s, listener.Addr().String(), provider, source, observer, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	public := process.ServeGRPCOn(listener, "administration", logger, func(g *grpc.Server) {
		api.RegisterOxiaAdminServer(g, admin.New(c))
		api.RegisterOstrakaAdminServer(g, admin.NewOperations(c))
	})
	defer public.Close()
	internal, err := process.ServeGRPC("health", s.internal, logger, func(*grpc.Server) {})
	if err != nil {
		return err
	}
	defer internal.Close()
	if err := observer.Watch(c.Snapshot); err != nil {
		return err
	}
	endpoints, err := serveEndpoints(s, registry, c, logger)
	if err != nil {
		return err
	}
	defer func() {
		for _, e := range endpoints {
			e.Close()
		}
	}()
	logger.Info("coordinator started", "public", public.Address(), "internal", internal.Address())
	var telling sync.WaitGroup
	telling.Go(func() { tellReadiness(ctx, c, public, internal) })
	c.Run(ctx)
	telling.Wait()
	logger.Info("coordinator stopped")
	return nil
}

// newCoordinator makes the coordinator whose administration is served at an address.
func newCoordinator(
	s *settings, served string, provider metadata.Provider, source config.Source, observer coordinator.Observer, logger *slog.Logger,
) (*coordinator.Coordinator, error) {
	name, address, err := s.identity(served)
	if err != nil {
		return nil, err
	}
	logger.Info("coordinator starts", "name", name, "address", address, "config", s.configPath, "metadata", s.provider)
	options := coordinator.Options{
		Name: name, Address: address, Metadata: provider, Config: source, Observer: observer, Logger: logger,
	}
	if s.provider == providerKubernetes {
		options.Lease = kubernetesLease
	}
	return coordinator.New(options)
}

// serveEndpoints serves metrics and probes, and profiles if they are wanted.
func serveEndpoints(s *settings, registry *prometheus.Registry, c *coordinator.Coordinator, logger *slog.Logger) ([]*process.HTTP, error) {
	var served []*process.HTTP
	for _, e := range []struct {
		address string
		profile bool
	}{{s.metrics, false}, {s.profileAddress, true}} {
		if e.address == "" || e.profile && !s.profile {
			continue
		}
		one, err := process.ServeHTTP(process.HTTPOptions{
			Address: e.address, Metrics: registry, Profile: e.profile, Logger: logger,
			Live: func() []string { return nil }, Ready: func() []string { return unready(c.Snapshot()) },
		})
		if err != nil {
			for _, s := range served {
				s.Close()
			}
			return nil, err
		}
		logger.Info("serving metrics and probes", "address", one.Address(), "profiles", e.profile)
		served = append(served, one)
	}
	return served, nil
}

// unready says why a coordinator is of no use at present. One that stands by is ready.
func unready(now coordinator.Snapshot) []string {
	var why []string
	switch {
	case now.Lease.Err != nil:
		why = append(why, "the coordinators' lease cannot be read or written: "+now.Lease.Err.Error())
	case !now.Lease.Known:
		why = append(why, "the coordinators' lease was not read yet")
	case now.Lease.Leads && !now.Known:
		why = append(why, "it leads, and has not read the cluster's status yet")
	}
	return why
}

// tellReadiness tells health whether the coordinator is ready, until the context is done
// and that was told.
func tellReadiness(ctx context.Context, c *coordinator.Coordinator, servers ...*process.GRPC) {
	ticker := time.NewTicker(readinessEvery)
	defer ticker.Stop()
	for {
		ready := len(unready(c.Snapshot())) == 0 && ctx.Err() == nil
		for _, s := range servers {
			s.SetReady(ready)
		}
		select {
		case <-ctx.Done():
			if !ready {
				return
			}
		case <-ticker.C:
		}
	}
}
