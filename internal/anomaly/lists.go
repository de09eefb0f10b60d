package anomaly

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ostraka-db/ostraka/internal/dependency"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// list is what is known of a list.
type list struct {
	longest []int       // as anybody read it
	reader  int         // who did
	at      map[int]int // elements to places in longest
	unread  []int       // appended by transactions that happened, and never read
}

// judgeLists infers the order of versions: every read of a list is a prefix of what the
// list is at the end, so the longest read holds all others.
func (r *record) judgeLists() {
	lists := r.longestReads()
	r.judgePrefixes(lists)
	for _, w := range r.writes() {
		l := lists[w.key]
		if l == nil {
			l = &list{}
			lists[w.key] = l
		}
		r.judgeAppends(l, w)
		if _, seen := l.at[w.last()]; !seen {
			l.unread = append(l.unread, w.last())
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lists)) {
		l := lists[key]
		l.longest = slices.DeleteFunc(slices.Clone(l.longest), func(v int) bool {
			_, took := r.writer(key, v)
			return !took // an anomaly already; without a place in any order
		})
		l.locate()
		r.orderAppends(key, l)
	}
	for _, s := range r.sightings {
		if l := lists[s.key]; l != nil {
			r.orderReader(s, l)
		}
	}
}

func (r *record) longestReads() map[int]*list {
	lists := make(map[int]*list)
	for i, t := range r.txns {
		if t.outcome != history.OK {
			continue
		}
		for _, s := range t.did.Steps {
			if s.F != transaction.Read || len(s.Found) == 0 {
				continue
			}
			if l := lists[s.Key]; l == nil {
				lists[s.Key] = &list{longest: s.Found, reader: i}
			} else if len(s.Found) > len(l.longest) {
				l.longest, l.reader = s.Found, i
			}
		}
	}
	for _, l := range lists {
		l.locate()
	}
	return lists
}

func (l *list) locate() {
	l.at = make(map[int]int, len(l.longest))
	for i, v := range l.longest {
		l.at[v] = i
	}
}

// judgePrefixes finds reads that do not agree with the longest, and elements that
// are there twice.
func (r *record) judgePrefixes(lists map[int]*list) {
	for i, t := range r.txns {
		if t.outcome != history.OK {
			continue
		}
		for _, s := range t.did.Steps {
			if s.F != transaction.Read || len(s.Found) == 0 {
				continue
			}
			l := lists[s.Key]
			if !slices.Equal(s.Found, l.longest[:len(s.Found)]) {
				r.found("incompatible-order", fmt.Sprintf("%s found %v in key %d, and %s found %v",
					r.describe(i), s.Found, s.Key, r.describe(l.reader), l.longest))
			}
			seen := make(map[int]bool)
			for _, v := range s.Found {
				if seen[v] {
					r.found("duplicate-elements", fmt.Sprintf("%s found %d twice in key %d: %v", r.describe(i), v, s.Key, s.Found))
					break
				}
				seen[v] = true
			}
		}
	}
}

// judgeAppends finds lists that hold some of a transaction's appends and not those
// before, or not where they belong: right before the next.
func (r *record) judgeAppends(l *list, w write) {
	for i, v := range w.values[1:] {
		at, seen := l.at[v]
		before, seenBefore := l.at[w.values[i]]
		if seen && (!seenBefore || before+1 != at) {
			r.found("torn-appends", fmt.Sprintf("%s found %v in key %d, where %d does not follow %d as in %s",
				r.describe(l.reader), l.longest, w.key, v, w.values[i], r.describe(w.txn)))
		}
	}
}

// orderAppends adds the edges between the writers of a list.
func (r *record) orderAppends(key int, l *list) {
	for i := range l.longest {
		if i > 0 {
			r.follow(key, l.longest[i-1], l.longest[i])
		}
	}
	if n := len(l.longest); n > 0 {
		for _, u := range l.unread {
			r.follow(key, l.longest[n-1], u)
		}
	}
}

func (r *record) follow(key, older, newer int) {
	from, _ := r.writer(key, older)
	to, _ := r.writer(key, newer)
	r.add(dependency.WW, from, to, key, older, newer, false)
}

// orderReader adds the edges of a reader: after the writer of what it found, and before
// those of what it did not find yet. Of them it needs only the next: the rest follow.
func (r *record) orderReader(s sighting, l *list) {
	next := 0
	if last := s.last(); last != transaction.Nothing {
		if from, took := r.writer(s.key, last); took {
			r.add(dependency.WR, from, s.txn, s.key, last, last, false)
		}
		at, known := l.at[last]
		if !known {
			return // nobody knows what follows
		}
		next = at + 1
	}
	if next < len(l.longest) {
		to, _ := r.writer(s.key, l.longest[next])
		r.add(dependency.RW, s.txn, to, s.key, s.last(), l.longest[next], false)
		return
	}
	for _, u := range l.unread {
		to, _ := r.writer(s.key, u)
		r.add(dependency.RW, s.txn, to, s.key, s.last(), u, false)
	}
}
