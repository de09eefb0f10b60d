package replicationtest

import "github.com/ostraka-db/ostraka/replication"

// The faults that Chaos draws from. Each leaves the cluster in a state that
// healAll, startOne or the end of the run mends.

func (x *chaos) crashOne() {
	s := x.anyServer()
	if s.node == nil {
		return
	}
	x.crashServer(s)
}

func (x *chaos) crashServer(s *server) {
	x.logf("FAULT crash %s", s.id)
	if x.coin(0.5) {
		s.sync(x.random.IntN(3))
	}
	for _, r := range x.requests {
		a, open := x.open[r.id]
		if r.server != s || !open {
			continue
		}
		if a.write {
			a.done = endOfTime
			x.history = append(x.history, a)
		}
		delete(x.open, r.id)
	}
	s.crash()
}

func (x *chaos) startOne() {
	for _, s := range x.servers {
		if s.node == nil {
			x.logf("FAULT over: start %s", s.id)
			s.disk.stuck, s.shown = false, ""
			s.start()
			return
		}
	}
}

func (x *chaos) pauseOne() {
	s := x.anyServer()
	s.paused = !s.paused && s.node != nil
	x.logf("FAULT paused=%v %s", s.paused, s.id)
	if !s.paused && s.node != nil {
		s.wake()
	}
}

// cutSome cuts links one by one, in one direction each.
func (x *chaos) cutSome() {
	for range 1 + x.random.IntN(len(x.servers)) {
		from, to := x.anyServer(), x.anyServer()
		x.logf("FAULT cut %s > %s", from.id, to.id)
		x.cut(string(from.id), string(to.id))
	}
}

func (x *chaos) isolateOne() {
	s := x.anyServer()
	x.logf("FAULT isolate %s", s.id)
	x.cut(string(s.id), "")
	x.cut("", string(s.id))
}

func (x *chaos) healAll() {
	x.logf("FAULT over: heal")
	x.laws = nil
	for _, s := range x.servers {
		s.disk.stuck = false
		if s.node != nil {
			s.metadata.cut, s.metadata.deaf = false, false
			s.machine.stalled = false
			s.wake()
		}
		if s.paused {
			s.paused = false
		}
	}
}

// stickOne keeps a disk from syncing; syncOne lets some of it through.
func (x *chaos) stickOne() {
	s := x.anyServer()
	x.logf("FAULT stick %s", s.id)
	s.disk.stuck = true
}

func (x *chaos) syncOne() {
	if s := x.anyServer(); s.up() {
		s.sync(x.random.IntN(3))
		s.wake()
	}
}

func (x *chaos) metadataFault() {
	if s := x.anyServer(); s.node != nil {
		s.metadata.cut, s.metadata.deaf = x.coin(0.5), x.coin(0.5)
		x.logf("FAULT metadata of %s: cut=%v deaf=%v", s.id, s.metadata.cut, s.metadata.deaf)
	}
}

// wipeOne takes one server's disk away, once in a run, and only where the rest
// is still a majority.
func (x *chaos) wipeOne() {
	if x.wiped != nil || len(x.servers) < 3 || x.changes {
		return
	}
	x.crashOne()
	for _, s := range x.servers {
		if s.node == nil {
			x.logf("FAULT wipe %s", s.id)
			x.wiped = s
			s.disk = newDisk()
			s.incarnation += 100
			return
		}
	}
}

// trimOne lets a server's log be dropped as far as its state machine has flushed,
// or not quite so far; or asks for more than can be, in vain.
func (x *chaos) trimOne() {
	s := x.anyServer()
	if s.node == nil {
		return
	}
	if x.coin(0.7) {
		s.machine.flush()
	}
	to := s.disk.shard(Shard).flushed.last.Offset - replication.Offset(x.random.ExpFloat64()*4)
	if state, ok := s.node.Replica(Shard); ok && x.coin(0.05) {
		to = state.Applied + 1 + replication.Offset(x.random.IntN(3))
	}
	x.logf("TRIM %s to %d", s.id, to)
	x.report.Trims++
	s.node.Trim(Shard, to)
	s.wake()
}

// stallOne keeps a state machine from working; closeOne makes one forget the
// snapshots that it has open, and spoilOne lets the next that arrives be damaged.
func (x *chaos) stallOne() {
	if s := x.anyServer(); s.node != nil {
		x.logf("FAULT stall %s", s.id)
		s.machine.stalled = true
	}
}

func (x *chaos) closeOne() {
	if s := x.anyServer(); s.node != nil {
		x.logf("FAULT close the snapshots of %s", s.id)
		clear(s.machine.open)
	}
}

func (x *chaos) spoilOne() {
	if s := x.anyServer(); s.node != nil {
		x.logf("FAULT spoil a snapshot at %s", s.id)
		s.machine.spoiled = true
	}
}
