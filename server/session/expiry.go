package session

import (
	"context"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/kv"
)

// run takes up reigns, and ends sessions whose time has come.
func (k *Keeper) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.wake:
		case <-timer.C:
		}
		begun, batches := k.due(time.Now())
		for _, r := range begun {
			if !k.start(func(ctx context.Context) { k.takeUp(ctx, r) }) {
				return
			}
		}
		for _, b := range batches {
			if !k.start(func(ctx context.Context) { k.expire(ctx, b) }) {
				return
			}
		}
		if next, any := k.next(); any {
			timer.Reset(max(time.Until(next), 0))
		}
	}
}

// start starts a piece of work when there is room for it, and reports false if the
// keeper ends instead.
func (k *Keeper) start(work func(context.Context)) bool {
	select {
	case k.working <- struct{}{}:
	case <-k.ctx.Done():
		return false
	}
	k.running.Go(func() {
		defer func() { <-k.working }()
		ctx, cancel := context.WithTimeout(k.ctx, workWithin)
		defer cancel()
		work(ctx)
	})
	return true
}

// takeUp gives every session of a shard its whole timeout. It is tried until it comes
// about, or the reign is over.
func (k *Keeper) takeUp(ctx context.Context, r *reign) {
	sessions, err := k.ledger.Sessions(ctx, r.shard)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case r.over:
	case err != nil:
		k.logger.Warn("the sessions of a shard cannot be looked up yet", "shard", r.shard, "error", err)
		r.from = time.Now().Add(again)
		k.begun = append(k.begun, r)
		k.wakeUp()
	default:
		for _, s := range sessions {
			if r.sessions[s.ID] == nil {
				k.keep(r, s.ID, s.Timeout)
			}
		}
	}
}

// batch are sessions of one shard that are ended by one entry.
type batch struct {
	reign *reign
	ids   []int64
	// ending is closed when it is known what became of them.
	ending chan struct{}
}

// due takes the reigns that are to be taken up, and the sessions whose time has come.
func (k *Keeper) due(now time.Time) (begun []*reign, batches []*batch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begun = slices.DeleteFunc(k.begun, func(r *reign) bool {
		if r.from.After(now) {
			return r.over
		}
		begun = append(begun, r)
		return true
	})
	open := map[*reign]*batch{}
	for len(k.deadlines) > 0 && !k.deadlines[0].deadline.After(now) {
		s := k.deadlines[0]
		k.deadlines.remove(s)
		b := open[s.reign]
		if b == nil || len(b.ids) == kv.MaxEndedSessions {
			b = &batch{reign: s.reign, ending: make(chan struct{})}
			open[s.reign] = b
			batches = append(batches, b)
		}
		s.ending = b.ending
		b.ids = append(b.ids, s.id)
	}
	return begun, batches
}

// next is when there is next something to do.
func (k *Keeper) next() (next time.Time, any bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.deadlines) > 0 {
		next, any = k.deadlines[0].deadline, true
	}
	for _, r := range k.begun {
		if !any || r.from.Before(next) {
			next, any = r.from, true
		}
	}
	return next, any
}

// expire ends sessions. Those of which it is not known whether they were ended are
// ended again.
func (k *Keeper) expire(ctx context.Context, b *batch) {
	r := b.reign
	ended, err := k.ledger.Expire(ctx, r.shard, b.ids)
	if err == nil && len(ended) > 0 {
		k.observer.SessionsExpired(len(ended))
		k.logger.Info("sessions expired", "shard", r.shard, "sessions", len(ended))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(b.ending)
	for _, id := range b.ids {
		s := r.sessions[id]
		if s == nil || s.ending != b.ending {
			continue // its client closed it meanwhile
		}
		s.ending = nil
		switch {
		case err == nil:
			delete(r.sessions, id)
		case !r.over:
			k.deadlines.set(s, time.Now().Add(again))
			k.wakeUp()
		}
	}
}
