package trace

import (
	"fmt"
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// call is a compare-and-set of the shard's document.
type call struct {
	by      runKey
	phase   string
	doc     replication.Document
	outcome replication.StoreOutcome
	// flying is set while its author waits for it, done once its effect, if it has
	// one, was told.
	flying, done bool
}

// calls are all that a trace tells of the metadata store. A call takes effect at
// some time between its line and that of its answer, or later if that never
// comes; what others show of the document tells when.
type calls struct {
	all []*call
	// answered are the calls by the line of their answer, made by that of their
	// beginning.
	answered, made map[int]*call
	// winners are the calls that made the document's versions; the versions up to
	// first were there before the trace.
	winners map[int64]*call
	first   int64
	// placed is the version up to which effects were told.
	placed int64
}

// findCalls reads a whole trace.
func findCalls(lines []Line) *calls {
	c := &calls{answered: map[int]*call{}, made: map[int]*call{}, winners: map[int64]*call{}}
	shown := map[int64]replication.Document{}
	for i, l := range lines {
		if l.Election == nil {
			continue
		}
		key := runKey{server: l.Server, run: l.Run}
		if stored, ok := l.Event.(replication.DocumentStored); ok {
			c.answer(i, key, stored)
		}
		if loaded, ok := l.Event.(replication.DocumentLoaded); ok && loaded.Found {
			shown[loaded.Document.Version] = loaded.Document
		}
		if l.Effects.Learned != nil {
			shown[l.Effects.Learned.Version] = *l.Effects.Learned
		}
		if l.Effects.Store != nil {
			made := &call{by: key, phase: l.Election.Phase, doc: *l.Effects.Store}
			c.made[i] = made
			c.all = append(c.all, made)
		}
	}
	c.findWinners(shown)
	return c
}

func (c *calls) answer(line int, by runKey, answer replication.DocumentStored) {
	for _, made := range slices.Backward(c.all) {
		if made.by == by && made.outcome == 0 && made.doc.Version == answer.Version && made.doc.Term == answer.Term {
			made.outcome = answer.Outcome
			c.answered[line] = made
			return
		}
	}
}

// findWinners: a call won if its author was told so, or if the document was seen
// to be as it would have it.
func (c *calls) findWinners(shown map[int64]replication.Document) {
	for _, made := range c.all {
		doc, seen := shown[made.doc.Version]
		unknown := made.outcome == replication.StoreUnknown || made.outcome == 0
		if made.outcome == replication.StoreDone || unknown && seen && sameDocument(&doc, &made.doc) {
			c.winners[made.doc.Version] = made
		}
	}
	// One that nobody saw, though a call for the same version came too late.
	for _, made := range c.all {
		if made.outcome != replication.StoreConflict || c.winners[made.doc.Version] != nil {
			continue
		}
		for _, rival := range c.all {
			if rival != made && rival.doc.Version == made.doc.Version && rival.outcome != replication.StoreConflict {
				c.winners[made.doc.Version] = rival
			}
		}
	}
	// What was there before the trace is older than what was stored in it; where
	// nothing was, it is the newest that was seen.
	var versions []int64
	for version := range c.winners {
		versions = append(versions, version-1)
	}
	if len(versions) > 0 {
		c.first = slices.Min(versions)
	} else {
		for version := range shown {
			c.first = max(c.first, version)
		}
	}
	c.placed = c.first
}

func sameDocument(a, b *replication.Document) bool {
	return a.Version == b.Version && a.Term == b.Term && a.Status == b.Status && a.Leader == b.Leader &&
		slices.Equal(a.Ensemble, b.Ensemble) && slices.Equal(a.Joining, b.Joining) &&
		slices.Equal(a.Learners, b.Learners) && slices.Equal(a.Removed, b.Removed)
}

// namesDisks reports whether the call only writes down disks, which is done in any
// other phase.
func (c *call) namesDisks() bool { return !storing(c.phase) }

// storing reports whether a phase is one in which a call is waited for.
func storing(phase string) bool {
	return phase == "claiming" || phase == "publishing" || phase == "changing"
}

// named reports whether a document that was to be stored before a line names a
// member.
func (c *calls) named(m replication.Member, line int) bool {
	for i, made := range c.made {
		if i < line && slices.ContainsFunc(made.doc.Members(), func(d replication.DocumentMember) bool { return d.Member == m }) {
			return true
		}
	}
	return false
}

// placeUpTo tells the effects of all calls up to a version, as far as they were not
// told: somebody has seen it.
func (c *converter) placeUpTo(version int64) error {
	for c.calls.placed < version {
		next := c.calls.placed + 1
		won := c.calls.winners[next]
		if won == nil {
			return fmt.Errorf("version %d of the document was seen, and nobody stored it", next)
		}
		c.calls.placed = next
		name := text(c.names.coordinator(won.by))
		switch {
		case won.namesDisks():
			c.emit("DisksNamed", field{"ver", number(next)})
		case won.flying && won.outcome == replication.StoreDone:
			c.emit("Stored", field{"c", name}, field{"won", "TRUE"})
		case won.flying:
			c.emit("Lost", field{"c", name})
			c.emit("Late", field{"d", c.names.document(&won.doc)})
		default:
			c.emit("Late", field{"d", c.names.document(&won.doc)})
		}
		won.flying, won.done = false, true
	}
	return nil
}
