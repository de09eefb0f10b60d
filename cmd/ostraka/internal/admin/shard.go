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

// halves are the shards that a split makes.
type halves struct {
	Shard int64 `json:"shard"`
	Left  int64 `json:"left"`
	Right int64 `json:"right"`
}

func (h halves) Row() []string { return []string{number(h.Shard), number(h.Left), number(h.Right)} }

func shardCommand(target *Target) *cobra.Command {
	cmd := arguments.Group(&cobra.Command{
		Use:     "shard",
		Aliases: []string{"shards"},
		Short:   "The shards of a namespace",
	})
	cmd.AddCommand(shardGet(target), shardMove(target), shardTransfer(target), shardElect(target), shardVerify(target),
		shardRecover(target), shardSplit(target))
	return cmd
}

func shardSplit(target *Target) *cobra.Command {
	var in string
	var shard int64
	var point uint32
	cmd := &cobra.Command{
		Use:   "split",
		Short: "Split a shard in two",
		Example: `  ostraka admin shard split --namespace orders --shard 3
  ostraka admin shard split --namespace orders --shard 3 --split-point 1073741823`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := arguments.Require(cmd, "namespace", "name the namespace that the shard is in"); err != nil {
				return err
			}
			if err := arguments.Require(cmd, "shard", "give the number of the shard"); err != nil {
				return err
			}
			if shard < 0 {
				return exit.Usage("shard", shard, "shards are numbered from 0")
			}
			request := &api.SplitShardRequest{Namespace: in, Shard: shard}
			if cmd.Flags().Changed("split-point") {
				request.SplitPoint = proto.Uint32(point)
			}
			var answer *api.SplitShardResponse
			err := target.call(cmd.Context(), func(ctx context.Context, c api.OxiaAdminClient) (err error) {
				answer, err = c.SplitShard(ctx, request)
				return err
			})
			if err != nil {
				return fmt.Errorf("split shard %d: %w", shard, err)
			}
			return show(target.printer(cmd, "SHARD", "LEFT", "RIGHT"),
				halves{shard, answer.GetLeftChildShard(), answer.GetRightChildShard()})
		},
	}
	cmd.Flags().StringVar(&in, "namespace", "", "the namespace that the shard is in")
	cmd.Flags().Int64Var(&shard, "shard", 0, "the shard to split")
	cmd.Flags().Uint32Var(&point, "split-point", 0, "last hash of the left half (default: the middle of the shard's hashes)")
	return cmd
}
