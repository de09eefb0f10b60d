package perf

import (
	"context"
	"sync"
	"time"
)

// load is one run of a plan.
type load struct {
	target   Target
	plan     Plan
	recorder *Recorder
	pace     pace

	begin time.Time // of the warm-up
	// from is when counting begins, and end when the last operation is due; zero if
	// that is up to the context.
	from, end time.Time
	running   sync.WaitGroup
}

// Run puts a plan's load on a target until its duration is over or the context ends,
// and waits for the operations under way. How long those may take is up to the target.
func Run(ctx context.Context, target Target, plan Plan, recorder *Recorder) {
	run(ctx, target, plan, recorder, pace{nap})
}

func run(ctx context.Context, target Target, plan Plan, recorder *Recorder, p pace) {
	l := &load{target: target, plan: plan, recorder: recorder, pace: p, begin: time.Now()}
	l.from = l.begin.Add(plan.WarmUp)
	if plan.Duration > 0 {
		l.end = l.from.Add(plan.Duration)
	}
	recorder.start(l.from)
	// What was issued is not cut off: its end is part of what is measured.
	work := context.WithoutCancel(ctx)
	if plan.Concurrency > 0 {
		l.closed(ctx, work)
	} else {
		l.open(ctx, work)
	}
	l.running.Wait()
	recorder.stop(time.Now())
}

// open issues operations when they are due. One that finds too many under way waits,
// and so do those behind it; they are late, and counted as late.
func (l *load) open(ctx, work context.Context) {
	slots := make(chan struct{}, l.plan.MaxInFlight)
	source := newSource(&l.plan, 0)
	interval := float64(time.Second) / l.plan.Rate
	for i := 0; ; i++ {
		// Counted from the beginning, so that no error of rounding adds up.
		due := l.begin.Add(time.Duration(float64(i) * interval))
		if l.over(due) || !l.pace.until(ctx, due) {
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			l.recorder.held(due)
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
		o := source.next()
		l.recorder.issued(due, time.Now())
		l.running.Go(func() {
			l.execute(work, o, due)
			<-slots
		})
	}
}

// closed runs workers of which each has one operation under way.
func (l *load) closed(ctx, work context.Context) {
	for worker := range l.plan.Concurrency {
		l.running.Go(func() {
			source := newSource(&l.plan, uint64(worker))
			for {
				now := time.Now()
				if l.over(now) || ctx.Err() != nil {
					return
				}
				l.execute(work, source.next(), now)
			}
		})
	}
}

// over reports whether an operation that is due at a moment is not part of the run.
func (l *load) over(due time.Time) bool { return !l.end.IsZero() && !due.Before(l.end) }

// execute carries an operation out and records what came of it.
func (l *load) execute(ctx context.Context, o op, due time.Time) {
	found, err := true, error(nil)
	if o.read {
		found, err = l.target.Read(ctx, o.key)
	} else {
		err = l.target.Write(ctx, o.key, o.value)
	}
	reason := ""
	if err != nil {
		reason = l.target.Reason(err)
	}
	l.recorder.ended(o.read, found, reason, due, time.Now())
}
