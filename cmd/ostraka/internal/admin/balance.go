package admin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/arguments"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// stepItem is one thing that the balancer does now, would do next, or holds back: When
// says which.
type stepItem struct {
	When   string `json:"when"`
	Kind   string `json:"kind,omitempty"`
	Shard  string `json:"shard,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	About  string `json:"about,omitempty"`
	Reason string `json:"reason"`
}

var stepColumns = []string{"WHEN", "WHAT", "SHARD", "FROM", "TO", "WHY"}

func (s stepItem) Row() []string {
	about := s.Shard
	if about == "" {
		about = s.About
	}
	return []string{s.When, orNone(s.Kind), orNone(about), orNone(s.From), orNone(s.To), s.Reason}
}

func balanceCommand(target *Target) *cobra.Command {
	return &cobra.Command{
		Use:   "balance",
		Short: "Explain what the balancer does, would do next, and why no more",
		Long: `Shows what is under way (now), what the balancer would do next, in order (next), each with
the figures that it goes by, and what it does not do at present and why (held-back).`,
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
			steps := stepsOf(answer)
			if len(steps) == 0 && output.Format(target.format) == output.Table {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "balanced: there is nothing to do, and nothing is held back")
				return err
			}
			return show(target.printer(cmd, stepColumns...), steps...)
		},
	}
}

func stepsOf(answer *api.ExplainBalanceResponse) []stepItem {
	var steps []stepItem
	for _, n := range answer.GetUnderWay() {
		steps = append(steps, stepItem{When: "now", About: n.GetAbout(), Reason: n.GetText()})
	}
	for _, m := range answer.GetMoves() {
		steps = append(steps, stepItem{
			When: "next", Kind: m.GetKind(), Shard: shardName(m.GetNamespace(), m.GetShard()), From: m.GetFrom(), To: m.GetTo(), Reason: m.GetReason(),
		})
	}
	for _, n := range answer.GetHeldBack() {
		steps = append(steps, stepItem{When: "held-back", About: n.GetAbout(), Reason: n.GetText()})
	}
	return steps
}
