package perf

import (
	"context"
	"fmt"
	"io"
	"time"
)

// progress prints how a run goes until the context ends: on a terminal one line that
// is written anew, elsewhere a line each time. It leaves the cursor at the start of a
// line.
func progress(ctx context.Context, w io.Writer, terminal bool, every time.Duration, recorder *Recorder) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			line := recorder.Recent(now).line(every)
			if terminal {
				fmt.Fprintf(w, "\r\x1b[K%s", line)
			} else {
				fmt.Fprintln(w, line)
			}
		case <-ctx.Done():
			if terminal {
				fmt.Fprint(w, "\r\x1b[K")
			}
			return
		}
	}
}

// line is what happened in the last interval, on one line of a terminal.
func (r Recent) line(interval time.Duration) string {
	if r.Elapsed < 0 {
		return fmt.Sprintf("warming up, %s left", (-r.Elapsed).Round(100*time.Millisecond))
	}
	// The first interval may have begun in the warm-up.
	counted := min(interval, max(r.Elapsed, time.Millisecond))
	text := fmt.Sprintf("%6s %8.0f/s", r.Elapsed.Round(time.Second), float64(r.Reads.Count+r.Writes.Count)/counted.Seconds())
	text += r.Reads.brief("  read") + r.Writes.brief("  write")
	if r.Failed > 0 {
		text += fmt.Sprintf("  failed %d", r.Failed)
	}
	return text
}

// brief is a few percentiles, if there are any.
func (l Latencies) brief(name string) string {
	if l.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%s p50 %s p99 %s max %s ms", name, short(l.P50), short(l.P99), short(l.Max))
}
