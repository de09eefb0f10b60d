package replication

import (
	"fmt"
	"slices"
)

// History is the shape of a log without its entries: where each term starts,
// and where the log begins and ends. It answers every question of the protocol
// about earlier entries from a few numbers, so that the core never holds a log.
// The zero History is an empty log.
type History struct {
	// base is the last entry that is not in the log any more (trimmed, or
	// covered by a snapshot); zero for a log that starts at offset 1.
	base EntryID
	// head is the last entry; equal to base when the log is empty.
	head EntryID
	// starts are the first entries of each term above base, ascending in both
	// term and offset.
	starts []EntryID
}

// NewHistory returns the history of a log that begins after base.
func NewHistory(base EntryID) History { return History{base: base, head: base} }

// Head returns the id of the last entry, which is that of the snapshot when no
// entry follows it, and never "empty" then.
func (h *History) Head() EntryID { return h.head }

// Base returns the id of the entry before the first one in the log.
func (h *History) Base() EntryID { return h.base }

// Append records that an entry was appended. It must follow the head.
func (h *History) Append(id EntryID) {
	assert(id.Offset == h.head.Offset+1 && id.Term >= h.head.Term,
		"append of %v after %v", id, h.head)
	if id.Term > h.lastTerm() {
		h.starts = append(h.starts, id)
	}
	h.head = id
}

// lastTerm is the term of the newest start, and zero when there is none: the
// first entry above base opens a start even in base's own term.
func (h *History) lastTerm() Term {
	if len(h.starts) == 0 {
		return 0
	}
	return h.starts[len(h.starts)-1].Term
}

// TermAt returns the term of the entry at an offset, and whether the log knows
// it: it knows the base and everything up to the head.
func (h *History) TermAt(o Offset) (Term, bool) {
	switch {
	case o == h.base.Offset:
		return h.base.Term, true
	case o < h.base.Offset || o > h.head.Offset:
		return 0, false
	}
	i, found := slices.BinarySearchFunc(h.starts, o, func(s EntryID, o Offset) int {
		return int(min(max(s.Offset-o, -1), 1))
	})
	if !found {
		i--
	}
	return h.starts[i].Term, true
}

// Contains reports whether the log holds exactly this entry (or has it as its
// base).
func (h *History) Contains(id EntryID) bool {
	term, ok := h.TermAt(id.Offset)
	return ok && term == id.Term
}

// LastAtOrBelow returns the newest entry whose term and offset are both at most
// the given one's, or the base if there is none above it. A leader and a
// follower that exchange it find where their logs part in one round for each
// term in which they differ, not for each entry (Raft, end of section 5.3).
func (h *History) LastAtOrBelow(id EntryID) EntryID {
	last := h.head
	for i := len(h.starts) - 1; i >= 0; i-- {
		start := h.starts[i]
		if start.Term <= id.Term && start.Offset <= id.Offset {
			return EntryID{Term: start.Term, Offset: min(last.Offset, id.Offset)}
		}
		last = EntryID{Offset: start.Offset - 1}
	}
	return h.base
}

// TruncateTo drops every entry after the given offset, which must be in the log
// or be its base.
func (h *History) TruncateTo(o Offset) {
	term, ok := h.TermAt(o)
	assert(ok, "truncate to %d, log holds %v to %v", o, h.base, h.head)
	h.head = EntryID{Term: term, Offset: o}
	for len(h.starts) > 0 && h.starts[len(h.starts)-1].Offset > o {
		h.starts = h.starts[:len(h.starts)-1]
	}
}

// TrimTo drops every entry up to and including the given offset, which must be in
// the log or be its base, and is its base then.
func (h *History) TrimTo(o Offset) {
	term, ok := h.TermAt(o)
	assert(ok, "trim to %d, log holds %v to %v", o, h.base, h.head)
	next, more := h.TermAt(o + 1)
	h.base = EntryID{Term: term, Offset: o}
	for len(h.starts) > 0 && h.starts[0].Offset <= o+1 {
		h.starts = h.starts[1:]
	}
	if more {
		h.starts = slices.Insert(slices.Clip(h.starts), 0, EntryID{Term: next, Offset: o + 1})
	}
}

// Clone returns a copy that shares nothing.
func (h *History) Clone() History {
	c := *h
	c.starts = slices.Clone(h.starts)
	return c
}

func (h *History) String() string {
	return fmt.Sprintf("(%v..%v]%v", h.base, h.head, h.starts)
}
