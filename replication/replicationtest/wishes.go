package replicationtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Chaos with ensemble changes: wishes for other servers come at any time, to one
// coordinator or to all, while everything else goes wrong. Disks are lost as long
// as each ensemble keeps a majority of its own, and are replaced by a wish.

// drawChanges decides whether the run has ensemble changes, and among how many
// servers.
func (x *chaos) drawChanges() {
	if !x.coin(0.5) {
		return
	}
	x.changes = true
	x.first = min(x.report.Servers, 1+x.random.IntN(5))
	x.report.Servers = max(x.report.Servers, 3+x.random.IntN(3))
	x.kinds = append(x.kinds, x.wishSome, x.wishSome, x.wishSome, x.loseDisk)
	if x.orders {
		x.kinds = append(x.kinds, x.moveSome)
	}
}

// anyServers draws an ensemble of 1 to 5.
func (x *chaos) anyServers() []replication.ServerID {
	names := x.names()
	x.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names[:1+x.random.IntN(min(5, len(names)))]
}

func (x *chaos) wishSome() {
	to := x.anyServers()
	x.report.Wishes++
	if x.coin(0.5) {
		x.wishAll(to)
	} else if s := x.anyServer(); s.node != nil {
		x.wish(s, to)
	}
}

// moveSome orders a coordinator to move the leadership to any server.
func (x *chaos) moveSome() {
	at, to := x.anyServer(), x.anyServer()
	if at.node == nil {
		return
	}
	x.logf("MOVE by %s to %s", at.id, to.id)
	at.node.Transfer(Shard, to.id)
	at.wake()
}

func (x *chaos) wishAll(to []replication.ServerID) {
	for _, s := range x.servers {
		if s.node != nil {
			x.wish(s, to)
		}
	}
}

func (x *chaos) wish(at *server, to []replication.ServerID) {
	x.logf("WISH to %s: %v", at.id, to)
	at.node.ChangeEnsemble(Shard, to)
	at.wake()
}

// loseDisk takes a server's disk away, if no ensemble loses more than one of at
// least three.
func (x *chaos) loseDisk() {
	s := x.anyServer()
	if !x.mayLose(s) {
		return
	}
	if s.node != nil {
		x.crashServer(s)
	}
	x.logf("FAULT wipe %s", s.id)
	x.report.Wiped++
	s.disk = newDisk()
	s.incarnation += 100
}

func (x *chaos) mayLose(s *server) bool {
	doc, found := x.metadata.documents[Shard]
	if !found {
		return false
	}
	for _, ensemble := range [][]replication.DocumentMember{doc.Ensemble, doc.Joining} {
		holds := slices.ContainsFunc(ensemble, func(m replication.DocumentMember) bool { return m.Server == s.id })
		if holds && (len(ensemble) < 3 || slices.ContainsFunc(ensemble, x.lost)) {
			return false
		}
	}
	return true
}

// lost reports whether the disk of a member is not there any more.
func (x *chaos) lost(m replication.DocumentMember) bool {
	return m.Incarnation != 0 && x.server(m.Server).incarnation != m.Incarnation
}

// changeWithin is how soon after healing a wish must be reached that is given
// again and again.
const changeWithin = 15 * time.Second

// mustChange wishes for other servers, and expects the shard to come to be on
// them, and on no others. The first of two wishes may be the present ensemble.
func (x *chaos) mustChange() error {
	for range 2 {
		to := x.anyServers()
		begun := x.now
		for !x.reached(to) {
			if x.now > begun+changeWithin || x.violations > 0 {
				doc := x.metadata.documents[Shard]
				return fmt.Errorf("%v is not reached %v after it was wished: %v", to, changeWithin, &doc)
			}
			x.wishAll(to)
			x.advance(time.Second)
		}
		x.report.Changed = max(x.report.Changed, x.now-begun)
	}
	return nil
}

// reached reports whether the shard is on these servers' disks, and on no others.
func (x *chaos) reached(to []replication.ServerID) bool {
	doc := x.metadata.documents[Shard]
	if doc.Status != replication.StatusSteady || len(doc.Joining)+len(doc.Learners)+len(doc.Removed) > 0 || len(doc.Ensemble) != len(to) {
		return false
	}
	for _, s := range x.servers {
		i := slices.IndexFunc(doc.Ensemble, func(m replication.DocumentMember) bool { return m.Server == s.id })
		state, holds := s.node.Replica(Shard)
		switch {
		case (i >= 0) != slices.Contains(to, s.id) || holds != (i >= 0):
			return false
		case holds && (doc.Ensemble[i].Incarnation != s.incarnation || doc.Ensemble[i].Member != state.Member):
			return false
		}
	}
	return true
}
