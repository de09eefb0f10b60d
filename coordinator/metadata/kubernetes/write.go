package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

// pauseMost bounds the pause, of a random length, after a race that was lost.
const pauseMost = 20 * time.Millisecond

// part is what of an Update concerns one object.
type part struct {
	// ctx is the Update's.
	ctx     context.Context
	pending []*pending
	// done is closed when every change has its outcome.
	done chan struct{}
}

// pending is a change that waits for its outcome.
type pending struct {
	change metadata.Change
	// position is the change's among those of its Update.
	position int
	err      error
}

// await puts the outcomes in their places.
func (u *part) await(errs []error) {
	select {
	case <-u.done:
		for _, c := range u.pending {
			errs[c.position] = c.err
		}
	case <-u.ctx.Done():
		for _, c := range u.pending {
			errs[c.position] = fmt.Errorf("store document %s: %w", c.change.Key, u.ctx.Err())
		}
	}
}

// work writes what waits, all of it at once, until the context is done.
func (o *object) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-o.waiting:
			o.writeTogether(ctx, o.takeWaiting(first))
		}
	}
}

func (o *object) takeWaiting(first *part) []*part {
	batch := []*part{first}
	for len(batch) < maxWaiting {
		select {
		case next := <-o.waiting:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (o *object) writeTogether(ctx context.Context, batch []*part) {
	var all []*pending
	for _, u := range batch {
		if u.ctx.Err() == nil { // otherwise nobody waits for it
			all = append(all, u.pending...)
		}
	}
	o.write(ctx, all)
	for _, u := range batch {
		close(u.done)
	}
}

// write makes changes, and sets what became of each.
func (o *object) write(ctx context.Context, all []*pending) {
	if len(all) == 0 {
		return
	}
	// What is known need not be what is stored: it will do for a write, which would
	// not come about, and not for telling anybody of a conflict.
	base, certain := o.last(), false
	for range maxRaces {
		if base == nil {
			var err error
			if base, err = o.read(ctx); err != nil {
				fail(all, err)
				return
			}
			certain = true
		}
		state, changed, conflict := apply(base, all)
		if conflict && !certain {
			base = nil
			continue
		}
		if !changed {
			return
		}
		next := o.next(base, state)
		err := o.put(ctx, base, next)
		switch {
		case err == nil:
			return
		case errors.Is(err, errTooLarge) && len(all) > 1:
			// Some of them may fit.
			o.write(ctx, all[:len(all)/2])
			o.write(ctx, all[len(all)/2:])
			return
		case !errors.Is(err, errRaced):
			fail(all, o.tooLarge(err))
			return
		}
		if base, err = o.read(ctx); err != nil {
			fail(all, err)
			return
		}
		if certain = true; base.content.header.Writer == next.header.Writer {
			return // something on the way repeated the request: it was this very write
		}
		pause(ctx)
	}
	fail(all, fmt.Errorf("%w, %d times", errRaced, maxRaces))
}

// apply makes all changes that can be made, and reports whether there were any, and
// whether any conflicts.
func apply(base *stored, all []*pending) (next *packed.State, changed, conflict bool) {
	next = base.content.state.Clone()
	for _, c := range all {
		c.err = next.Apply(c.change)
		changed = changed || c.err == nil
		conflict = conflict || errors.Is(c.err, metadata.ErrConflict)
	}
	return next, changed, conflict
}

// fail sets what became of changes when their write did not come about. What conflicts
// does so all the same.
func fail(all []*pending, err error) {
	for _, c := range all {
		if !errors.Is(c.err, metadata.ErrConflict) {
			c.err = fmt.Errorf("store document %s: %w", c.change.Key, err)
		}
	}
}

func (o *object) tooLarge(err error) error {
	if !errors.Is(err, errTooLarge) {
		return err
	}
	return fmt.Errorf("the ConfigMap %s in namespace %s: %w. Delete namespaces that are not needed, "+
		"or make the cluster anew with a status of more objects than %d",
		o.name, o.provider.options.Client.Namespace, err, o.provider.options.Objects)
}

// pause lets a rival go on.
func pause(ctx context.Context) {
	timer := time.NewTimer(rand.N(pauseMost))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
