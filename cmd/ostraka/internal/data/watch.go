package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

func (c *Connection) notifications() *cobra.Command {
	var partition partitionFlag
	var after map[string]int64
	var count int
	cmd := &cobra.Command{
		Use:   "notifications",
		Short: "Watch what changes",
		Long: `Prints every change of the namespace's records from now on, until it is interrupted.
Changes of one shard come in their order, over changes of leader; each at least once.
Where the server has dropped some, a gap is told.

At its end it says on standard error with which --after to go on.`,
		Example: `  ostraka client notifications
  ostraka client notifications -o json --count 10
  ostraka client notifications --after 0=120,1=73`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 0 {
				return exit.Usage("count", count, "give 1 or more, or 0 for no limit")
			}
			var options []client.SubscribeOption
			if routed, given := partition.option(); given {
				options = append(options, routed)
			}
			position, err := parsePosition(after)
			if err != nil {
				return err
			}
			if len(position) > 0 {
				options = append(options, client.After(position))
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				subscription, err := used.Subscribe(ctx, options...)
				if err != nil {
					return err
				}
				defer subscription.Close()
				fmt.Fprintf(cmd.ErrOrStderr(), "watching namespace %s; interrupt to end\n", c.namespace)
				err = c.printEvents(ctx, cmd, subscription, count)
				fmt.Fprintf(cmd.ErrOrStderr(), "go on with --after %s\n", formatPosition(subscription.Position()))
				return err
			})
		},
	}
	partition.define(cmd.Flags(), "only the shard that this key chooses")
	cmd.Flags().StringToInt64Var(&after, "after", nil, "go on after these offsets, as shard=offset,...")
	cmd.Flags().IntVar(&count, "count", 0, "end after so many; 0: no limit")
	return cmd
}

func (c *Connection) printEvents(ctx context.Context, cmd *cobra.Command, subscription *client.Subscription, count int) error {
	p := c.printer(cmd.OutOrStdout(), eventColumns...)
	for printed := 0; count == 0 || printed < count; printed++ {
		next, err := subscription.Next(ctx)
		if interrupted(ctx, err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := printOne(p, eventOf(next)); err != nil {
			return err
		}
	}
	return nil
}

// interrupted reports whether a command that has no end of its own was ended by the
// user, which is how it should end.
func interrupted(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled)
}

func parsePosition(after map[string]int64) (map[int64]int64, error) {
	position := map[int64]int64{}
	for text, offset := range after {
		shard, err := strconv.ParseInt(text, 10, 64)
		if err != nil || shard < 0 || offset < 0 {
			return nil, exit.Usage("after", fmt.Sprintf("%s=%d", text, offset), "give what the command printed at its end, shard=offset,...")
		}
		position[shard] = offset
	}
	return position, nil
}

func formatPosition(position map[int64]int64) string {
	parts := make([]string, 0, len(position))
	for _, shard := range slices.Sorted(maps.Keys(position)) {
		parts = append(parts, fmt.Sprintf("%d=%d", shard, position[shard]))
	}
	return strings.Join(parts, ",")
}

func (c *Connection) sequenceUpdates() *cobra.Command {
	var partition partitionFlag
	var count int
	cmd := &cobra.Command{
		Use:   "sequence-updates KEY",
		Short: "Watch the newest key of a sequence",
		Long: `Prints the newest key of the sequence that begins with KEY, and each newer one as it
comes, until it is interrupted. Keys that are overtaken at once may be left out. A
sequence is kept by one shard: --partition-key must be the one that its records have.`,
		Example: `  ostraka client sequence-updates orders/o -p orders`,
		Args:    arguments.Exactly("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := arguments.Require(cmd, "partition-key", "give the one that the sequence's records were put with"); err != nil {
				return err
			}
			if count < 0 {
				return exit.Usage("count", count, "give 1 or more, or 0 for no limit")
			}
			return c.use(cmd, func(ctx context.Context, used *client.Client) error {
				p := c.printer(cmd.OutOrStdout())
				printed := 0
				for newest, err := range used.SequenceUpdates(ctx, args[0], partition.key) {
					if interrupted(ctx, err) {
						return nil
					}
					if err != nil {
						return err
					}
					if err := printOne(p, key{newest}); err != nil {
						return err
					}
					if printed++; count > 0 && printed >= count {
						return nil
					}
				}
				return nil
			})
		},
	}
	partition.define(cmd.Flags(), "the partition key of the sequence's records; must be given")
	cmd.Flags().IntVar(&count, "count", 0, "end after so many; 0: no limit")
	return cmd
}
