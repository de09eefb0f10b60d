package admin

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// stepItem is one thing that the balancer does now, would do next, holds back or cannot
// do: When says which.
type stepItem struct {
	When   string   `json:"when"`
	Kind   string   `json:"kind,omitempty"`
	Shard  string   `json:"shard,omitempty"`
	About  string   `json:"about,omitempty"`
	From   []string `json:"from,omitempty"`
	To     []string `json:"to,omitempty"`
	Cause  string   `json:"cause,omitempty"`
	Reason string   `json:"reason"`
}

var stepColumns = []string{"WHEN", "WHAT", "ABOUT", "FROM", "TO", "FOR", "WHY"}

func (s stepItem) Row() []string {
	about := s.About
	if s.Shard != "" {
		about = "shard " + s.Shard
	}
	return []string{
		s.When, orNone(s.Kind), orNone(about), orNone(strings.Join(s.From, ",")), orNone(strings.Join(s.To, ",")), orNone(s.Cause), s.Reason,
	}
}

// shareItem is what one server has of a cluster.
type shareItem struct {
	Server          string  `json:"server"`
	Replicas        uint32  `json:"replicas"`
	Leaderships     uint32  `json:"leaderships"`
	Bytes           int64   `json:"bytes"`
	WritesPerSecond float64 `json:"writesPerSecond"`
	ReadsPerSecond  float64 `json:"readsPerSecond"`
	NoReplicas      string  `json:"noReplicas,omitempty"`
	NoLeaderships   string  `json:"noLeaderships,omitempty"`
}

var shareColumns = []string{"SERVER", "REPLICAS", "LEADS", "SIZE", "WRITES/S", "READS/S", "IS GIVEN"}

func (s shareItem) Row() []string {
	given := "anything"
	switch {
	case s.NoReplicas != "" && s.NoLeaderships != "":
		given = "nothing: " + s.NoReplicas
	case s.NoReplicas != "":
		given = "no replicas: " + s.NoReplicas
	case s.NoLeaderships != "":
		given = "no leaderships: " + s.NoLeaderships
	}
	return []string{
		s.Server, number(s.Replicas), number(s.Leaderships), size(s.Bytes), rate(s.WritesPerSecond), rate(s.ReadsPerSecond), given,
	}
}

// balanceKinds are the fields in which the items are, in JSON and YAML.
type balanceKinds struct {
	Server *shareItem `json:"server,omitempty"`
	Step   *stepItem  `json:"step,omitempty"`
}

// Row makes it an item; in a table each kind has a table of its own.
func (balanceKinds) Row() []string { return nil }

func balanceCommand(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:   "balance",
		Short: "Explain what the balancer does, would do next, and why no more",
		Long: `Shows what each server has, and then, each with the figures that the balancer goes by:

  now          what is under way
  next         what it would do next, in order
  held-back    why some of that is not done yet
  impossible   what is wanted and cannot be brought about at present`,
		Example: `  ostraka admin balance
  ostraka admin balance -o json`,
		Args: arguments.Exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer *api.ExplainBalanceResponse
			err := target.operate(cmd.Context(), callTimeout, func(ctx context.Context, c api.OstrakaAdminClient) (err error) {
				answer, err = c.ExplainBalance(ctx, &api.ExplainBalanceRequest{})
				return err
			})
			if err != nil {
				return fmt.Errorf("explain the balance: %w", err)
			}
			return showBalance(target, cmd, sharesOf(answer), stepsOf(answer))
		},
	}
}

func showBalance(target *Target, cmd *cobra.Command, shares []shareItem, steps []stepItem) error {
	if output.Format(target.format) != output.Table {
		var items []balanceKinds
		for _, s := range shares {
			items = append(items, balanceKinds{Server: &s})
		}
		for _, s := range steps {
			items = append(items, balanceKinds{Step: &s})
		}
		return show(target.printer(cmd), items...)
	}
	if err := show(target.printer(cmd, shareColumns...), shares...); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout())
	if len(steps) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "balanced: there is nothing to do, and nothing is held back")
		return nil
	}
	return show(target.printer(cmd, stepColumns...), steps...)
}

func sharesOf(answer *api.ExplainBalanceResponse) []shareItem {
	shares := make([]shareItem, len(answer.GetServers()))
	for i, s := range answer.GetServers() {
		shares[i] = shareItem{
			Server: s.GetServer(), Replicas: s.GetReplicas(), Leaderships: s.GetLeaderships(), Bytes: s.GetBytes(),
			WritesPerSecond: s.GetWritesPerSecond(), ReadsPerSecond: s.GetReadsPerSecond(),
			NoReplicas: s.GetNoReplicas(), NoLeaderships: s.GetNoLeaderships(),
		}
	}
	return shares
}

func stepsOf(answer *api.ExplainBalanceResponse) []stepItem {
	var items []stepItem
	steps := func(when string, all []*api.BalanceStep) {
		for _, s := range all {
			item := stepItem{When: when, Kind: s.GetKind(), From: s.GetFrom(), To: s.GetTo(), Cause: s.GetCause(), Reason: s.GetReason()}
			if s.Shard != nil {
				item.Shard = shardName(s.GetNamespace(), s.GetShard())
			}
			items = append(items, item)
		}
	}
	reasons := func(when string, all []*api.ClusterNote) {
		for _, n := range all {
			items = append(items, stepItem{When: when, About: n.GetAbout(), Reason: n.GetText()})
		}
	}
	steps("now", answer.GetUnderWay())
	steps("next", answer.GetNext())
	reasons("held-back", answer.GetHeldBack())
	reasons("impossible", answer.GetImpossible())
	return items
}
