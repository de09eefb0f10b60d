package coordinator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
)

// reconcile changes the status to what is wanted, stores it, and then brings about what
// it says. It returns when to do so again though nothing changed; zero if that is not known.
func (r *reign) reconcile(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	now := time.Now()
	wanted := r.options.Config.Current()
	options := r.options.Plan.With(wanted.GetLoadBalancer())
	decision := plan.Plan(wanted, r.view.observed(now, r.status, r.began, options))
	if err := r.change(ctx, decision.Actions); err != nil {
		return time.Time{}, err
	}
	if told := fmt.Sprint(decision.Notes); told != r.noted {
		for _, n := range decision.Notes {
			r.logger.Warn("the configuration asks for what cannot be done at present", "what", n.About, "why", n.Reason)
		}
		r.noted = told
	}
	r.wanted, r.notes = wanted, decision.Notes
	r.view.set(r.status, r.version, wanted, decision.Notes)
	if err := r.enact(ctx, now); err != nil {
		return time.Time{}, err
	}
	r.transfer(decision.Actions)
	r.moves.settle(r.view, options, now)
	return decision.Again, nil
}

// change stores the status as it is after some actions. Those that change nothing that is
// stored are left for later.
func (r *reign) change(ctx context.Context, actions []plan.Action) error {
	lasting := slices.DeleteFunc(slices.Clone(actions), func(a plan.Action) bool { return !a.Lasts() })
	if len(lasting) == 0 {
		return nil
	}
	if err := r.storeStatus(ctx, plan.Apply(r.status, lasting), r.version); err != nil {
		// What is stored now, and by whom, is not known: the next plan begins there.
		if loadErr := r.loadStatus(ctx); loadErr != nil {
			r.logger.Warn("the cluster's status cannot be read", "error", loadErr)
		}
		return err
	}
	for _, a := range lasting {
		r.logger.Info("cluster changed", "action", a.String())
		if moved, moves := a.(plan.SetEnsemble); moves {
			r.moves.replica(moved.Change)
		}
	}
	return nil
}

// transfer moves the leaderships that were planned to move.
func (r *reign) transfer(actions []plan.Action) {
	for _, a := range actions {
		if t, is := a.(plan.TransferLeader); is {
			r.logger.Info("cluster changes", "action", t.String())
			r.view.transferred(t.Shard, t.To)
			r.moves.leader(t)
			r.driver.Transfer(t.Shard, t.To)
		}
	}
}
