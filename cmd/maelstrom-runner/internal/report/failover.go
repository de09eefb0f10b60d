package report

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/failover"
)

// Failover is the result of a measurement of failovers.
type Failover struct {
	Trials   []FailoverTrial `json:"trials"`
	MedianMS float64         `json:"median_ms"`
	MaxMS    float64         `json:"max_ms"`
}

// FailoverTrial is one killed leader.
type FailoverTrial struct {
	Leader  string  `json:"leader"`
	TookMS  float64 `json:"took_ms"`
	Resumed string  `json:"resumed_at"` // the node that answered first
}

// CountFailovers fills in what was measured.
func (r *Results) CountFailovers(trials []failover.Trial) {
	r.Failover = &Failover{}
	var took []time.Duration
	for _, t := range trials {
		took = append(took, t.Took)
		r.Failover.Trials = append(r.Failover.Trials, FailoverTrial{t.Leader, millis(t.Took), t.Resumed})
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	middle := took[(len(took)-1)/2]
	if len(took)%2 == 0 {
		middle = (middle + took[len(took)/2]) / 2
	}
	r.Failover.MedianMS, r.Failover.MaxMS = millis(middle), millis(took[len(took)-1])
}
