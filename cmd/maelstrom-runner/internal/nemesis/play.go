package nemesis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

// Target is the cluster that suffers. Starting a node that runs, or resuming one
// that is not paused, does nothing. Calls for different nodes may come at once.
type Target interface {
	Drop(network.Grudge)
	Heal()
	Lose(share float64)
	Duplicate(share float64)
	Slow(node string, extra time.Duration)
	Kill(node string) error
	Start(ctx context.Context, node string) error
	Pause(node string) error
	Resume(node string) error
}

// Observer is told of each step before it is carried out and after.
type Observer func(step Step, done bool, err error)

// Play carries out a plan whose times count from start. It returns when the plan is
// done, or the context ends. What goes wrong in a step is told to the observer.
func Play(ctx context.Context, plan []Step, start time.Time, target Target, observe Observer) {
	for _, step := range plan {
		timer := time.NewTimer(time.Until(start.Add(step.At)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		observe(step, false, nil)
		observe(step, true, apply(ctx, step, target))
	}
}

func apply(ctx context.Context, step Step, target Target) error {
	switch step.Do {
	case StartPartition:
		target.Drop(step.Grudge)
		return nil
	case StopPartition:
		target.Heal()
		return nil
	case StartLoss, StopLoss:
		target.Lose(step.Share)
		return nil
	case StartDuplicate, StopDuplicate:
		target.Duplicate(step.Share)
		return nil
	case SlowNodes, HastenNodes:
		for _, node := range step.Nodes {
			target.Slow(node, step.Extra)
		}
		return nil
	}
	// All nodes at once: one that starts slowly must not keep the others down.
	var running sync.WaitGroup
	errs := make([]error, len(step.Nodes))
	for i, node := range step.Nodes {
		running.Go(func() {
			if err := applyTo(ctx, step.Do, node, target); err != nil {
				errs[i] = fmt.Errorf("%s %s: %w", step.Do, node, err)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func applyTo(ctx context.Context, do Action, node string, target Target) error {
	switch do {
	case KillNodes:
		return target.Kill(node)
	case StartNodes:
		return target.Start(ctx, node)
	case PauseNodes:
		return target.Pause(node)
	case ResumeNodes:
		return target.Resume(node)
	}
	panic(fmt.Sprintf("nemesis: unknown action %q", do))
}
