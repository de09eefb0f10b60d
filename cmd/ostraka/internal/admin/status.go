package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// statusFlags choose what is told of a cluster.
type statusFlags struct {
	namespace string
	unsteady  bool
	watch     bool
}

func (f *statusFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.namespace, "namespace", "", "only the shards of this namespace")
	cmd.Flags().BoolVar(&f.unsteady, "unsteady", false, "only the shards that are not steady")
}

// request returns what is asked; names are shards, as on the command line.
func (f *statusFlags) request(cmd *cobra.Command, names []string) (*api.GetClusterStatusRequest, error) {
	shards, err := parseShards(names)
	if err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("namespace") {
		if f.namespace == "" {
			return nil, exit.Usage("namespace", `""`, "name a namespace, or leave the flag out for all")
		}
		if len(shards) > 0 {
			return nil, exit.Misuse("--namespace and SHARD exclude each other: give one of them")
		}
	}
	return &api.GetClusterStatusRequest{Namespace: f.namespace, Shards: shards, Unsteady: f.unsteady, Follow: f.watch}, nil
}

func statusCommand(target *Target) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how a cluster is: coordinators, servers, shards, and what is amiss",
		Long: `Shows the coordinators and which of them leads, the data servers, every shard, what is
wanted and cannot be, and which shards were ever recovered unsafely.

A shard's line has its term, its leader, and its ensemble: a server after + is to join it,
one after - leaves it or has left it, one with ? behind is not heard of. WANTED is who is
to hold it, where that is not the ensemble. LAG is how many entries the replica lacks that
is furthest behind. STATE says why it is not steady.

With --watch it goes on until it is interrupted, and prints what changes.`,
		Example: `  ostraka admin status
  ostraka admin status --unsteady
  ostraka admin status --namespace orders -o json
  ostraka admin status --watch`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := flags.request(cmd, nil)
			if err != nil {
				return err
			}
			if flags.watch {
				return target.watch(cmd, request)
			}
			p, err := target.status(cmd.Context(), request)
			if err != nil {
				return fmt.Errorf("get the status of the cluster: %w", err)
			}
			return p.print(cmd.OutOrStdout(), output.Format(target.format))
		},
	}
	flags.define(cmd)
	cmd.Flags().BoolVarP(&flags.watch, "watch", "w", false, "go on, and print what changes")
	return cmd
}

// picture is what was told of a cluster. Its elements are never changed.
type picture struct {
	overview *api.ClusterOverview
	servers  map[string]*api.ClusterServer
	shards   map[int64]*api.ClusterShard
}

func newPicture() *picture {
	return &picture{servers: map[string]*api.ClusterServer{}, shards: map[int64]*api.ClusterShard{}}
}

func (p *picture) clone() *picture {
	return &picture{overview: p.overview, servers: maps.Clone(p.servers), shards: maps.Clone(p.shards)}
}

// take takes a part in.
func (p *picture) take(part *api.GetClusterStatusResponse) {
	if part.GetOverview() != nil {
		p.overview = part.GetOverview()
	}
	for _, s := range part.GetServers() {
		p.servers[s.GetServer()] = s
	}
	for _, s := range part.GetShards() {
		p.shards[s.GetShard()] = s
	}
	for _, name := range part.GetGoneServers() {
		delete(p.servers, name)
	}
	for _, shard := range part.GetGoneShards() {
		delete(p.shards, shard)
	}
}

// inOrder returns the servers by name, and the shards by namespace and number.
func (p *picture) inOrder() ([]*api.ClusterServer, []*api.ClusterShard) {
	servers := slices.SortedFunc(maps.Values(p.servers), func(a, b *api.ClusterServer) int {
		return cmp.Compare(a.GetServer(), b.GetServer())
	})
	shards := slices.SortedFunc(maps.Values(p.shards), func(a, b *api.ClusterShard) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetShard(), b.GetShard()))
	})
	return servers, shards
}

// status asks for a picture.
func (t *Target) status(ctx context.Context, request *api.GetClusterStatusRequest) (*picture, error) {
	var p *picture
	err := t.operate(ctx, callTimeout, func(ctx context.Context, c api.OstrakaAdminClient) error {
		p = newPicture()
		stream, err := c.GetClusterStatus(ctx, request)
		if err != nil {
			return err
		}
		for {
			part, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			p.take(part)
		}
	})
	return p, err
}

// print prints all of it.
func (p *picture) print(w io.Writer, format output.Format) error {
	if format != output.Table {
		return show(output.NewPrinter(w, format), p.items()...)
	}
	o := p.overview
	fmt.Fprintf(w, "cluster %s: %d servers, %d shards, %d of them led, %d steady\n",
		o.GetCluster(), len(p.servers), o.GetShards(), o.GetShardsLed(), o.GetShardsSteady())
	if problem := o.GetConfigurationProblem(); problem != "" {
		fmt.Fprintf(w, "the configuration that was written last is not in force: %s\n", problem)
	}
	for _, table := range p.tables() {
		if len(table.rows) == 0 {
			continue
		}
		fmt.Fprintln(w)
		if err := show(output.NewPrinter(w, format, table.columns...), table.rows...); err != nil {
			return err
		}
	}
	return nil
}

// table is one of those that a status is printed as.
type table struct {
	columns []string
	rows    []output.Item
}

func (p *picture) tables() []table {
	coordinators, members, shards := table{columns: coordinatorColumns}, table{columns: memberColumns}, table{columns: shardColumns}
	notes, recoveries := table{columns: []string{"CANNOT BE", "WHY"}}, table{columns: recoveryColumns}
	for _, item := range p.items() {
		switch {
		case item.Coordinator != nil:
			coordinators.rows = append(coordinators.rows, item.Coordinator)
		case item.Server != nil:
			members.rows = append(members.rows, item.Server)
		case item.Shard != nil:
			shards.rows = append(shards.rows, item.Shard)
		case item.Note != nil:
			notes.rows = append(notes.rows, item.Note)
		case item.Recovery != nil:
			recoveries.rows = append(recoveries.rows, item.Recovery)
		}
	}
	return []table{coordinators, members, shards, notes, recoveries}
}

// items are all that there is to print, each in the field of its kind.
func (p *picture) items() []kinds {
	o := p.overview
	items := []kinds{{Cluster: &clusterItem{
		Cluster: o.GetCluster(), Shards: o.GetShards(), ShardsLed: o.GetShardsLed(), ShardsSteady: o.GetShardsSteady(),
		ConfigurationProblem: o.GetConfigurationProblem(),
	}}}
	for _, c := range o.GetCoordinators() {
		items = append(items, kinds{Coordinator: &coordinatorItem{Name: c.GetName(), Address: c.GetAddress(), Leads: c.GetLeads()}})
	}
	servers, shards := p.inOrder()
	for _, s := range servers {
		member := memberOf(s)
		items = append(items, kinds{Server: &member})
	}
	for _, s := range shards {
		shard := shardOf(s)
		items = append(items, kinds{Shard: &shard})
	}
	for _, note := range notesOf(o.GetNotes()) {
		items = append(items, kinds{Note: &note})
	}
	for _, r := range o.GetRecoveries() {
		recovery := recoveryOf(r)
		items = append(items, kinds{Recovery: &recovery})
	}
	return items
}
