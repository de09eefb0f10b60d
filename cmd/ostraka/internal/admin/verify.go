package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

const (
	verifyWithin = 20 * time.Second
	// verifyMargin is how much longer a command waits than the coordinator that it asks.
	verifyMargin = 10 * time.Second
)

// digestsItem is what a shard's digests tell.
type digestsItem struct {
	Shard    string       `json:"shard"`
	Verdict  string       `json:"verdict"`
	Replicas []digestItem `json:"replicas"`
}

// Row makes it an item; a table has a row for each replica instead.
func (d digestsItem) Row() []string { return nil }

type digestItem struct {
	shard   string
	Server  string `json:"server"`
	ID      int64  `json:"replica"`
	Verdict string `json:"verdict"`
	Offset  int64  `json:"offset"`
	Digest  string `json:"digest,omitempty"`
	Problem string `json:"problem,omitempty"`
}

var digestColumns = []string{"SHARD", "SERVER", "REPLICA", "VERDICT", "OFFSET", "DIGEST", "WHY"}

func (d digestItem) Row() []string {
	return []string{d.shard, d.Server, number(d.ID), d.Verdict, number(d.Offset), orNone(d.Digest), orNone(d.Problem)}
}

func digestsOf(told *api.ShardDigests) digestsItem {
	item := digestsItem{Shard: shardName(told.GetNamespace(), told.GetShard()), Verdict: word(told.GetVerdict(), "DIGEST_VERDICT_")}
	for _, r := range told.GetReplicas() {
		one := digestItem{
			shard: item.Shard, Server: r.GetServer(), ID: r.GetReplica(), Verdict: word(r.GetVerdict(), "DIGEST_VERDICT_"),
			Offset: r.GetOffset(), Problem: r.GetProblem(),
		}
		if r.GetOffset() > 0 {
			one.Digest = fmt.Sprintf("%016x", r.GetDigest())
		}
		item.Replicas = append(item.Replicas, one)
	}
	return item
}

func shardVerify(target *Target) *cobra.Command {
	var namespace string
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "verify [SHARD]...",
		Short: "Compare the digests of replicas",
		Long: `Holds the digests of replicas' states against each other where they stand at equal offsets,
of the shards that are named or of all. Replicas that applied the same entries have the
same digest.

  agrees         it has the digest that the others have
  differs        most voters have another one: it is wrong, and is rebuilt by itself
  disputed       digests differ, and no majority says which is right
  not-compared   there was no equal offset; WHY says what was in the way

The table has only replicas that do not agree; -o json has all. The exit code is 3 if any
differs or is disputed.`,
		Example: `  ostraka admin shard verify
  ostraka admin shard verify orders/3 orders/4 --within 2m
  ostraka admin shard verify --namespace orders -o json`,
		ValidArgsFunction: completeShards(target, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := statusFlags{namespace: namespace}
			asked, err := flags.request(cmd, args)
			if err != nil {
				return err
			}
			if within < time.Millisecond {
				return exit.Usage("within", within, "give a duration above 0, such as 20s")
			}
			request := &api.VerifyDigestsRequest{Namespace: asked.GetNamespace(), Shards: asked.GetShards(), WithinMs: within.Milliseconds()}
			return verify(target, cmd, request, within+verifyMargin)
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "only the shards of this namespace")
	cmd.Flags().DurationVar(&within, "within", verifyWithin, "how long to wait for replicas to come to equal offsets")
	return cmd
}

// verify prints what digests tell, and returns an error if something is wrong with any.
func verify(target *Target, cmd *cobra.Command, request *api.VerifyDigestsRequest, timeout time.Duration) error {
	columns := digestColumns
	table := output.Format(target.format) == output.Table
	if !table {
		columns = nil
	}
	p := target.printer(cmd, columns...)
	counts := map[api.DigestVerdict]int{}
	shards := 0
	err := target.operate(cmd.Context(), timeout, func(ctx context.Context, c api.OstrakaAdminClient) error {
		stream, err := c.VerifyDigests(ctx, request)
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
			for _, told := range part.GetShards() {
				shards++
				counts[told.GetVerdict()]++
				if err := printDigests(p, table, digestsOf(told)); err != nil {
					return err
				}
			}
		}
	})
	if err != nil {
		return fmt.Errorf("verify digests: %w", err)
	}
	if err := p.Flush(); err != nil {
		return err
	}
	return summary(cmd, shards, counts)
}

func printDigests(p *output.Printer, table bool, item digestsItem) error {
	if !table {
		return p.Print(item)
	}
	for _, r := range item.Replicas {
		if r.Verdict == "agrees" {
			continue
		}
		if err := p.Print(r); err != nil {
			return err
		}
	}
	return nil
}

// summary says how many shards came out how, beside the output.
func summary(cmd *cobra.Command, shards int, counts map[api.DigestVerdict]int) error {
	var parts []string
	for _, verdict := range []api.DigestVerdict{
		api.DigestVerdict_DIGEST_VERDICT_AGREES, api.DigestVerdict_DIGEST_VERDICT_DIFFERS,
		api.DigestVerdict_DIGEST_VERDICT_DISPUTED, api.DigestVerdict_DIGEST_VERDICT_NOT_COMPARED,
	} {
		if n := counts[verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word(verdict, "DIGEST_VERDICT_")))
		}
	}
	text := fmt.Sprintf("%d shards: %s", shards, orNone(strings.Join(parts, ", ")))
	if counts[api.DigestVerdict_DIGEST_VERDICT_DIFFERS]+counts[api.DigestVerdict_DIGEST_VERDICT_DISPUTED] > 0 {
		return exit.With(exit.NotFound, errors.New("replicas differ: "+text))
	}
	fmt.Fprintln(cmd.ErrOrStderr(), text)
	return nil
}
