package options

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/pflag"
)

// Campaign is many runs instead of one.
type Campaign struct {
	// First and Last are the seeds to run; only one run if Seeds is false.
	Seeds       bool
	First, Last uint64
	// Shrink searches for the fewest first faults with which a seed still fails; each
	// number of faults is run up to Tries times.
	Shrink bool
	Tries  int
}

type campaignFlags struct {
	seeds  string
	shrink bool
	tries  int
}

func (c *campaignFlags) define(set *pflag.FlagSet) {
	set.StringVar(&c.seeds, "seeds", "", "run every seed from A to B, given as A..B, and end with a table")
	set.BoolVar(&c.shrink, "shrink", false, "when a run is invalid, search for the fewest faults after which its seed still fails")
	set.IntVar(&c.tries, "shrink-tries", 3, "runs of each number of faults in that search before it is taken to pass: no two runs of real processes are the same")
}

var seedsForm = regexp.MustCompile(`^(\d+)\.\.(\d+)$`)

// maxSeeds bounds a campaign; a longer one is better made of several.
const maxSeeds = 100_000

func (f *Flags) checkCampaign(o *Options) error {
	c := f.campaign
	o.Campaign = Campaign{Shrink: c.shrink, Tries: c.tries}
	if err := within([]number{{"shrink-tries", float64(c.tries), 1, 1000}}); err != nil {
		return err
	}
	if c.shrink && len(o.Faults) == 0 {
		return fmt.Errorf("--shrink: there are no faults to leave out: give some with --nemesis")
	}
	if c.seeds == "" {
		return nil
	}
	if f.set.Changed("seed") {
		return wrong("seeds", c.seeds, "leave out --seed")
	}
	if o.Failovers > 0 {
		return wrong("seeds", c.seeds, "leave out --failover: it does not depend on the seed")
	}
	parts := seedsForm.FindStringSubmatch(c.seeds)
	if parts == nil {
		return wrong("seeds", c.seeds, "use two numbers, such as 1..50")
	}
	var errs [2]error
	o.Campaign.Seeds = true
	o.Campaign.First, errs[0] = strconv.ParseUint(parts[1], 10, 64)
	o.Campaign.Last, errs[1] = strconv.ParseUint(parts[2], 10, 64)
	if errs[0] != nil || errs[1] != nil || o.Campaign.First > o.Campaign.Last || o.Campaign.Last-o.Campaign.First >= maxSeeds {
		return wrong("seeds", c.seeds, fmt.Sprintf("use two numbers, the smaller first, and at most %d seeds", maxSeeds))
	}
	return nil
}
