package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/options"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/report"
	"github.com/ostraka-db/ostraka/internal/checker"
)

// Execute does what the options say: one run, or one for each of many seeds; and if one
// is invalid, the search for the faults that it takes.
func Execute(ctx context.Context, opts options.Options, out io.Writer) (checker.Verdict, error) {
	if opts.Campaign.Seeds {
		return campaign(ctx, opts, out)
	}
	results, err := Run(ctx, opts, out)
	if err != nil {
		return "", err
	}
	if opts.Campaign.Shrink && results.Verdict == checker.Invalid {
		err = shrink(ctx, opts, out)
	}
	return results.Verdict, err
}

// tally sums up a campaign.
type tally struct {
	verdicts      map[checker.Verdict]int
	failing       []string // seeds
	stuck         int      // runs after which a node did not work
	worstRecovery float64  // in ms
}

// campaign runs seeds one after the other: two at a time would share processors, and
// what is slow then is not the nodes' fault.
func campaign(ctx context.Context, opts options.Options, out io.Writer) (checker.Verdict, error) {
	sum := tally{verdicts: make(map[checker.Verdict]int)}
	verdict := checker.Valid
	var worst *options.Options // the first that was invalid
	fmt.Fprintf(out, "%10s  %-8s %8s %6s %8s %7s %12s  %s\n",
		"seed", "verdict", "ops", "ok %", "unknown", "faults", "recovery ms", "stuck, or what is wrong")
	for seed := opts.Campaign.First; ctx.Err() == nil; seed++ {
		one := opts
		one.Seed = seed
		if opts.Store != "" {
			one.Store = filepath.Join(opts.Store, fmt.Sprintf("seed-%d", seed))
		}
		results, err := Run(ctx, one, io.Discard)
		if err != nil {
			return "", fmt.Errorf("seed %d: %w", seed, err)
		}
		verdict = verdict.And(results.Verdict)
		sum.add(results)
		fmt.Fprint(out, row(results))
		if results.Verdict == checker.Invalid && worst == nil {
			worst = &one
		}
		if seed == opts.Campaign.Last {
			break
		}
	}
	fmt.Fprint(out, sum.text())
	if worst == nil || !opts.Campaign.Shrink {
		return verdict, nil
	}
	if opts.Store != "" {
		worst.Store = opts.Store
	}
	return verdict, shrink(ctx, *worst, out)
}

// row is the line of one run in the table.
func row(r *report.Results) string {
	recovery, remarks := "-", []string(nil)
	if last, ok := recoveryOf(r); ok {
		recovery = fmt.Sprintf("%.0f", last.WorstMS)
		if len(last.Silent) > 0 {
			remarks = append(remarks, "stuck "+strings.Join(last.Silent, " "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		if v := r.Checks[name].Verdict; v != checker.Valid {
			remarks = append(remarks, fmt.Sprintf("%s: %s", name, v))
		}
	}
	line := fmt.Sprintf("%10d  %-8s %8d %6.1f %8d %7d %12s  %s\n",
		r.Seed, r.Verdict, r.Total.Invoked, 100*r.Availability, r.Total.Unknown, len(r.Faults), recovery, strings.Join(remarks, ", "))
	if r.Verdict == checker.Valid {
		return line
	}
	for _, reason := range r.Reasons {
		line += "            - " + reason + "\n"
	}
	return line + "            files: " + r.Store + "\n"
}

func recoveryOf(r *report.Results) (report.Recovery, bool) {
	if len(r.Faults) == 0 {
		return report.Recovery{}, false
	}
	return lastRecovery(r)
}

func (t *tally) add(r *report.Results) {
	t.verdicts[r.Verdict]++
	if r.Verdict == checker.Invalid {
		t.failing = append(t.failing, fmt.Sprint(r.Seed))
	}
	if last, ok := recoveryOf(r); ok {
		t.worstRecovery = max(t.worstRecovery, last.WorstMS)
		if len(last.Silent) > 0 {
			t.stuck++
		}
	}
}

func (t *tally) text() string {
	runs := 0
	for _, n := range t.verdicts {
		runs += n
	}
	text := fmt.Sprintf("\n%d runs: %d valid, %d invalid, %d unknown; %d stuck; slowest recovery %.0f ms\n", runs,
		t.verdicts[checker.Valid], t.verdicts[checker.Invalid], t.verdicts[checker.Unknown], t.stuck, t.worstRecovery)
	if len(t.failing) > 0 {
		text += "Failing seeds: " + strings.Join(t.failing, ", ") + "\n"
	}
	return text
}
