package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// What must come of a cluster once it is healed, and within how much time.
const (
	// serveWithin is when a write of every shard, asked of any server, must be done.
	serveWithin = 40 * time.Second
	// changeWithin is when a shard must be on the servers that are wished for, which
	// may have to be sent snapshots.
	changeWithin = 100 * time.Second
	// agreeWithin is when, without any requests, all replicas must be the same. A
	// snapshot that was given up holds its place for up to a minute.
	agreeWithin = 90 * time.Second

	askEvery = 50 * time.Millisecond
)

// settle heals everything, and sees whether the cluster serves, comes to the
// ensembles that are wished for, and agrees.
func (w *world) settle() {
	w.trace.printf("all faults are over")
	w.faults.heal()
	healed := w.now
	for _, s := range w.servers {
		for shard := range w.config.Shards {
			w.mustServe(s, replication.ShardID(shard), healed+serveWithin)
		}
	}
	w.report.Served = w.now - healed
	for shard := range w.config.Shards {
		w.mustChange(shard)
	}
	w.clients.resting = true
	w.mustAgree()
	for shard := range w.config.Shards {
		w.mustRead(replication.ShardID(shard))
	}
}

// waitFor lets time pass until something is so, and reports whether it came to be.
func (w *world) waitFor(end time.Duration, so func() bool) bool {
	for !w.failed() && !so() {
		if w.now >= end {
			return false
		}
		w.runUntil(min(end, w.now+askEvery), w.failed)
	}
	return !w.failed()
}

// mustServe asks a server for a write of a shard until it is done, or the server has
// no part in it: such a one hears of leaders from announcements alone, and if it was
// away then, from nobody. (In production coordinators stream assignments to it.)
func (w *world) mustServe(s *server, shard replication.ShardID, end time.Duration) {
	c := w.clients.all[0]
	done, asking := false, false
	if !w.waitFor(end, func() bool {
		if !asking && !done {
			asking = true
			c.ask(shard, s, c.write(shard, c.put(registerKey(0))), func(o replication.OutcomeKind) {
				done, asking = o == replication.OutcomeDone, false
			})
		}
		return done || !w.belongs(s, shard) && !w.coordinates(s.index, int(shard))
	}) {
		doc := w.metadata.documents[shard]
		w.fail(fmt.Errorf("%s does not serve shard %d %v after healing: %v", s.id, shard, serveWithin, &doc))
	}
}

// belongs reports whether a server has a member of a shard's ensemble.
func (w *world) belongs(s *server, shard replication.ShardID) bool {
	return slices.ContainsFunc(w.metadata.documents[shard].Ensemble, func(m replication.DocumentMember) bool {
		return m.Server == s.id && m.Incarnation == s.disk.incarnation
	})
}

// mustRead asks for all registers at the end.
func (w *world) mustRead(shard replication.ShardID) {
	done, asking := false, false
	c := w.clients.all[0]
	if !w.waitFor(w.now+serveWithin, func() bool {
		if !asking && !done {
			asking = true
			c.ask(shard, w.server(w.metadata.documents[shard].Ensemble[0].Server), c.scan(), func(o replication.OutcomeKind) {
				done, asking = o == replication.OutcomeDone, false
			})
		}
		return done
	}) {
		w.fail(fmt.Errorf("shard %d is not read", shard))
	}
}

// mustChange wishes for the servers that the shard began on, on whatever disks they
// have by now, until the shard is on them and on no others.
func (w *world) mustChange(shard int) {
	wish := w.firstServers(shard)
	again := time.Duration(0)
	if !w.waitFor(w.now+changeWithin, func() bool {
		if w.now >= again {
			again = w.now + time.Second
			for _, s := range w.servers {
				w.wish(s, shard, wish)
			}
		}
		return w.reached(replication.ShardID(shard), wish)
	}) {
		doc := w.metadata.documents[replication.ShardID(shard)]
		w.fail(fmt.Errorf("shard %d is not on %v %v after that was wished: %v", shard, wish, changeWithin, &doc))
	}
}

// reached reports whether the shard is on these servers' disks, and on no others. That
// the document is steady is not asked: a claim of unknown outcome that took effect
// after all may stand there, until somebody wants to change it.
func (w *world) reached(shard replication.ShardID, wish []replication.ServerID) bool {
	doc := w.metadata.documents[shard]
	if len(doc.Joining)+len(doc.Learners)+len(doc.Removed) > 0 ||
		len(doc.Ensemble) != len(wish) {
		return false
	}
	for _, s := range w.servers {
		i := slices.IndexFunc(doc.Ensemble, func(m replication.DocumentMember) bool { return m.Server == s.id })
		state, holds := s.replica(shard)
		switch {
		case (i >= 0) != slices.Contains(wish, s.id) || holds != (i >= 0):
			return false
		case holds && (doc.Ensemble[i].Incarnation != s.disk.incarnation || doc.Ensemble[i].Member != state.Member):
			return false
		}
	}
	return true
}

func (s *server) replica(shard replication.ShardID) (replication.ReplicaState, bool) {
	if s.process == nil {
		return replication.ReplicaState{}, false
	}
	return s.process.node.Replica(shard)
}

// mustAgree waits until all replicas of each shard have applied the same, and
// nothing is left to be applied.
func (w *world) mustAgree() {
	var why error
	if !w.waitFor(w.now+agreeWithin, func() bool {
		why = nil
		for shard := range w.config.Shards {
			if why = w.agrees(replication.ShardID(shard)); why != nil {
				return false
			}
		}
		return len(w.clients.open) == 0
	}) {
		w.fail(fmt.Errorf("replicas do not converge within %v: %w", agreeWithin, why))
	}
}

func (w *world) agrees(shard replication.ShardID) error {
	var first *replication.ReplicaState
	var sum kv.Digest
	for _, s := range w.servers {
		state, holds := s.replica(shard)
		if !holds {
			continue
		}
		digest, at, err := s.process.disk.State().Digest(kv.ShardID(shard))
		if err != nil {
			return err
		}
		if int64(state.Applied) != at.Offset || state.Applied != state.Head.Offset {
			return fmt.Errorf("shard %d: %v is not all applied: %v", shard, state, at)
		}
		if first == nil {
			first, sum = &state, digest
		}
		if state.Head != first.Head || digest != sum {
			return fmt.Errorf("shard %d: %v with digest %x, and %v with digest %x", shard, first, uint64(sum), state, uint64(digest))
		}
	}
	if first == nil {
		return fmt.Errorf("shard %d: nobody holds a replica", shard)
	}
	// What they agree on is what clients were told. What rotted on a disk, and nobody has
	// read yet, tells nothing.
	for _, s := range w.servers {
		if _, holds := s.replica(shard); holds {
			err := w.sessionsAgree(shard, s.process.disk.State())
			if err == nil {
				err = w.notificationsAgree(shard, s.process.disk.State())
			}
			if damage := (*kv.CorruptionError)(nil); err != nil && !errors.As(err, &damage) {
				w.fail(err)
				return nil
			}
		}
	}
	return nil
}
