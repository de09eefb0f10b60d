package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

// terminateWithin bounds a restart's first half: a server waits less for its
// leaderships to move.
const terminateWithin = 30 * time.Second

// play carries a plan out. A step that is late is not left out. It returns when all is
// undone.
func play(ctx context.Context, c *cluster.Cluster, steps []Step, begun time.Time, tell func(string)) error {
	for _, step := range steps {
		if !sleepUntil(ctx, begun.Add(step.At)) {
			break
		}
		tell(fmt.Sprintf("%v", step))
		if err := strike(c, step); err != nil {
			return fmt.Errorf("%s %v: %w", step.Fault, step.Victims, err)
		}
		sleepUntil(ctx, begun.Add(step.Until))
		if err := c.Recover(); err != nil {
			return fmt.Errorf("undo %s %v: %w", step.Fault, step.Victims, err)
		}
	}
	return c.Recover()
}

// sleepUntil reports whether the time came before the end of the context.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func strike(c *cluster.Cluster, step Step) error {
	var failed []error
	first := step.Victims[0]
	switch step.Fault {
	case KillServer, KillMajority, KillCoordinator:
		for _, name := range step.Victims {
			failed = append(failed, c.Member(name).Kill())
		}
	case PauseServer, PauseCoordinator:
		failed = append(failed, c.Member(first).Pause())
	case RestartServer:
		failed = append(failed, c.Member(first).Terminate(terminateWithin))
	case CutPair:
		c.CutBoth(first, step.Victims[1])
	case CutOneWay:
		c.Cut(first, step.Victims[1])
	case IsolateServer, IsolateCoordinator:
		c.Isolate(first, false)
	case IsolateEntirely:
		c.Isolate(first, true)
	case CutClients:
		c.CutBoth(first, cluster.Clients)
	default:
		return fmt.Errorf("no fault %q", step.Fault)
	}
	return errors.Join(failed...)
}
