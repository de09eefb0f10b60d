package data

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
)

// onceUsage is the help of --exactly-once.
const onceUsage = "name the write, so that it can be retried when an answer was lost"

func (c *Connection) delete() *cobra.Command {
	var partition partitionFlag
	var expected expectedFlag
	var once bool
	cmd := &cobra.Command{
		Use:   "delete KEY",
		Short: "Delete a record",
		Long: `Deletes a record. If there is none, or it does not have the --expected-version, nothing
is deleted and the exit code is 3.`,
		Example: `  ostraka client delete config/limit
  ostraka client delete config/limit -e 3      # only version 3`,
		Args: arguments.Exactly("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var options []client.DeleteOption
			if routed, given := partition.option(); given {
				options = append(options, routed)
			}
			version, given, err := expected.option()
			if err != nil {
				return err
			}
			if given {
				options = append(options, version)
			}
			if once {
				options = append(options, client.ExactlyOnce())
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				return used.Delete(ctx, args[0], options...)
			})
		},
	}
	expected.define(cmd.Flags(), "delete only this version")
	partition.define(cmd.Flags(), "the partition key under which the record was put")
	cmd.Flags().BoolVar(&once, "exactly-once", false, onceUsage)
	return cmd
}

func (c *Connection) deleteRange() *cobra.Command {
	var partition partitionFlag
	var low, high string
	var once bool
	cmd := &cobra.Command{
		Use:   "delete-range",
		Short: "Delete all records of a range",
		Long: `Deletes the records from --key-min to --key-max, without the latter, in all shards or in
that of --partition-key. Both ends must be given; an empty --key-max is unbounded. In
each shard it happens at one moment; if the command fails it may have happened in some.

In the hierarchical order of keys a/ to a// is what is directly below a/.`,
		Example: `  ostraka client delete-range -s config/ -e config//
  ostraka client delete-range -s '' -e ''      # everything`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, flag := range []string{"key-min", "key-max"} {
				if err := arguments.Require(cmd, flag, "name both ends of the range; '' is unbounded"); err != nil {
					return err
				}
			}
			var options []client.DeleteRangeOption
			if routed, given := partition.option(); given {
				options = append(options, routed)
			}
			if once {
				options = append(options, client.ExactlyOnce())
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				return used.DeleteRange(ctx, low, high, options...)
			})
		},
	}
	cmd.Flags().StringVarP(&low, "key-min", "s", "", "first key")
	cmd.Flags().StringVarP(&high, "key-max", "e", "", "end of the range, which is not part of it")
	partition.define(cmd.Flags(), "only in the shard that this key chooses")
	cmd.Flags().BoolVar(&once, "exactly-once", false, onceUsage)
	return cmd
}
