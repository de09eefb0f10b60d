package coordinator

import (
	"context"
	"fmt"

	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// reconcile changes the status to what is wanted, stores it, and then brings about what
// it says.
func (r *reign) reconcile(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	wanted := r.options.Config.Current()
	decision := plan.Plan(wanted, r.view.observed(r.status))
	actions, notes := decision.Actions, decision.Notes
	if err := r.change(ctx, actions); err != nil {
		return err
	}
	if told := fmt.Sprint(notes); told != r.noted {
		for _, n := range notes {
			r.logger.Warn("the configuration asks for what cannot be done at present", "what", n.About, "why", n.Reason)
		}
		r.noted = told
	}
	r.wanted, r.notes = wanted, notes
	r.view.set(r.status, wanted, notes)
	return r.enact()
}

// change stores the status as it is after some actions.
func (r *reign) change(ctx context.Context, actions []plan.Action) error {
	if len(actions) == 0 {
		return nil
	}
	if err := r.storeStatus(ctx, plan.Apply(r.status, actions), r.version); err != nil {
		// What is stored now, and by whom, is not known: the next plan begins there.
		if loadErr := r.loadStatus(ctx); loadErr != nil {
			r.logger.Warn("the cluster's status cannot be read", "error", loadErr)
		}
		return err
	}
	for _, a := range actions {
		r.logger.Info("cluster changed", "action", a.String())
	}
	return nil
}

// enact makes connections and elections what the status says.
func (r *reign) enact() error {
	addresses := map[replication.ServerID]string{}
	for _, s := range r.status.Servers {
		addresses[s.Name] = s.Internal
		if !r.peers[s.Name] {
			r.peers[s.Name] = true
			r.driver.Join(s.Name)
		}
	}
	r.transport.SetPeers(addresses)
	err := r.attending.SetServers(addresses)
	for _, n := range r.status.Namespaces {
		for _, shard := range n.Shards {
			settings, settingsErr := n.Settings(shard)
			if settingsErr != nil {
				return settingsErr
			}
			before, known := r.coordinated[shard.ID]
			switch {
			case !known:
				r.driver.Coordinate(shard.ID, shard.Ensemble, settings)
			case before != string(settings):
				r.driver.ChangeSettings(shard.ID, settings)
			default:
				continue
			}
			r.coordinated[shard.ID] = string(settings)
		}
	}
	return err
}
