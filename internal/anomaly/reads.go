package anomaly

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// judgeReads looks at each transaction for itself: what it found must agree with what it
// did, and must have been written by somebody, for good. What it found of others is
// noted as a sighting.
func (r *record) judgeReads() {
	for i, t := range r.txns {
		if t.outcome != history.OK {
			continue
		}
		keys := make(map[int]*inside)
		for _, s := range t.did.Steps {
			k := keys[s.Key]
			if k == nil {
				k = &inside{}
				keys[s.Key] = k
			}
			if s.F != transaction.Read {
				k.write(s)
				continue
			}
			others, ok := k.read(t.did.Data, s.Found)
			if !ok {
				r.found("internal", fmt.Sprintf("%s found %v in key %d, where by its own doing there had to be %s",
					r.describe(i), s.Found, s.Key, k.expected()))
				continue
			}
			r.judgeOrigins(i, s)
			if others != nil {
				seen := sighting{i, s.Key, *others}
				r.sightings = append(r.sightings, seen)
				r.judgeIntermediate(seen)
				r.judgeForesight(seen)
			}
		}
	}
}

// inside is what a transaction knows of a key by its own doing.
type inside struct {
	whole bool  // the whole value is known: read, or a register written
	value []int // the value, or only its end
}

func (k *inside) write(s transaction.Step) {
	if s.F == transaction.Append {
		k.value = append(slices.Clone(k.value), s.Value)
		return
	}
	k.whole, k.value = true, []int{s.Value}
}

// read compares what was found with what is known. The first read of a key that is
// not known as a whole returns what others had left there.
func (k *inside) read(data transaction.Data, found []int) (others *[]int, ok bool) {
	before := len(found) - len(k.value)
	if before < 0 || !slices.Equal(found[before:], k.value) || k.whole && before > 0 {
		return nil, false
	}
	if k.whole {
		return nil, true
	}
	k.whole, k.value = true, found
	left := found[:before]
	return &left, true
}

func (k *inside) expected() string {
	if k.whole {
		return fmt.Sprint(k.value)
	}
	return fmt.Sprintf("a list that ends in %v", k.value)
}

// judgeOrigins finds reads of what failed, or was never tried.
func (r *record) judgeOrigins(reader int, s transaction.Step) {
	for _, value := range s.Found {
		by, ok := r.origins[version{s.Key, value}]
		switch {
		case !ok:
			r.found("unwritten-read", fmt.Sprintf("%s found %d in key %d, which nobody wrote", r.describe(reader), value, s.Key))
		case r.txns[by.txn].outcome == history.Fail:
			r.found("G1a", fmt.Sprintf("%s found %d in key %d, which comes from a transaction that failed: %s",
				r.describe(reader), value, s.Key, r.describe(by.txn)))
		}
	}
}

// judgeIntermediate finds reads of what was about to be replaced.
func (r *record) judgeIntermediate(s sighting) {
	by, ok := r.origins[version{s.key, s.last()}]
	if ok && !by.final {
		r.found("G1b", fmt.Sprintf("%s found key %d at %d, in the middle of %s",
			r.describe(s.txn), s.key, s.last(), r.describe(by.txn)))
	}
}

// judgeForesight finds reads of what the reader itself was about to write.
func (r *record) judgeForesight(s sighting) {
	for _, value := range s.found {
		if by, ok := r.origins[version{s.key, value}]; ok && by.txn == s.txn {
			r.found("internal", fmt.Sprintf("%s found %d in key %d before it wrote it", r.describe(s.txn), value, s.key))
		}
	}
}

// judgeUpdates finds versions that two transactions read and replaced: the second cannot
// have seen what the first did. That is a cycle, too, but the versions' order is not
// always known.
func (r *record) judgeUpdates() {
	wrote := make(map[int]map[int]bool) // transactions to keys
	for _, w := range r.writes() {
		if wrote[w.txn] == nil {
			wrote[w.txn] = make(map[int]bool)
		}
		wrote[w.txn][w.key] = true
	}
	replaced := make(map[version]int)
	for _, s := range r.sightings {
		if !wrote[s.txn][s.key] {
			continue
		}
		of := version{s.key, s.last()}
		first, twice := replaced[of]
		if !twice {
			replaced[of] = s.txn
			continue
		}
		r.found("lost-update", fmt.Sprintf("two transactions found key %d at %s and wrote to it: %s and %s",
			s.key, name(s.last()), r.describe(first), r.describe(s.txn)))
	}
}
