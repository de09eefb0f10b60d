package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// faults lets the faults of a schedule strike.
type faults struct {
	world  *world
	random *rand.Rand
	// over is set when the cluster is healed: what is under way has ended, and nothing
	// strikes any more.
	over bool
	// ends are the faults under way, and struck whom those of them struck that choose
	// when they strike.
	ends   []*Fault
	struck map[*Fault]*server
}

// schedule lets a fault strike in its time.
func (x *faults) schedule(begin time.Duration, f *Fault) {
	x.world.at(begin+f.At, func() {
		if x.over || !table[f.Kind].begin(x, f) {
			return
		}
		x.world.report.Faults[f.Kind]++
		x.world.trace.note(metFault, nil, uint64(f.Kind), uint64(f.Server))
		x.world.trace.printf("FAULT %v", f)
		if table[f.Kind].end != nil {
			x.ends = append(x.ends, f)
			x.world.after(f.For, func() { x.end(f) })
		}
	})
}

func (x *faults) end(f *Fault) {
	if i := slices.Index(x.ends, f); i >= 0 {
		x.ends = slices.Delete(x.ends, i, i+1)
		x.world.trace.printf("FAULT over: %v", f)
		table[f.Kind].end(x, f)
	}
}

// heal ends every fault.
func (x *faults) heal() {
	x.over = true
	for len(x.ends) > 0 {
		x.end(x.ends[0])
	}
	for _, s := range x.world.servers {
		if s.suspect && !x.world.keepsSuspect(s) {
			s.kill(0)
			s.wipe()
		}
		s.clock.skew = 0
		s.disk.full, s.disk.failSyncs = false, false
		s.disk.failAfter.Store(0)
		s.restart()
	}
}

func (x *faults) server(f *Fault) *server { return x.world.servers[f.Server] }

// join and leave keep lists of the faults of a kind that are at work.
func join(at *[]*Fault, f *Fault) bool {
	*at = append(*at, f)
	return true
}

func leave(at *[]*Fault, f *Fault) {
	*at = slices.DeleteFunc(*at, func(o *Fault) bool { return o == f })
}

func beginLoss(x *faults, f *Fault) bool   { return join(&x.world.network.lossy, f) }
func endLoss(x *faults, f *Fault)          { leave(&x.world.network.lossy, f) }
func beginCopies(x *faults, f *Fault) bool { return join(&x.world.network.copying, f) }
func endCopies(x *faults, f *Fault)        { leave(&x.world.network.copying, f) }
func beginDelay(x *faults, f *Fault) bool  { return join(&x.world.network.slow, f) }
func endDelay(x *faults, f *Fault)         { leave(&x.world.network.slow, f) }

// A partition cuts the network in two.
func beginPartition(x *faults, f *Fault) bool { return x.partition(f, 1) }
func endPartition(x *faults, f *Fault)        { x.partition(f, -1) }

func (x *faults) partition(f *Fault, by int) bool {
	for i, from := range x.world.network.cut {
		for j := range from {
			if f.Others>>i&1 != f.Others>>j&1 {
				from[j] += by
			}
		}
	}
	return true
}

// One-way cuts what a server sends to others, or what they send to it.
func beginOneWay(x *faults, f *Fault) bool { return x.oneWay(f, 1) }
func endOneWay(x *faults, f *Fault)        { x.oneWay(f, -1) }

func (x *faults) oneWay(f *Fault, by int) bool {
	for _, other := range f.servers(len(x.world.servers)) {
		if f.Count%2 == 0 {
			x.world.network.cut[f.Server][other] += by
		} else {
			x.world.network.cut[other][f.Server] += by
		}
	}
	return true
}

// leader chooses the leader of the fault's shard, if there is one.
func (x *faults) leader(f *Fault) *server {
	var leader *server
	highest := replication.Term(0)
	for _, s := range x.world.servers {
		state, holds := s.replica(replication.ShardID(f.Shard))
		if holds && state.Role == replication.RoleLeader && state.Term.Term > highest {
			leader, highest = s, state.Term.Term
		}
	}
	if leader != nil {
		x.struck[f] = leader
	}
	return leader
}

// Isolate cuts a leader off from all others, but not from its clients.
func beginIsolate(x *faults, f *Fault) bool {
	leader := x.leader(f)
	if leader == nil {
		return false
	}
	x.isolate(leader, 1)
	return true
}

func endIsolate(x *faults, f *Fault) { x.isolate(x.struck[f], -1) }

func (x *faults) isolate(s *server, by int) {
	for i := range x.world.servers {
		x.world.network.cut[s.index][i] += by
		x.world.network.cut[i][s.index] += by
	}
}

func beginKillLeader(x *faults, f *Fault) bool {
	leader := x.leader(f)
	if leader == nil {
		return false
	}
	x.kill(leader, f)
	return true
}

func endKillLeader(x *faults, f *Fault) {
	s := x.struck[f]
	s.down--
	s.restart()
}

func beginKill(x *faults, f *Fault) bool {
	x.kill(x.server(f), f)
	return true
}

