package plan

import (
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	// settleBatch is how many changes that are of no further use are dropped for that alone.
	// Otherwise they are dropped with whatever else is stored.
	settleBatch = 64
	// maxRested is how many changes that are complete are kept, so that a long balancing
	// does not make the status grow: the oldest go first, and rest less.
	maxRested = 1000
)

// settle forgets the changes that are complete, and have been for so long that nothing
// depends on when they were.
func (p *planning) settle() {
	changing := map[replication.ShardID]bool{}
	for i := range p.picture.shards {
		if x := &p.picture.shards[i]; x.changed && x.changing {
			changing[x.id] = true
		}
	}
	var rested, over []replication.ShardID
	for _, c := range p.status.Changes {
		switch {
		case changing[c.Shard]:
		case !p.observed.Now.Before(p.moment(c.Began).Add(p.keep(c.Kind))):
			over = append(over, c.Shard)
		default:
			rested = append(rested, c.Shard)
		}
	}
	over = append(over, rested[:max(0, len(rested)-maxRested)]...)
	if len(over) >= settleBatch || len(over) > 0 && slices.ContainsFunc(p.decision.Actions, Action.Lasts) {
		p.do(Settle{Shards: over})
	}
}

// keep is for how long something depends on a change.
func (p *planning) keep(kind Kind) time.Duration {
	least := max(p.options.Rest, p.options.Interval, p.options.Quarantine)
	if kind == KindLoad {
		return max(least, p.options.LoadRest)
	}
	return least
}
