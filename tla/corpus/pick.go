package corpus

import (
	"slices"
	"strings"
)

// enough is how many of the picked behaviours should have a thing in them, before
// it is no reason any more to pick another.
const enough = 8

// Pick returns the behaviours, at most so many, that together have the most in
// them: one after the other, that which adds most. The thing that counts is what a
// step changed, by the names of its action and of the fields.
func Pick(found []Behaviour, most int) []Behaviour {
	things := make([]map[string]bool, len(found))
	for i := range found {
		found[i].Parts = partsOf(&found[i])
		things[i] = thingsIn(&found[i])
	}
	have := map[string]int{}
	left := make([]int, len(found))
	for i := range left {
		left[i] = i
	}
	var picked []Behaviour
	for len(picked) < most && len(left) > 0 {
		gains := func(i int) (gain int) {
			for thing := range things[i] {
				gain += max(0, enough-have[thing])
			}
			return gain
		}
		best := slices.MaxFunc(left, func(a, b int) int { return gains(a) - gains(b) })
		if gains(best) == 0 {
			break
		}
		for thing := range things[best] {
			have[thing]++
		}
		picked = append(picked, found[best])
		left = slices.DeleteFunc(left, func(i int) bool { return i == best })
	}
	return picked
}

// partsOf is in how many parts a flavour's snapshots come.
func partsOf(b *Behaviour) int {
	parts := 1
	for _, s := range b.States {
		step, _ := s[stepName].(Record)
		if n, ok := step["part"].(Number); ok {
			parts = max(parts, int(n))
		}
	}
	return parts
}

func thingsIn(b *Behaviour) map[string]bool {
	things := map[string]bool{}
	for i := 1; i < len(b.States); i++ {
		step, _ := b.States[i][stepName].(Record)
		var fields []string
		for _, name := range b.States[i].keys() {
			if name == stepName {
				continue
			}
			for _, line := range appendDelta(nil, name, b.States[i-1][name], b.States[i][name]) {
				fields = append(fields, field(line))
			}
		}
		slices.Sort(fields)
		things[Text(step["n"])+" "+strings.Join(slices.Compact(fields), ",")] = true
	}
	return things
}

// field is what a line of a delta changes: its path without names and places.
func field(line string) string {
	path := line[:strings.IndexAny(line, "=+-><")]
	parts := slices.DeleteFunc(strings.Split(path, "."), func(part string) bool {
		last := part[len(part)-1]
		return '0' <= last && last <= '9'
	})
	return strings.Join(parts, ".")
}