func (x *faults) kill(s *server, f *Fault) {
	s.down++
	s.kill(f.Percent)
	if f.Count%2 == 0 {
		x.world.reset(s)
	}
}

func endKill(x *faults, f *Fault) {
	s := x.server(f)
	s.down--
	s.restart()
}

// Power is lost everywhere at once.
func beginPowerLoss(x *faults, f *Fault) bool {
	for _, s := range x.world.servers {
		x.kill(s, f)
	}
	return true
}

func endPowerLoss(x *faults, f *Fault) {
	for _, s := range x.world.servers {
		s.down--
		s.restart()
	}
}

func beginPause(x *faults, f *Fault) bool {
	x.server(f).paused++
	return true
}

func endPause(x *faults, f *Fault) {
	s := x.server(f)
	if s.paused--; s.paused == 0 {
		s.resume()
	}
}

func beginSkew(x *faults, f *Fault) bool {
	s := x.server(f)
	if s.clock.skew = f.Duration; f.Count%2 == 0 {
		s.clock.skew = -f.Duration
	}
	return true
}

// Drift makes a clock run at half to twice its rate.
func beginDrift(x *faults, f *Fault) bool {
	x.setRate(x.server(f), int64(normalRate*(0.5+1.5*f.Rate)))
	return true
}
func endDrift(x *faults, f *Fault) { x.setRate(x.server(f), normalRate) }

func (x *faults) setRate(s *server, rate int64) {
	s.clock.setRate(rate)
	s.inRun(s.process, func() { s.process.stepSoon() })
}

func beginJump(x *faults, f *Fault) bool {
	s := x.server(f)
	s.clock.jump(f.Duration)
	s.inRun(s.process, func() { s.process.stepSoon() })
	return true
}

func beginSlowDisk(x *faults, f *Fault) bool { return join(&x.server(f).slowDisk, f) }
func endSlowDisk(x *faults, f *Fault)        { leave(&x.server(f).slowDisk, f) }
func beginSlowWork(x *faults, f *Fault) bool { return join(&x.server(f).slowWork, f) }
func endSlowWork(x *faults, f *Fault)        { leave(&x.server(f).slowWork, f) }

func beginFullDisk(x *faults, f *Fault) bool {
	x.server(f).disk.full = true
	return true
}
func endFullDisk(x *faults, f *Fault) { x.server(f).disk.full = false }

func beginDiskError(x *faults, f *Fault) bool {
	x.server(f).disk.failAfter.Store(f.Count)
	return true
}

func beginStoreCut(x *faults, f *Fault) bool  { return join(&x.server(f).storeCut, f) }
func endStoreCut(x *faults, f *Fault)         { leave(&x.server(f).storeCut, f) }
func beginStoreDeaf(x *faults, f *Fault) bool { return join(&x.server(f).storeDeaf, f) }
func endStoreDeaf(x *faults, f *Fault)        { leave(&x.server(f).storeDeaf, f) }
func beginStoreSlow(x *faults, f *Fault) bool { return join(&x.server(f).storeSlow, f) }
func endStoreSlow(x *faults, f *Fault)        { leave(&x.server(f).storeSlow, f) }

// A wish is for other servers, told to one coordinator or to all.
func beginWish(x *faults, f *Fault) bool {
	wish := x.anyServers(f)
	if !x.world.mayWish(f.Shard, wish) {
		return false
	}
	for i, s := range x.world.servers {
		if f.Count%2 == 0 || i == f.Server {
			x.world.wish(s, f.Shard, wish)
		}
	}
	return true
}

// anyServers is one to five servers.
func (x *faults) anyServers(f *Fault) []replication.ServerID {
	all := x.world.names()
	r := rand.New(rand.NewPCG(f.Others, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+r.IntN(min(5, len(all)))]
}

// Trim trims one server, without keeping anything for others, with or without a flush
// before.
func beginTrim(x *faults, f *Fault) bool {
	s := x.server(f)
	if s.process == nil || s.paused > 0 {
		return false
	}
	s.process.trim(replication.Offset(f.Count%3), f.Percent%2 == 0)
	return true
}

// Move orders one coordinator, or all, to move a shard's leadership to a server.
func beginMove(x *faults, f *Fault) bool {
	r := rand.New(rand.NewPCG(f.Others, 0))
	one := r.IntN(len(x.world.servers))
	moved := false
	for i, s := range x.world.servers {
		if f.Count%2 == 0 && i != one || s.process == nil || s.paused > 0 || !x.world.coordinates(i, f.Shard) {
			continue
		}
		moved = true
		s.process.node.Transfer(replication.ShardID(f.Shard), x.server(f).id)
		s.process.stepSoon()
	}
	return moved
}

// Drain lets a server give its leaderships away before it is stopped.
func beginDrain(x *faults, f *Fault) bool {
	s := x.server(f)
	if s.process == nil || s.paused > 0 {
		return false
	}
	s.process.node.Drain()
	s.process.stepSoon()
	return true
}

func endDrain(x *faults, f *Fault) {
	s := x.server(f)
	s.kill(f.Percent)
	s.restart()
}
