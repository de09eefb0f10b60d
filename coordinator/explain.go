package coordinator

import (
	"time"

	"github.com/ostraka-db/ostraka/coordinator/plan"
)

// Explain returns what the planner would do next, and why not more of it. The error is
// ErrNotLeading.
func (c *Coordinator) Explain() (plan.Explanation, error) {
	r, err := c.reign()
	if err != nil {
		return plan.Explanation{}, err
	}
	r.view.mu.Lock()
	status, wanted := r.view.status, r.view.config
	r.view.mu.Unlock()
	options := r.options.Plan.With(wanted.GetLoadBalancer())
	return plan.Explain(wanted, r.view.observed(time.Now(), status, r.began, options)), nil
}
