package command

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/perf"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/words"
)

// Load is put on a real service, and the result has its parameters with it.
func TestPerfOnAService(t *testing.T) {
	places := newPlaces(t)
	for _, c := range []struct {
		args  string
		check func(t *testing.T, r perf.Result)
	}{
		{"perf -a SERVICE -r 500 -p 50 --duration 200ms --warm-up 20ms --seed 7 -o json", func(t *testing.T, r perf.Result) {
			if r.Operations != 100 || r.Parameters.Rate != 500 || r.Parameters.Mode != "open" || r.Parameters.Seed != 7 {
				t.Errorf("%+v", r)
			}
			if r.Reads.Missed == 0 || r.Writes.Count == 0 || r.Lag.Count != 100 {
				t.Errorf("%d reads missed, %d writes, %d lags", r.Reads.Missed, r.Writes.Count, r.Lag.Count)
			}
		}},
		{"perf -a SERVICE --concurrency 4 -p 100 --populate --keys-cardinality 3000 --duration 100ms --warm-up 0s -o json", func(t *testing.T, r perf.Result) {
			if r.Operations == 0 || r.Reads.Missed != 0 || r.Writes.Count != 0 || r.Parameters.Mode != "closed" || !r.Parameters.Populated {
				t.Errorf("%+v", r)
			}
		}},
	} {
		args, err := words.Split(places.to.Replace(c.args))
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exit.OK {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		var result perf.Result
		if err := json.Unmarshal(out.Bytes(), &result); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		if len(result.Errors) > 0 {
			t.Errorf("%v", result.Errors)
		}
		c.check(t, result)
	}
}
