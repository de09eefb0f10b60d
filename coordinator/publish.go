package coordinator

import (
	"context"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/attend"
	"github.com/ostraka-db/ostraka/replication"
)

const (
	// publishPause is how long a publisher rests after each state, so that a thousand
	// elections that end together are a few states. The first is told at once.
	publishPause = 3 * time.Millisecond
	// rumourAfter is within how long servers are told what is not worth a state of its
	// own.
	rumourAfter = 100 * time.Millisecond
)

// revisionsPerRun is how many revisions a reign has in each millisecond of its
// life: runs are numbered by the milliseconds of the clock, so that those of the next
// are higher.
const revisionsPerRun = 1 << 20

// publish tells the servers the cluster's state, at once after news.
func publish(ctx context.Context, v *view, servers *attend.Set, self replication.Server) {
	revision := int64(self.Run) * revisionsPerRun
	var soon <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.rumour:
			if soon == nil {
				soon = time.After(rumourAfter)
			}
			continue
		case <-v.news:
		case <-soon:
		}
		soon = nil
		state := v.clusterState()
		revision++
		state.Coordinator, state.Revision = string(self.ID), revision
		servers.Publish(state)
		select {
		case <-ctx.Done():
			return
		case <-time.After(publishPause):
		}
	}
}
