package admin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// namespace is a namespace as it is printed.
type namespace struct {
	Name              string           `json:"name"`
	InitialShards     uint32           `json:"initialShards"`
	ReplicationFactor uint32           `json:"replicationFactor"`
	Notifications     bool             `json:"notifications"`
	KeySorting        string           `json:"keySorting"`
	Status            *namespaceStatus `json:"status,omitempty"`
}

// namespaceStatus is what a namespace has come to.
type namespaceStatus struct {
	Shards            uint32 `json:"shards"`
	ShardsLed         uint32 `json:"shardsLed"`
	ReplicationFactor uint32 `json:"replicationFactor"`
}

var namespaceColumns = []string{"NAME", "REPLICATION", "SHARDS", "LED", "NOTIFICATIONS", "KEYS"}

func (n namespace) Row() []string {
	shards, led := number(n.InitialShards), "-"
	if n.Status != nil {
		shards, led = number(n.Status.Shards), number(n.Status.ShardsLed)
	}
	return []string{n.Name, number(n.ReplicationFactor), shards, led, yesNo(n.Notifications), n.KeySorting}
}

// namespaceOf returns what is wanted of a namespace, and what is if status is not nil.
func namespaceOf(wanted *api.Namespace, status *api.NamespaceStatus) namespace {
	n := namespace{
		Name: wanted.GetName(), InitialShards: wanted.GetInitialShardCount(), ReplicationFactor: wanted.GetReplicationFactor(),
		Notifications: wanted.NotificationsEnabled == nil || *wanted.NotificationsEnabled,
		KeySorting:    wanted.GetKeySorting(),
	}
	if n.KeySorting == "" {
		n.KeySorting = api.KeySortingHierarchical
	}
	if status != nil {
		n.Status = &namespaceStatus{
			Shards: status.GetShardCount(), ShardsLed: status.GetShardsLed(), ReplicationFactor: status.GetReplicationFactor(),
		}
	}
	return n
}

func namespaceCommand(target *Target) *cobra.Command {
	cmd := arguments.Group(&cobra.Command{
		Use:     "namespace",
		Aliases: []string{"namespaces", "ns"},
		Short:   "The namespaces of a cluster",
	})
	cmd.AddCommand(namespaceGet(target), namespaceCreate(target), namespacePatch(target), namespaceDelete(target))
	return cmd
}

func namespaceGet(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:     "get [NAME]",
		Aliases: []string{"list"},
		Short:   "Show one namespace, or all",
		Long: `Shows what is wanted of namespaces, and what is: how many shards there are, and how many
of them have a leader.`,
		Example: `  ostraka admin namespace get
  ostraka admin namespace get default -o yaml`,
		Args: arguments.Between(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var views []*api.NamespaceView
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				if len(args) == 0 {
					answer, err := c.ListNamespaces(ctx, &api.ListNamespacesRequest{})
					views = answer.GetNamespaces()
					return err
				}
				answer, err := c.GetNamespace(ctx, &api.GetNamespaceRequest{Namespace: args[0]})
				views = []*api.NamespaceView{answer.GetNamespace()}
				return err
			})
			if err != nil {
				return fmt.Errorf("get namespaces: %w", err)
			}
			namespaces := make([]namespace, len(views))
			for i, view := range views {
				namespaces[i] = namespaceOf(view.GetNamespace(), view.GetNamespaceStatus())
			}
			return show(target.printer(cmd, namespaceColumns...), namespaces...)
		},
	}
}

func namespaceCreate(target *Target) *cobra.Command {
	var shards, replication uint32
	var notifications bool
	var sorting string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a namespace",
		Long: `Creates a namespace, with its own shards, replication factor and order of keys. The
order cannot be changed afterwards:

  hierarchical  by the number of slashes first: the children of a/ are next to each other
  natural       by bytes`,
		Example: `  ostraka admin namespace create orders --initial-shards 4 --replication-factor 3
  ostraka admin namespace create logs --key-sorting natural --notifications=false`,
		Args: arguments.Exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case shards == 0:
				return exit.Usage("initial-shards", shards, "a namespace has 1 or more")
			case replication == 0:
				return exit.Usage("replication-factor", replication, "a shard has 1 or more replicas")
			case sorting != api.KeySortingHierarchical && sorting != api.KeySortingNatural:
				return exit.Usage("key-sorting", sorting, "give hierarchical or natural")
			}
			wanted := &api.Namespace{
				Name: args[0], InitialShardCount: shards, ReplicationFactor: replication,
				NotificationsEnabled: proto.Bool(notifications), KeySorting: sorting,
			}
			var created *api.Namespace
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				answer, err := c.CreateNamespace(ctx, &api.CreateNamespaceRequest{Namespace: wanted})
				created = answer.GetNamespace()
				return err
			})
			if err != nil {
				return fmt.Errorf("create namespace %s: %w", args[0], err)
			}
			return show(target.printer(cmd, namespaceColumns...), namespaceOf(created, nil))
		},
	}
	cmd.Flags().Uint32Var(&shards, "initial-shards", 1, "how many shards the namespace begins with")
	cmd.Flags().Uint32Var(&replication, "replication-factor", 1, "how many servers hold each shard; 3 survive the loss of one")
	cmd.Flags().BoolVar(&notifications, "notifications", true, "keep what changed for clients that watch")
	cmd.Flags().StringVar(&sorting, "key-sorting", api.KeySortingHierarchical, "order of the keys: hierarchical or natural")
	return cmd
}

func namespacePatch(target *Target) *cobra.Command {
	var replication uint32
	var notifications bool
	cmd := &cobra.Command{
		Use:     "patch NAME",
		Short:   "Change a namespace's replication factor or notifications",
		Example: `  ostraka admin namespace patch orders --replication-factor 5`,
		Args:    arguments.Exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			set := cmd.Flags()
			wanted := &api.Namespace{Name: args[0], ReplicationFactor: replication}
			switch {
			case !set.Changed("replication-factor") && !set.Changed("notifications"):
				return exit.Misuse("nothing to change: give --replication-factor or --notifications")
			case set.Changed("replication-factor") && replication == 0:
				return exit.Usage("replication-factor", replication, "a shard has 1 or more replicas")
			}
			if set.Changed("notifications") {
				wanted.NotificationsEnabled = proto.Bool(notifications)
			}
			var patched *api.Namespace
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				answer, err := c.PatchNamespace(ctx, &api.PatchNamespaceRequest{Namespace: wanted})
				patched = answer.GetNamespace()
				return err
			})
			if err != nil {
				return fmt.Errorf("patch namespace %s: %w", args[0], err)
			}
			return show(target.printer(cmd, namespaceColumns...), namespaceOf(patched, nil))
		},
	}
	cmd.Flags().Uint32Var(&replication, "replication-factor", 0, "how many servers hold each shard")
	cmd.Flags().BoolVar(&notifications, "notifications", true, "keep what changed for clients that watch")
	return cmd
}

func namespaceDelete(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a namespace with all its records",
		Example: `  ostraka admin namespace delete orders`,
		Args:    arguments.Exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var deleted *api.Namespace
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) error {
				answer, err := c.DeleteNamespace(ctx, &api.DeleteNamespaceRequest{Namespace: args[0]})
				deleted = answer.GetNamespace()
				return err
			})
			if err != nil {
				return fmt.Errorf("delete namespace %s: %w", args[0], err)
			}
			return show(target.printer(cmd, namespaceColumns...), namespaceOf(deleted, nil))
		},
	}
}
