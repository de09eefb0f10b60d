package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// parseShard reads a shard's name: namespace/number, or the number alone.
func parseShard(text string) (*api.ShardName, error) {
	namespace, digits, named := strings.Cut(text, "/")
	if !named {
		namespace, digits = "", text
	}
	shard, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || shard < 0 || named && namespace == "" {
		return nil, exit.Misuse("SHARD %s: give its number, or namespace/number as the status shows it, such as default/0", text)
	}
	return &api.ShardName{Namespace: namespace, Shard: shard}, nil
}

func parseShards(names []string) ([]*api.ShardName, error) {
	var shards []*api.ShardName
	for _, name := range names {
		shard, err := parseShard(name)
		if err != nil {
			return nil, err
		}
		shards = append(shards, shard)
	}
	return shards, nil
}

// completeWithin bounds how long a user who presses the tab key waits.
const completeWithin = 2 * time.Second

// completion returns names of a kind for the shell; none where nobody answers.
type completion func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeWith completes by what is read from a cluster's status. Only the first
// arguments are completed, as many as there may be.
func completeWith(target *Target, most int, names func(*picture) []string) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		p, err := target.status(ctx, &api.GetClusterStatusRequest{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(p), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeShards completes the names of shards.
func completeShards(target *Target, most int) completion {
	return completeWith(target, most, func(p *picture) []string {
		var names []string
		_, shards := p.inOrder()
		for _, s := range shards {
			names = append(names, fmt.Sprintf("%s\t%s", shardName(s.GetNamespace(), s.GetShard()), shardOf(s).state()))
		}
		return names
	})
}

// completeServers completes the names of servers, as arguments or as a flag's value.
func completeServers(target *Target, most int) completion {
	return completeWith(target, most, func(p *picture) []string {
		var names []string
		servers, _ := p.inOrder()
		for _, s := range servers {
			names = append(names, s.GetServer())
		}
		return names
	})
}

// completeFlags completes servers as the values of flags.
func completeFlags(target *Target, cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		// It fails only for a flag that is not there.
		_ = cmd.RegisterFlagCompletionFunc(flag, completeServers(target, 0))
	}
}
