package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Part is a part of what a seed draws: some faults of its schedule, by their place in
// it, and less time. It is all that has to be told to see the same again.
type Part struct {
	Seed uint64
	For  time.Duration
	// Keep are the faults that strike; all if nil.
	Keep []int
}

// Scenario returns the simulation that the part is.
func (p Part) Scenario() Scenario {
	s := Draw(p.Seed, p.For)
	if p.Keep == nil {
		return s
	}
	kept := make([]Fault, 0, len(p.Keep))
	for _, i := range p.Keep {
		if i >= 0 && i < len(s.Faults) {
			kept = append(kept, s.Faults[i])
		}
	}
	s.Faults = kept
	return s
}

// Command is what runs the part again, and prints what happens.
func (p Part) Command() string {
	command := fmt.Sprintf("go test ./replication/sim -run 'TestSeeds$' -sim.first %d -sim.seeds 1 -sim.for %v", p.Seed, p.For)
	if p.Keep != nil {
		command += " -sim.keep " + FormatKeep(p.Keep)
	}
	return command + " -sim.verbose"
}

// FormatKeep writes the places of faults as ParseKeep reads them.
func FormatKeep(keep []int) string {
	if len(keep) == 0 {
		return "none"
	}
	texts := make([]string, len(keep))
	for i, k := range keep {
		texts[i] = strconv.Itoa(k)
	}
	return strings.Join(texts, ",")
}

// ParseKeep reads the places of faults: nil, for all of them, if the text is empty.
func ParseKeep(text string) ([]int, error) {
	switch text {
	case "":
		return nil, nil
	case "none":
		return []int{}, nil
	}
	var keep []int
	for word := range strings.SplitSeq(text, ",") {
		place, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("places of faults are numbers with commas between them: %w", err)
		}
		keep = append(keep, place)
	}
	return keep, nil
}

// Shrink looks for a smaller part that still fails: without whole kinds of faults,
// then without single ones, then in less time. Spent is asked before each try whether
// there is time for one.
func Shrink(p Part, fails func(Part) bool, spent func() bool) Part {
	if p.Keep == nil {
		all := []int{}
		for i := range p.Scenario().Faults {
			all = append(all, i)
		}
		p.Keep = all
	}
	try := func(smaller Part) bool {
		if spent() || !fails(smaller) {
			return false
		}
		p = smaller
		return true
	}
	shorten(&p, try)
	dropKinds(&p, try)
	dropFaults(&p, try)
	shorten(&p, try)
	return p
}

func dropKinds(p *Part, try func(Part) bool) {
	for _, kind := range Kinds() {
		all := Draw(p.Seed, p.For).Faults
		without := slices.DeleteFunc(slices.Clone(p.Keep), func(i int) bool { return i >= len(all) || all[i].Kind == kind })
		if len(without) < len(p.Keep) {
			try(Part{p.Seed, p.For, without})
		}
	}
}

// dropFaults leaves out runs of faults, half of them at first, then ever shorter ones.
func dropFaults(p *Part, try func(Part) bool) {
	for size := (len(p.Keep) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(p.Keep); {
			without := slices.Delete(slices.Clone(p.Keep), at, min(at+size, len(p.Keep)))
			if !try(Part{p.Seed, p.For, without}) {
				at += size
			}
		}
	}
}

// shorten takes time off the end, half of it at first.
func shorten(p *Part, try func(Part) bool) {
	for less := p.For / 2; less >= time.Second; less /= 2 {
		for p.For > less && try(Part{p.Seed, p.For - less, p.Keep}) {
		}
	}
}
