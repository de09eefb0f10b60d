package dependency

import (
	"cmp"
	"math"
	"slices"
)

// Never is the end of an interval that did not end.
const Never = math.MaxInt

// Interval is a time from Start to End. An End before Start is allowed: it speaks of
// something that was surely there at End, and still there at Start.
type Interval struct{ Start, End int }

// Before calls edge for pairs (i, j) with i's End before j's Start, and for so many that
// all other such pairs follow from them. It sweeps over time and keeps a frontier: what
// has ended and precedes nothing else that has ended. Who begins need only be told of
// the frontier, for whatever precedes it is in it, or precedes somebody who is.
func Before(intervals []Interval, edge func(i, j int)) {
	type moment struct {
		at, of int
		ends   bool
	}
	moments := make([]moment, 0, 2*len(intervals))
	for i, v := range intervals {
		moments = append(moments, moment{v.Start, i, false})
		if v.End != Never {
			moments = append(moments, moment{v.End, i, true})
		}
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	var frontier []int
	for _, m := range moments {
		if !m.ends {
			for _, f := range frontier {
				if f != m.of {
					edge(f, m.of)
				}
			}
			continue
		}
		start := intervals[m.of].Start
		frontier = slices.DeleteFunc(frontier, func(f int) bool {
			precedes := intervals[f].End < start
			if precedes && m.at < start {
				edge(f, m.of) // its start is yet to come, and will not find f any more
			}
			return precedes
		})
		frontier = append(frontier, m.of)
	}
}
