package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

const (
	// A move waits for a replica to be copied, an election for three rounds of messages.
	moveTimeout     = 10 * time.Minute
	electionTimeout = 30 * time.Second
)

// timeoutFlag is how long a command waits for what it asks for.
type timeoutFlag struct{ within time.Duration }

func (f *timeoutFlag) define(cmd *cobra.Command, within time.Duration) {
	cmd.Flags().DurationVar(&f.within, "timeout", within, "how long to wait until it is done; what was begun goes on")
}

func (f *timeoutFlag) check() error {
	if f.within <= 0 {
		return exit.Usage("timeout", f.within, "give a duration above 0, such as 30s")
	}
	return nil
}

func shardGet(target *Target) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:     "get [SHARD]...",
		Aliases: []string{"list"},
		Short:   "Show shards, replica by replica",
		Long: `Shows the replicas of the shards that are named, or of all: which part each has in the
ensemble, its role and term, how far its log is written, committed and applied, and how
many of its leader's entries it lacks.`,
		Example: `  ostraka admin shard get orders/3
  ostraka admin shard get --unsteady
  ostraka admin shard get --namespace orders -o yaml`,
		ValidArgsFunction: completeShards(target, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := flags.request(cmd, args)
			if err != nil {
				return err
			}
			p, err := target.status(cmd.Context(), request)
			if err != nil {
				return fmt.Errorf("get shards: %w", err)
			}
			_, shards := p.inOrder()
			return showShards(target, cmd, shards...)
		},
	}
	flags.define(cmd)
	return cmd
}

// showShards prints shards, in a table replica by replica.
func showShards(target *Target, cmd *cobra.Command, shards ...*api.ClusterShard) error {
	if output.Format(target.format) != output.Table {
		items := make([]shardItem, len(shards))
		for i, s := range shards {
			items[i] = shardOf(s)
		}
		return show(target.printer(cmd), items...)
	}
	var rows []replicaItem
	for _, s := range shards {
		rows = append(rows, shardOf(s).Replicas...)
	}
	return show(target.printer(cmd, replicaColumns...), rows...)
}

// showState prints one shard as a line of the status.
func showState(target *Target, cmd *cobra.Command, shard *api.ClusterShard) error {
	return show(target.printer(cmd, shardColumns...), shardOf(shard))
}

// onShard has something done to a shard, and prints how the shard is then.
func onShard(
	target *Target, cmd *cobra.Command, name string, timeout timeoutFlag, doing string,
	do func(context.Context, api.OstrakaAdminClient, *api.ShardName) (*api.ClusterShard, error),
) error {
	if err := timeout.check(); err != nil {
		return err
	}
	shard, err := parseShard(name)
	if err != nil {
		return err
	}
	var after *api.ClusterShard
	err = target.await(cmd.Context(), timeout.within, errGoesOn, func(ctx context.Context, c api.OstrakaAdminClient) (err error) {
		after, err = do(ctx, c, shard)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s shard %s: %w", doing, name, err)
	}
	return showState(target, cmd, after)
}

// errGoesOn is that what a command asked for had not come about when it was to wait no
// longer.
var errGoesOn = errors.New("it is not done yet, and goes on if it was begun: ostraka admin status shows how far it is; --timeout waits longer")

// await is operate with an error of its own for when there was no answer in time.
func (t *Target) await(ctx context.Context, within time.Duration, late error, do func(context.Context, api.OstrakaAdminClient) error) error {
	waited := false
	err := t.operate(ctx, within, func(ctx context.Context, c api.OstrakaAdminClient) error {
		err := do(ctx, c)
		// The coordinator has the same deadline, and may be the first to notice.
		waited = err != nil && (errors.Is(ctx.Err(), context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded)
		return err
	})
	if waited {
		return late
	}
	return err
}

func shardMove(target *Target) *cobra.Command {
	var from, to string
	var timeout timeoutFlag
	cmd := &cobra.Command{
		Use:   "move SHARD",
		Short: "Move a replica of a shard from one server to another",
		Long: `Has a server hold a replica of a shard instead of another server, and waits until it does:
the new one is made, catches up beside the others, and joins; then the old one is deleted.
The shard serves all the while. When the command ends before, the move goes on.`,
		Example: `  ostraka admin shard move orders/3 --from db-1 --to db-4
  ostraka admin shard move 3 --from db-1 --to db-4 --timeout 1h`,
		Args:              arguments.Exactly("SHARD"),
		ValidArgsFunction: completeShards(target, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := arguments.Require(cmd, "from", "name the server whose replica is to go"); err != nil {
				return err
			}
			if err := arguments.Require(cmd, "to", "name the server that is to hold a replica instead"); err != nil {
				return err
			}
			return onShard(target, cmd, args[0], timeout, "move a replica of",
				func(ctx context.Context, c api.OstrakaAdminClient, shard *api.ShardName) (*api.ClusterShard, error) {
					answer, err := c.MoveReplica(ctx, &api.MoveReplicaRequest{Shard: shard, From: from, To: to})
					return answer.GetShard(), err
				})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the server whose replica is to go")
	cmd.Flags().StringVar(&to, "to", "", "the server that is to hold a replica instead")
	timeout.define(cmd, moveTimeout)
	completeFlags(target, cmd, "from", "to")
	return cmd
}

func shardTransfer(target *Target) *cobra.Command {
	var to string
	var timeout timeoutFlag
	cmd := &cobra.Command{
		Use:   "transfer SHARD",
		Short: "Have a certain replica lead a shard",
		Long: `Has a shard led by the replica on the named server. Writes and reads wait for a few round
trips. It fails if that replica lacks entries which a leader must have.`,
		Example:           `  ostraka admin shard transfer orders/3 --to db-2`,
		Args:              arguments.Exactly("SHARD"),
		ValidArgsFunction: completeShards(target, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := arguments.Require(cmd, "to", "name the server whose replica is to lead"); err != nil {
				return err
			}
			return onShard(target, cmd, args[0], timeout, "transfer the leadership of",
				func(ctx context.Context, c api.OstrakaAdminClient, shard *api.ShardName) (*api.ClusterShard, error) {
					answer, err := c.TransferLeader(ctx, &api.TransferLeaderRequest{Shard: shard, To: to})
					return answer.GetShard(), err
				})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the server whose replica is to lead")
	timeout.define(cmd, electionTimeout)
	completeFlags(target, cmd, "to")
	return cmd
}

func shardElect(target *Target) *cobra.Command {
	var timeout timeoutFlag
	cmd := &cobra.Command{
		Use:   "elect SHARD",
		Short: "Hold an election of a shard, whether it needs one or not",
		Long: `Has a shard's leader chosen anew, in a higher term, among those that may lead. Writes and
reads wait for a few round trips.`,
		Example:           `  ostraka admin shard elect orders/3`,
		Args:              arguments.Exactly("SHARD"),
		ValidArgsFunction: completeShards(target, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onShard(target, cmd, args[0], timeout, "elect the leader of",
				func(ctx context.Context, c api.OstrakaAdminClient, shard *api.ShardName) (*api.ClusterShard, error) {
					answer, err := c.ElectLeader(ctx, &api.ElectLeaderRequest{Shard: shard})
					return answer.GetShard(), err
				})
		},
	}
	timeout.define(cmd, electionTimeout)
	return cmd
}
