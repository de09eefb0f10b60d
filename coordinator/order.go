package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/plan"
	"github.com/ostraka-db/ostraka/replication"
)

// order is a change of the cluster's status that an administrator asks for. It is carried
// out by the reign's own goroutine, between two plans.
type order struct {
	// change returns what is to be done to the status, or why it cannot be.
	change func(plan.Status) ([]plan.Action, error)
	// done takes the outcome.
	done chan error
}

// carryOut carries an order out, in the reign's goroutine.
func (r *reign) carryOut(ctx context.Context, o order) error {
	actions, err := o.change(r.status)
	if err != nil || len(actions) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	switch err := r.change(ctx, actions); {
	case errors.Is(err, metadata.ErrConflict):
		return &orderError{kind: ErrChanged, cause: err, text: "nothing was done"}
	case err != nil:
		return &orderError{kind: ErrStore, cause: err, text: "it may have been done"}
	}
	r.view.set(r.status, r.version, r.wanted, r.notes)
	if err := r.enact(ctx, time.Now()); err != nil {
		r.logger.Warn("the cluster is not brought to its status; trying again", "error", err)
	}
	return nil
}

// reign returns the present one, once it knows what there is.
func (c *Coordinator) reign() (*reign, error) {
	c.mu.Lock()
	r := c.leading
	c.mu.Unlock()
	if r != nil {
		return r, nil
	}
	if state := c.candidate.State(); !state.Leads && state.Holder != "" {
		return nil, refuse(ErrNotLeading, "coordinator %s leads: call %s", state.Holder, state.Address)
	}
	return nil, refuse(ErrNotLeading, "this coordinator does not lead, or has just begun to: try again")
}

// shard returns what is known of a shard that is not on its way out.
func (r *reign) shard(id replication.ShardID) (ShardSnapshot, error) {
	s, found := r.view.shardNow(id)
	if !found {
		return s, refuse(ErrNotFound, "there is no shard %d", id)
	}
	if s.Document.Version == 0 {
		return s, refuse(ErrRefused, "shard %d has not begun yet: it waits for its servers", id)
	}
	return s, nil
}

// order changes the status, and returns when that is stored.
func (r *reign) order(ctx context.Context, change func(plan.Status) ([]plan.Action, error)) error {
	o := order{change: change, done: make(chan error, 1)}
	select {
	case r.orders <- o:
	case <-r.over:
		return refuse(ErrNotLeading, "this coordinator does not lead any more")
	case <-ctx.Done():
		return &orderError{kind: ErrRefused, cause: context.Cause(ctx), text: "nothing was done"}
	}
	select {
	case err := <-o.done:
		return err
	case <-r.over:
		return refuse(ErrStore, "this coordinator does not lead any more; what was asked for may be stored")
	case <-ctx.Done():
		return goesOn(ctx, "what was asked for is being stored")
	}
}

// wait waits until something holds, which it looks at when anything changed; and, with
// again set, each time that some time went by.
func (r *reign) wait(
	ctx context.Context, every time.Duration, holds func(again bool) (bool, error), format string, args ...any,
) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	again := false
	for {
		changed := r.view.watch()
		if done, err := holds(again); done || err != nil {
			return err
		}
		again = false
		select {
		case <-changed:
		case <-ticker.C:
			again = true
		case <-r.over:
			return refuse(ErrGoesOn, "this coordinator does not lead any more; the next one goes on")
		case <-ctx.Done():
			return goesOn(ctx, format, args...)
		}
	}
}
