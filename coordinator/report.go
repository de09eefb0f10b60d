package coordinator

import (
	"math"
	"time"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// rateOver is over how long a rate is a mean: what was longer ago counts little.
const rateOver = time.Minute

// rate is how often something happens, a mean that forgets.
type rate struct {
	// sum is the mean of the time that was observed, weighted by how long ago it was, and
	// weight what all of that weighs.
	sum, weight float64
	// until is up to when it was observed, on the clock of the server.
	until int64
}

// add takes in that something happened so many times between two moments, in
// milliseconds. Between the last call and the first of them nothing happened.
func (r *rate) add(count uint64, from, to int64) {
	if to <= from {
		return
	}
	if from > r.until {
		r.observe(0, from-r.until)
	}
	r.observe(float64(count)*1000/float64(to-from), to-from)
	r.until = to
}

func (r *rate) observe(perSecond float64, ms int64) {
	kept := forget(ms)
	r.sum = r.sum*kept + perSecond*(1-kept)
	r.weight = r.weight*kept + 1 - kept
}

// forget is what is left of the weight of the past after so many milliseconds.
func forget(ms int64) float64 {
	return math.Exp(-float64(ms) / float64(rateOver.Milliseconds()))
}

// at is the rate at a moment, up to which nothing happened since the last call of add.
func (r rate) at(ms int64) float64 {
	if r.weight == 0 {
		return 0
	}
	if ms > r.until {
		r.observe(0, ms-r.until)
	}
	return r.sum / r.weight
}

// replicaView is a replica as its server told of it.
type replicaView struct {
	report *api.ReplicaReport
	// lookedAt is when its counters were read.
	lookedAt      int64
	writes, reads rate
	// moved is when it was last seen to have more than before.
	moved time.Time
}

// take takes in a report, whose counters were read at a moment. Up to an earlier one they
// are known not to have changed.
func (r *replicaView) take(report *api.ReplicaReport, unchangedUntil, lookedAt int64) {
	if r.report != nil && report.GetReplica() == r.report.GetReplica() {
		from := max(r.lookedAt, unchangedUntil)
		r.writes.add(more(r.report.GetWrites(), report.GetWrites()), from, lookedAt)
		r.reads.add(more(r.report.GetReads(), report.GetReads()), from, lookedAt)
	} else {
		r.writes, r.reads = rate{until: lookedAt}, rate{until: lookedAt}
	}
	if gotOn(r.report, report) {
		r.moved = time.Now()
	}
	r.report, r.lookedAt = report, lookedAt
}

// more is by how much a counter grew; one that became less begins anew.
func more(before, now uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

// reports takes in what a server tells of its replicas. The view is locked.
func (s *serverView) reports(told *api.ReplicaReports) {
	if told == nil {
		return
	}
	if s.anew {
		s.anew, s.completeAt = false, 0
		clear(s.replicas)
	}
	for _, report := range told.GetReplicas() {
		id := replication.ShardID(report.GetShard())
		known := s.replicas[id]
		if known == nil {
			known = &replicaView{}
			s.replicas[id] = known
		}
		known.take(report, s.completeAt, told.GetLookedAtMs())
	}
	for _, id := range told.GetGone() {
		delete(s.replicas, replication.ShardID(id))
	}
	if told.GetComplete() {
		s.completeAt = told.GetLookedAtMs()
	}
}

// reachable reports whether the server is heard. The view is locked.
func (s *serverView) reachable() bool { return s.state != nil && !s.gone }

// reached takes note of since when the server is heard, or not, and reports whether that
// changed. The view is locked.
func (s *serverView) reached(change func()) bool {
	known, before := s.known, s.reachable()
	change()
	s.known = true
	now := s.reachable()
	if now != (before || !known) {
		s.since = time.Now()
	}
	return now != before || !known
}
