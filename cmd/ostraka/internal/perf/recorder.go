package perf

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept in microseconds, up to slowest; what took longer counts as that.
const (
	slowest = time.Hour
	digits  = 3
	// maxReasons bounds the kinds of errors that are told apart.
	maxReasons  = 64
	otherReason = "other"
)

// Recorder collects what came of operations. Its methods may be called from any
// goroutine.
type Recorder struct {
	mu   sync.Mutex
	from time.Time // when counting begins
	end  time.Time // zero while it runs

	reads, writes, failed *series
	lag                   *hdrhistogram.Histogram
	missed, heldBack      int64
	reasons               map[string]int64
}

// series is the latencies of one kind of operations: of all, and of those since the
// last look.
type series struct{ all, recent *hdrhistogram.Histogram }

func newSeries() *series { return &series{newHistogram(), newHistogram()} }

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, slowest.Microseconds(), digits)
}

func (s *series) record(d time.Duration) {
	record(s.all, d)
	record(s.recent, d)
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	// Within the histogram's range there is no error.
	_ = h.RecordValue(min(max(d, time.Microsecond), slowest).Microseconds())
}

// NewRecorder returns a recorder for one run.
func NewRecorder() *Recorder {
	return &Recorder{
		reads: newSeries(), writes: newSeries(), failed: newSeries(), lag: newHistogram(), reasons: map[string]int64{},
	}
}

func (r *Recorder) start(from time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from = from
}

func (r *Recorder) stop(end time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
}

// counts reports whether an operation counts. It must be called with mu held.
func (r *Recorder) counts(due time.Time) bool { return !due.Before(r.from) }

// issued records how late the generator was.
func (r *Recorder) issued(due, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts(due) {
		record(r.lag, now.Sub(due))
	}
}

// held records that an operation was held back by the bound on those under way.
func (r *Recorder) held(due time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts(due) {
		r.heldBack++
	}
}

// ended records an operation. The reason is empty if it did not fail.
func (r *Recorder) ended(read, found bool, reason string, due, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.counts(due) {
		return
	}
	latency := now.Sub(due)
	switch {
	case reason != "":
		r.failed.record(latency)
		if _, known := r.reasons[reason]; !known && len(r.reasons) >= maxReasons {
			reason = otherReason
		}
		r.reasons[reason]++
	case read:
		r.reads.record(latency)
		if !found {
			r.missed++
		}
	default:
		r.writes.record(latency)
	}
}

// Recent is what came of the operations since the last look.
type Recent struct {
	Elapsed       time.Duration // since counting began; negative during the warm-up
	Reads, Writes Latencies
	Failed        int64
}

// Recent returns what came of the operations since the last call.
func (r *Recorder) Recent(now time.Time) Recent {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := Recent{
		Elapsed: now.Sub(r.from),
		Reads:   latenciesOf(r.reads.recent), Writes: latenciesOf(r.writes.recent), Failed: r.failed.recent.TotalCount(),
	}
	for _, s := range []*series{r.reads, r.writes, r.failed} {
		s.recent.Reset()
	}
	return recent
}

// Result returns what came of the run, which must be over.
func (r *Recorder) Result() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	result := Result{
		Seconds: max(r.end.Sub(r.from), 0).Seconds(),
		Reads:   Reads{latenciesOf(r.reads.all), r.missed},
		Writes:  latenciesOf(r.writes.all), Failed: latenciesOf(r.failed.all),
		Errors: maps.Clone(r.reasons), Lag: latenciesOf(r.lag), HeldBack: r.heldBack,
	}
	result.Operations = result.Reads.Count + result.Writes.Count
	if result.Seconds > 0 {
		result.Throughput = round(float64(result.Operations) / result.Seconds)
	}
	return result
}
