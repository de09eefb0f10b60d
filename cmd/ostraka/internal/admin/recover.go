package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// maxConfirmation bounds what is read of a line that should be the name of a shard.
const maxConfirmation = 1 << 10

// errNotRecovered is that a shard was not led when the command was to wait no longer.
var errNotRecovered = errors.New("it is not done yet: ostraka admin status shows whether it was begun; while nobody leads the shard, it may be asked for again")

// recoverFlags are those of recover.
type recoverFlags struct {
	survivors []string
	unsafe    bool
	confirm   string
	timeout   timeoutFlag
}

func shardRecover(target *Target) *cobra.Command {
	var flags recoverFlags
	cmd := &cobra.Command{
		Use:   "recover SHARD",
		Short: "Make a shard of what is left when its majority is lost for good",
		Long: `Makes the named survivors' replicas the whole ensemble of a shard, although the others were
a majority. Only for servers that will never come back: entries that no survivor has are
lost, acknowledged ones among them, and a lost server that comes back is not asked again.
While a majority can be reached it is refused.

It tells what may be lost, and asks for the shard's name; --confirm gives it beforehand.
Without --unsafe it tells, and does nothing. A mark stays in the cluster's status for ever.`,
		Example: `  ostraka admin shard recover orders/3 --survivor db-2
  ostraka admin shard recover orders/3 --survivor db-2 --unsafe
  ostraka admin shard recover orders/3 --survivor db-2 --unsafe --confirm orders/3`,
		Args:              arguments.Exactly("SHARD"),
		ValidArgsFunction: completeShards(target, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			shard, err := flags.check(cmd, args[0])
			if err != nil {
				return err
			}
			if err := recoverShard(target, cmd, shard, &flags); err != nil {
				return fmt.Errorf("recover shard %s: %w", args[0], err)
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&flags.survivors, "survivor", nil, "a server whose replica is to be in the ensemble; may be repeated")
	cmd.Flags().BoolVar(&flags.unsafe, "unsafe", false, "do it, and not only tell what may be lost")
	cmd.Flags().StringVar(&flags.confirm, "confirm", "", "the shard's name, namespace/number, for when nobody is there to type it")
	flags.timeout.define(cmd, electionTimeout)
	completeFlags(target, cmd, "survivor")
	return cmd
}

func (f *recoverFlags) check(cmd *cobra.Command, name string) (*api.ShardName, error) {
	if err := arguments.Require(cmd, "survivor", "name the servers whose replicas are left"); err != nil {
		return nil, err
	}
	if err := f.timeout.check(); err != nil {
		return nil, err
	}
	shard, err := parseShard(name)
	if err != nil {
		return nil, err
	}
	if shard.GetNamespace() == "" {
		return nil, exit.Misuse("SHARD %s: give its whole name, namespace/number, as it is to be recovered", name)
	}
	if cmd.Flags().Changed("confirm") && f.confirm != name {
		return nil, exit.Usage("confirm", f.confirm, "it must be "+name+", the shard that is to be recovered")
	}
	return shard, nil
}

// recoverShard tells what may be lost and, if that is what the user wants, does it.
func recoverShard(target *Target, cmd *cobra.Command, shard *api.ShardName, flags *recoverFlags) error {
	request := &api.RecoverShardRequest{Shard: shard, Survivors: flags.survivors, Preview: true}
	ask := func() (recovery *api.ClusterRecovery, err error) {
		err = target.await(cmd.Context(), flags.timeout.within, errNotRecovered, func(ctx context.Context, c api.OstrakaAdminClient) error {
			answer, err := c.RecoverShard(ctx, request)
			recovery = answer.GetRecovery()
			return err
		})
		return recovery, err
	}
	foreseen, err := ask()
	if err != nil {
		return err
	}
	name := shardName(shard.GetNamespace(), shard.GetShard())
	fmt.Fprintf(cmd.ErrOrStderr(), "shard %s would be made of what %s holds; left out: %s\nmay be lost: %s\n",
		name, strings.Join(foreseen.GetSurvivors(), ", "), orNone(strings.Join(foreseen.GetLeftOut(), ", ")), foreseen.GetMayBeLost())
	if !flags.unsafe {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing was done: give --unsafe to do it")
		return nil
	}
	request.Preview, request.Confirm = false, flags.confirm
	if request.GetConfirm() == "" {
		if request.Confirm, err = typed(cmd, name); err != nil {
			return err
		}
	}
	recovery, err := ask()
	if err != nil {
		return err
	}
	return show(target.printer(cmd, recoveryColumns...), recoveryOf(recovery))
}

// typed has the user type the shard's name.
func typed(cmd *cobra.Command, name string) (string, error) {
	fmt.Fprintf(cmd.ErrOrStderr(), "type %s to recover it: ", name)
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), maxConfirmation)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the shard's name: %w; --confirm gives it beforehand", err)
	}
	if got := strings.TrimSpace(line); got != name {
		return "", exit.Misuse("%q is not %q: nothing was done", got, name)
	}
	return name, nil
}
