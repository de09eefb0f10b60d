package bench

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/cluster"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/options"
	"github.com/ostraka-db/ostraka/internal/checker"
)

// shrink searches for the shortest prefix of a run's faults with which it still fails.
//
// The seed decides operations and faults, but not how the system schedules processes, so
// a run that failed may pass. Each prefix gets several tries and fails with the first
// of them that does; a prefix that passes all of them may still be one that fails
// rarely. What is found does fail, then, and may not be the shortest.
func shrink(ctx context.Context, opts options.Options, out io.Writer) error {
	var nodes []string
	for i := range opts.Nodes {
		nodes = append(nodes, cluster.NodeID(i))
	}
	faults := plan(opts, nodes)
	total := nemesis.Hurts(faults)
	fmt.Fprintf(out, "\nSearching for the fewest of the %d faults of seed %d with which it fails, up to %d tries each:\n",
		total, opts.Seed, opts.Campaign.Tries)
	runs := 0
	k, err := fewest(total, func(k int) (bool, error) {
		for try := 1; try <= opts.Campaign.Tries && ctx.Err() == nil; try++ {
			one := opts
			one.FirstFaults = k
			if runs++; opts.Store != "" {
				one.Store = filepath.Join(opts.Store, fmt.Sprintf("shrink-%d-first-%d", runs, k))
			}
			results, err := Run(ctx, one, io.Discard)
			if err != nil {
				return false, err
			}
			fmt.Fprintf(out, "  first %d, try %d: %s\n", k, try, results.Verdict)
			if results.Verdict == checker.Invalid {
				return true, nil
			}
		}
		return false, ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("search for the faults that it takes: %w", err)
	}
	fmt.Fprintf(out, "Seed %d fails with the first %d of its %d faults; run them again with --seed %d --first-faults %d:\n",
		opts.Seed, k, total, opts.Seed, k)
	for _, step := range nemesis.Prefix(faults, k) {
		if !step.Do.Cures() && step.Touches() {
			fmt.Fprintf(out, "  at %6.1f s  %s\n", step.At.Seconds(), step)
		}
	}
	return nil
}

// fewest returns the smallest k, as far as bisection tells, for which fails is true. It is
// true for total, as the caller has seen. Where more faults can do less harm, the result
// is a k that fails, next to a smaller one that was seen to pass.
func fewest(total int, fails func(k int) (bool, error)) (int, error) {
	passes, breaks := -1, total
	for breaks-passes > 1 {
		k := passes + (breaks-passes)/2
		failed, err := fails(k)
		if err != nil {
			return 0, err
		}
		if failed {
			breaks = k
		} else {
			passes = k
		}
	}
	return breaks, nil
}
