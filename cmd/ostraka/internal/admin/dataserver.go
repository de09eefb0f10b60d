package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/dial"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// server is a data server as it is printed.
type server struct {
	Name     string            `json:"name"`
	Public   string            `json:"public"`
	Internal string            `json:"internal"`
	Labels   map[string]string `json:"labels,omitempty"`
	State    string            `json:"state,omitempty"`
	Features []string          `json:"features,omitempty"`
}

var serverColumns = []string{"NAME", "PUBLIC", "INTERNAL", "STATE", "LABELS"}

func (s server) Row() []string {
	return []string{s.Name, s.Public, s.Internal, orNone(s.State), orNone(pairs(s.Labels))}
}

// pairs are labels in a table.
func pairs(labels map[string]string) string {
	all := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, key+"="+labels[key])
	}
	return strings.Join(all, ",")
}

// serverOf returns what is wanted of a server, and what is if status is not nil.
func serverOf(wanted *api.DataServer, status *api.DataServerStatus) server {
	identity := wanted.GetIdentity()
	s := server{
		Name: identity.GetName(), Public: identity.GetPublic(), Internal: identity.GetInternal(),
		Labels: wanted.GetMetadata().GetLabels(), Features: status.GetSupportedFeatures(),
	}
	if s.Name == "" {
		s.Name = s.Internal
	}
	if status != nil {
		s.State = strings.ToLower(strings.TrimPrefix(status.GetState().String(), "DATA_SERVER_STATE_"))
	}
	return s
}

func serverCommand(target *Target) *cobra.Command {
	cmd := arguments.Group(&cobra.Command{
		Use:     "dataserver",
		Aliases: []string{"dataservers", "ds"},
		Short:   "The data servers of a cluster",
	})
	cmd.AddCommand(serverGet(target), serverCreate(target), serverPatch(target), serverDelete(target), serverDrain(target), serverUndrain(target))
	return cmd
}

func serverGet(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:     "get [NAME]",
		Aliases: []string{"list"},
		Short:   "Show one data server, or all",
		Example: `  ostraka admin dataserver get
  ostraka admin dataserver get db-1 -o json`,
		Args: arguments.Between(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var views []*api.DataServerView
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				if len(args) == 0 {
					answer, err := c.ListDataServers(ctx, &api.ListDataServersRequest{})
					views = answer.GetDataServers()
					return err
				}
				answer, err := c.GetDataServer(ctx, &api.GetDataServerRequest{DataServer: args[0]})
				views = []*api.DataServerView{answer.GetDataServer()}
				return err
			})
			if err != nil {
				return fmt.Errorf("get data servers: %w", err)
			}
			servers := make([]server, len(views))
			for i, view := range views {
				status := view.GetDataServerStatus()
				if status == nil {
					status = &api.DataServerStatus{}
				}
				servers[i] = serverOf(view.GetDataServer(), status)
			}
			return show(target.printer(cmd, serverColumns...), servers...)
		},
	}
}

// serverFlags are what is wanted of a server.
type serverFlags struct {
	public, internal string
	labels           map[string]string
}

func (f *serverFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.public, "public", "", "host:port at which clients reach the server")
	cmd.Flags().StringVar(&f.internal, "internal", "", "host:port at which the cluster reaches the server")
	cmd.Flags().StringToStringVar(&f.labels, "label", nil, "key=value by which replicas are kept apart, such as zone=a; may be repeated")
}

// check holds the flags that were given against their formats.
func (f *serverFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("public") {
		if err := dial.CheckAddress("public", f.public); err != nil {
			return err
		}
	}
	if cmd.Flags().Changed("internal") {
		return dial.CheckAddress("internal", f.internal)
	}
	return nil
}

func (f *serverFlags) server(name string) *api.DataServer {
	s := &api.DataServer{Identity: &api.DataServerIdentity{Name: proto.String(name), Public: f.public, Internal: f.internal}}
	if len(f.labels) > 0 {
		s.Metadata = &api.DataServerMetadata{Labels: f.labels}
	}
	return s
}

func serverCreate(target *Target) *cobra.Command {
	var flags serverFlags
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Add a data server to the cluster",
		Example: `  ostraka admin dataserver create db-4 --public db-4:6648 --internal db-4:6649 --label zone=b`,
		Args:    arguments.Exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, flag := range []string{"public", "internal"} {
				if err := arguments.Require(cmd, flag, "give the server's address, host:port"); err != nil {
					return err
				}
			}
			if err := flags.check(cmd); err != nil {
				return err
			}
			var created *api.DataServer
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				answer, err := c.CreateDataServer(ctx, &api.CreateDataServerRequest{DataServer: flags.server(args[0])})
				created = answer.GetDataServer()
				return err
			})
			if err != nil {
				return fmt.Errorf("create data server %s: %w", args[0], err)
			}
			return show(target.printer(cmd, serverColumns...), serverOf(created, nil))
		},
	}
	flags.define(cmd)
	return cmd
}

func serverPatch(target *Target) *cobra.Command {
	var flags serverFlags
	cmd := &cobra.Command{
		Use:     "patch NAME",
		Short:   "Change a data server's addresses or labels",
		Long:    "Changes what the flags name, and leaves the rest as it is. Labels are replaced as a whole.",
		Example: `  ostraka admin dataserver patch db-4 --public db-4.example.com:6648`,
		Args:    arguments.Exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			set := cmd.Flags()
			if !set.Changed("public") && !set.Changed("internal") && !set.Changed("label") {
				return exit.Misuse("nothing to change: give --public, --internal or --label")
			}
			if err := flags.check(cmd); err != nil {
				return err
			}
			var patched *api.DataServer
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				answer, err := c.PatchDataServer(ctx, &api.PatchDataServerRequest{DataServer: flags.server(args[0])})
				patched = answer.GetDataServer()
				return err
			})
			if err != nil {
				return fmt.Errorf("patch data server %s: %w", args[0], err)
			}
			return show(target.printer(cmd, serverColumns...), serverOf(patched, nil))
		},
	}
	flags.define(cmd)
	return cmd
}

func serverDelete(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Remove a data server from the cluster",
		Long: `Removes a data server from what the cluster should be. Its replicas move to others.
It is refused while a namespace's replication factor needs the server.`,
		Example: `  ostraka admin dataserver delete db-4`,
		Args:    arguments.Exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var deleted *api.DataServer
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				answer, err := c.DeleteDataServer(ctx, &api.DeleteDataServerRequest{DataServer: args[0]})
				deleted = answer.GetDataServer()
				return err
			})
			if err != nil {
				return fmt.Errorf("delete data server %s: %w", args[0], err)
			}
			return show(target.printer(cmd, serverColumns...), serverOf(deleted, nil))
		},
	}
}
