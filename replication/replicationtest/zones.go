package replicationtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// access is one operation on a register whose written values are unique.
// Refused operations are no part of a history; a write whose outcome is unknown
// returns at the end of time.
type access struct {
	client       int
	key, value   string
	write        bool
	called, done int64
}

// endOfTime is when an operation returns that never did.
const endOfTime = math.MaxInt64

// absent is what a read returns of a register that was never written.
const absent = "(none)"

// zone is the time in which a value must have been the register's: from the
// first return to the last call among its write and the reads of it. Where that
// is negative, one point between is enough, and the zone is a backward one.
type zone struct {
	value      string
	low, high  int64
	isBackward bool
}

// linearizable tells whether a history of registers with unique values is
// linearizable, by the zones of Gibbons and Korach ("Testing Shared Memories",
// 1997, section 4.2): forward zones must not overlap, and no backward zone may
// lie within a forward one. It takes n log n steps where a search may take
// exponentially many, so long histories with many unknown writes are no
// problem. The error names what cannot be.
func linearizable(history []access) error {
	byKey := map[string][]access{}
	var keys []string
	for _, a := range history {
		if byKey[a.key] == nil {
			keys = append(keys, a.key)
		}
		byKey[a.key] = append(byKey[a.key], a)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := checkRegister(byKey[key]); err != nil {
			return fmt.Errorf("register %s: %w", key, err)
		}
	}
	return nil
}

func checkRegister(history []access) error {
	zones, err := zonesOf(history)
	if err != nil {
		return err
	}
	slices.SortFunc(zones, func(a, b zone) int {
		return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high), cmp.Compare(a.value, b.value))
	})
	var forward []zone
	for _, z := range zones {
		if z.isBackward {
			continue
		}
		if n := len(forward); n > 0 && z.low < forward[n-1].high {
			return fmt.Errorf("%s and %s each were the value before and after the other", forward[n-1].value, z.value)
		}
		forward = append(forward, z)
	}
	for _, z := range zones {
		i, _ := slices.BinarySearchFunc(forward, z.low, func(f zone, low int64) int { return cmp.Compare(f.low, low) })
		if z.isBackward && i > 0 && z.high < forward[i-1].high {
			return fmt.Errorf("%s was written while %s was the value before and after", z.value, forward[i-1].value)
		}
	}
	return nil
}

// zonesOf groups a register's history by value.
func zonesOf(history []access) ([]zone, error) {
	writes := map[string]access{absent: {value: absent, called: math.MinInt64, done: math.MinInt64}}
	for _, a := range history {
		if a.write {
			writes[a.value] = a
		}
	}
	groups := map[string]*zone{}
	var order []*zone
	for _, a := range history {
		w, written := writes[a.value]
		if !written {
			return nil, fmt.Errorf("client %d read %s, which was never written", a.client, a.value)
		}
		if !a.write && a.done < w.called {
			return nil, fmt.Errorf("client %d read %s before it was written", a.client, a.value)
		}
		z := groups[a.value]
		if z == nil {
			z = &zone{value: a.value, low: w.done, high: w.called}
			groups[a.value] = z
			order = append(order, z)
		}
		z.low, z.high = min(z.low, a.done), max(z.high, a.called)
	}
	zones := make([]zone, len(order))
	for i, z := range order {
		zones[i] = *z
		if z.low > z.high {
			zones[i].low, zones[i].high, zones[i].isBackward = z.high, z.low, true
		}
	}
	return zones, nil
}
