package sim

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// The budget of lost disks. What a majority of an ensemble synced must not be lost,
// or nothing can be promised: a disk is taken, or damaged, only where each ensemble
// that the server is in keeps a majority without it.

func beginWipe(x *faults, f *Fault) bool {
	s := x.server(f)
	if !x.world.mayLose(s) {
		return false
	}
	s.down++
	s.kill(0)
	s.wipe()
	return true
}

// Log rot flips one bit of what is in the log, of a server that runs or not.
func beginLogRot(x *faults, f *Fault) bool {
	s := x.server(f)
	if !x.world.mayLose(s) || !s.disk.rot(f.Place, s.disk.logFiles()) {
		return false
	}
	s.suspect = true
	return true
}

// Table rot flips one bit of a table of the state machine, of a server that does not
// run: what was read before is in memory, and only a new run is sure to meet it. Tables
// that are over are removed when the engine comes to it, and are no matter of a seed.
func beginTableRot(x *faults, f *Fault) bool {
	s := x.server(f)
	if s.process == nil || !x.world.mayLose(s) {
		return false
	}
	tables, err := s.process.disk.State().Tables()
	if err != nil {
		return false
	}
	for i := range tables {
		tables[i] = stateDir + "/" + tables[i]
	}
	s.kill(f.Percent)
	s.suspect = s.disk.rot(f.Place, tables) || s.suspect
	x.world.after(f.Duration, s.restart)
	return true
}

// mayLose reports whether a server's disk may be lost: each ensemble keeps a majority
// without it, and so does each that somebody wished for and that may come to be.
func (w *world) mayLose(s *server) bool {
	for shard := range w.config.Shards {
		doc, found := w.metadata.documents[replication.ShardID(shard)]
		if !found {
			return false // its first ensemble is being made
		}
		for _, ensemble := range [][]replication.DocumentMember{doc.Ensemble, doc.Joining} {
			if w.losesMajority(ensemble, s) {
				return false
			}
		}
		for _, wish := range w.wishes[shard] {
			if w.losesMajority(w.wished(shard, wish), s) {
				return false
			}
		}
	}
	return true
}

// losesMajority reports whether an ensemble has a member on the server, and no
// majority of members on disks that are to be relied on without it.
func (w *world) losesMajority(ensemble []replication.DocumentMember, without *server) bool {
	lost, holds := 1, false
	for _, m := range ensemble {
		switch {
		case m.Server == without.id:
			holds = true
		case w.isLost(m):
			lost++
		}
	}
	return holds && 2*lost >= len(ensemble)
}

// wished is the ensemble that a wish may come to: members that the shard has are kept,
// and whoever does not hear a server takes its old disk for the present one.
func (w *world) wished(shard int, wish []replication.ServerID) []replication.DocumentMember {
	doc := w.metadata.documents[replication.ShardID(shard)]
	members := doc.Members()
	ensemble := make([]replication.DocumentMember, len(wish))
	for i, id := range wish {
		ensemble[i].Server = id
		if at := slices.IndexFunc(members, func(m replication.DocumentMember) bool { return m.Server == id }); at >= 0 {
			ensemble[i] = members[at]
		}
	}
	return ensemble
}

// mayWish reports whether a wish is one that a planner has who knows which disks are
// not to be relied on: a majority does not need them.
func (w *world) mayWish(shard int, wish []replication.ServerID) bool {
	lost := 0
	for _, m := range w.wished(shard, wish) {
		if w.isLost(m) {
			lost++
		}
	}
	return lost == 0 || 2*lost < len(wish)
}

// keepsSuspect reports whether a server whose disk is not to be relied on is left to
// repair itself when all faults are over. It is replaced instead where an ensemble is
// so small that it is needed.
func (w *world) keepsSuspect(s *server) bool {
	if w.config.Replicas < 3 {
		return false
	}
	for _, doc := range w.metadata.documents {
		if w.losesMajority(doc.Ensemble, s) || w.losesMajority(doc.Joining, s) {
			return false
		}
	}
	return true
}

// isLost reports whether the disk that a member was made on is not there any more,
// or is not to be relied on.
func (w *world) isLost(m replication.DocumentMember) bool {
	s := w.server(m.Server)
	return s.suspect || m.Incarnation != 0 && s.disk.incarnation != m.Incarnation
}

// reset tells the others that connections to a server broke, a little later.
func (w *world) reset(gone *server) {
	for _, s := range w.servers {
		if s == gone {
			continue
		}
		p := s.process
		w.after(w.network.travels(), func() {
			s.inRun(p, func() {
				p.node.PeerGone(gone.id)
				p.stepSoon()
			})
		})
	}
}

// wish tells a server's coordinator which servers are to hold a shard. One that is
// paused hears of it later, when disks may have been lost since: a planner would not
// say it then.
func (w *world) wish(s *server, shard int, servers []replication.ServerID) {
	if !w.coordinates(s.index, shard) {
		return
	}
	p := s.process
	paused := s.paused > 0
	s.inRun(p, func() {
		if paused && !w.mayWish(shard, servers) {
			return
		}
		w.wishes[shard][s.index] = servers
		p.node.ChangeEnsemble(replication.ShardID(shard), slices.Clone(servers))
		p.stepSoon()
	})
}
