package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
)

// errHolds is that a server still held something when the command was to wait no longer.
var errHolds = errors.New("it holds something still, and its replicas go on leaving: ostraka admin status shows how far it is; --timeout waits longer")

func serverDrain(target *Target) *cobra.Command {
	var wait bool
	var timeout timeoutFlag
	cmd := &cobra.Command{
		Use:   "drain NAME",
		Short: "Have a data server lead and hold nothing",
		Long: `Has a server's leaderships and replicas go to others, a few at a time, and gives it no new
ones until it is undrained. It stays in the cluster. It is refused where too few servers
would be left for a namespace's replication factor.

With --wait the command ends when the server holds nothing, and may be stopped for good.`,
		Example: `  ostraka admin dataserver drain db-1
  ostraka admin dataserver drain db-1 --wait --timeout 1h`,
		Args:              arguments.Exactly("NAME"),
		ValidArgsFunction: completeServers(target, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := timeout.check(); err != nil {
				return err
			}
			until := time.Now().Add(timeout.within)
			server, err := setDraining(target, cmd, args[0], true)
			if err == nil && wait && server.GetReplicas() > 0 {
				server, err = target.awaitEmpty(cmd.Context(), args[0], until)
			}
			if err != nil {
				return fmt.Errorf("drain data server %s: %w", args[0], err)
			}
			return show(target.printer(cmd, memberColumns...), memberOf(server))
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the server holds nothing")
	timeout.define(cmd, moveTimeout)
	return cmd
}

func serverUndrain(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:               "undrain NAME",
		Short:             "Let a drained data server lead and hold shards again",
		Long:              "Takes a drain back. What has left the server comes back as the balancer sees fit.",
		Example:           `  ostraka admin dataserver undrain db-1`,
		Args:              arguments.Exactly("NAME"),
		ValidArgsFunction: completeServers(target, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := setDraining(target, cmd, args[0], false)
			if err != nil {
				return fmt.Errorf("undrain data server %s: %w", args[0], err)
			}
			return show(target.printer(cmd, memberColumns...), memberOf(server))
		},
	}
}

func setDraining(target *Target, cmd *cobra.Command, name string, on bool) (*api.ClusterServer, error) {
	var server *api.ClusterServer
	err := target.operate(cmd.Context(), callTimeout, func(ctx context.Context, c api.OstrakaAdminClient) error {
		answer, err := c.SetServerDraining(ctx, &api.SetServerDrainingRequest{Server: name, Draining: on})
		server = answer.GetServer()
		return err
	})
	return server, err
}

// awaitEmpty returns when a server holds nothing.
func (t *Target) awaitEmpty(ctx context.Context, name string, until time.Time) (*api.ClusterServer, error) {
	var server *api.ClusterServer
	// None left is not the same as no limit.
	err := t.await(ctx, max(time.Until(until), time.Nanosecond), errHolds, func(ctx context.Context, c api.OstrakaAdminClient) error {
		// No shard is asked for: what servers hold is told with each of them.
		stream, err := c.GetClusterStatus(ctx, &api.GetClusterStatusRequest{Unsteady: true, Follow: true})
		if err != nil {
			return err
		}
		for {
			part, err := stream.Recv()
			if err != nil {
				return err
			}
			for _, s := range part.GetServers() {
				if s.GetServer() == name {
					server = s
				}
			}
			if part.GetComplete() && server.GetReplicas() == 0 {
				return nil
			}
		}
	})
	return server, err
}
