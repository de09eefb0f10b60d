package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// sampleResult is of a run with known latencies.
func sampleResult() Result {
	recorder, begin := NewRecorder(), time.Unix(1000, 0)
	recorder.start(begin)
	for i := range 1000 {
		due := begin.Add(time.Duration(i) * time.Millisecond)
		recorder.issued(due, due.Add(10*time.Microsecond))
		recorder.ended(i%5 != 0, i%2 == 0, "", due, due.Add(time.Duration(i+1)*100*time.Microsecond))
	}
	recorder.ended(true, false, "timed out", begin, begin.Add(30*time.Second))
	recorder.stop(begin.Add(2 * time.Second))
	return recorder.Result()
}

func TestThePage(t *testing.T) {
	var page strings.Builder
	if err := sampleResult().print(&page, output.Table); err != nil {
		t.Fatal(err)
	}
	const want = `1000 operations in 2.0 s: 500 per second

             count      mean       p50       p90       p99     p99.9    p99.99       max  ms
reads          800      50.1      50.0      90.0      99.0      99.9       100       100
writes         200      49.9      49.6      89.7      98.6      99.6      99.6      99.6
failed           1     30007     30015     30015     30015     30015     30015     30015

400 reads found no record (--populate writes all first)

errors:
        1  timed out
`
	if got := page.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDoubtsAreTold(t *testing.T) {
	result := sampleResult()
	if doubts := result.doubts(); doubts != "" {
		t.Errorf("%q", doubts)
	}
	result.Lag.P99 = 12
	if doubts := result.doubts(); !strings.Contains(doubts, "the generator was late by 12.0 ms") {
		t.Errorf("%q", doubts)
	}
	result.HeldBack, result.Parameters.MaxInFlight = 7, 100
	if doubts := result.doubts(); !strings.Contains(doubts, "7 operations were held back because 100 were under way") {
		t.Errorf("%q", doubts)
	}
}

func TestJSONHasEverything(t *testing.T) {
	var text bytes.Buffer
	result := sampleResult()
	result.Parameters = Parameters{Mode: "open", Rate: 500, Seed: 7}
	if err := result.print(&text, output.JSON); err != nil {
		t.Fatal(err)
	}
	var back Result
	decoder := json.NewDecoder(&text)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if back.Parameters != result.Parameters || back.Reads != result.Reads || back.Failed != result.Failed || back.Errors["timed out"] != 1 {
		t.Errorf("%+v came back as %+v", result, back)
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines, live bytes.Buffer
		plan := openPlan(100, 1500*time.Millisecond, 2500*time.Millisecond)
		plan.ReadPercent = 100
		for _, to := range []struct {
			w        *bytes.Buffer
			terminal bool
		}{{&lines, false}, {&live, true}} {
			recorder := NewRecorder()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				// Half a beat after the operations, so that the counts are certain.
				time.Sleep(5 * time.Millisecond)
				progress(ctx, to.w, to.terminal, time.Second, recorder)
			}()
			run(t.Context(), newFakeTarget(constant(time.Millisecond)), plan, recorder, pace{time.Sleep})
			cancel()
			<-ended
		}
		const want = `warming up, 500ms left
    1s      101/s  read p50 1.00 p99 1.00 max 1.00 ms
    2s      100/s  read p50 1.00 p99 1.00 max 1.00 ms
`
		if got := lines.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if got := live.String(); strings.Contains(got, "\n") || strings.Count(got, "\r\x1b[K") != 4 || !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("%q", got)
		}
	})
}
