package replication

import "slices"

// Clone and Reseed are for whoever explores what a Replica or an Election may do
// next: a step changes the struct, and another step is to be tried from where it
// was. A clone shares nothing with its origin that a step may change; entries and
// documents that were handed over are never changed (duty 9), and are shared.

// Clone returns a replica that is in the same state. It must not be called
// during a Step.
func (r *Replica) Clone() *Replica {
	c := *r
	c.log = r.log.clone()
	c.role = cloneRole(r.role)
	c.pending = slices.Clone(r.pending)
	c.silent = slices.Clone(r.silent)
	c.checks = slices.Clone(r.checks)
	return &c
}

func (l *replicaLog) clone() replicaLog {
	c := *l
	c.history = l.history.Clone()
	c.ops = slices.Clone(l.ops)
	c.tail = slices.Clone(l.tail)
	return c
}

func cloneRole(of role) role {
	switch of := of.(type) {
	case *fencedRole:
		c := *of
		c.answer = slices.Clone(of.answer)
		c.creators = slices.Clone(of.creators)
		c.voters = slices.Clone(of.voters)
		return &c
	case *followerRole:
		c := *of
		c.early = slices.Clone(of.early)
		return &c
	case *leaderRole:
		c := *of
		c.voters.Ensemble = slices.Clone(of.voters.Ensemble)
		c.voters.Joining = slices.Clone(of.voters.Joining)
		c.cursors = slices.Clone(of.cursors)
		for i := range c.cursors {
			c.cursors[i].checks = slices.Clone(c.cursors[i].checks)
		}
		c.reads = of.reads.clone()
		return &c
	case *deletedRole:
		c := *of
		c.answer = slices.Clone(of.answer)
		return &c
	}
	assert(false, "a replica is %T", of)
	return nil
}

func (q *readRounds) clone() readRounds {
	c := *q
	c.waiting = slices.Clone(q.waiting)
	c.asked = slices.Clone(q.asked)
	c.confirmed = slices.Clone(q.confirmed)
	c.released = slices.Clone(q.released)
	return c
}

// Clone returns an election that is in the same state. It must not be called
// during a Step.
func (e *Election) Clone() *Election {
	c := *e
	c.servers = slices.Clone(e.servers)
	c.doc = e.doc.Clone()
	c.silent = slices.Clone(e.silent)
	c.peers = slices.Clone(e.peers)
	c.gone = slices.Clone(e.gone)
	c.question.answers = slices.Clone(e.question.answers)
	c.fence.answers = slices.Clone(e.fence.answers)
	c.change.wish = slices.Clone(e.change.wish)
	c.change.answers = slices.Clone(e.change.answers)
	c.change.deleted = slices.Clone(e.change.deleted)
	if e.store != nil {
		doc := e.store.Clone()
		c.store = &doc
	}
	return &c
}

// Reseed makes the election draw its election ids and back-offs from another
// seed, as if NewElection had been given it.
func (e *Election) Reseed(seed uint64) { e.random = seed }
