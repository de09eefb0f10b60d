package replicationtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Chaos runs a cluster of nodes under random faults, drawn from a seed, with
// clients that write and read, and returns what is wrong: a broken invariant, a
// history that is not linearizable, or a cluster that does not recover once it
// is healed. Each fault kind is on or off for a whole run, so that some runs
// meet few of them and go far.
//
// It is not the simulator of the whole system (that has real logs and state
// machines); it shows that the core alone holds.
type Chaos struct {
	Seed uint64
	// For is how long faults go on, in simulated time.
	For time.Duration
	// Specified keeps to what the specification knows, which has no orders: it claims
	// terms after questions, or at any time.
	Specified bool
	// Trace, if set, is given every line of what happened.
	Trace func(string)
	// Record, if set, is told every step.
	Record Recorder
}

// ChaosReport says what a run did.
type ChaosReport struct {
	Servers, Writes, Reads, Unknown, Refused int
	Faults, Trims, Snapshots                 int
	// Recovered is how long after healing every server had a write done.
	Recovered time.Duration
	// Wishes and Wiped count ensembles that were wished for and disks that were
	// lost, in a run with ensemble changes; Changed is the longest that one of the
	// wishes after healing took.
	Wishes, Wiped int
	Changed       time.Duration
}

type chaos struct {
	*Cluster
	random  *rand.Rand
	report  ChaosReport
	history []access
	open    map[replication.RequestID]access
	lastID  replication.RequestID
	// probabilities and switches of this run
	loss, duplicate float64
	trims           float64
	delay           time.Duration
	kinds           []func()
	wiped           *server
	// changes says that the run has ensemble changes, orders that it has orders too.
	changes, orders bool
}

// Run executes the seed.
func (c Chaos) Run() (ChaosReport, error) {
	random := rand.New(rand.NewPCG(c.Seed, 0x05f3a))
	options := replication.DefaultOptions()
	options.MaxAppendBytes = 200
	options.TailBytes = 400
	options.MaxInflight = 8
	options.MaxEarly = 4
	options.MaxSnapshotBytes = 1 + random.IntN(20)
	x := &chaos{Cluster: NewCluster(options), random: random, open: map[replication.RequestID]access{}, orders: !c.Specified}
	x.Log, x.Record = c.Trace, c.Record
	x.onOutcome = x.outcome
	x.draw()
	for range x.report.Servers {
		x.addServer(true)
	}
	for _, s := range x.servers {
		s.start()
	}
	for end := x.now + c.For; x.now < end && x.violations == 0; {
		x.turn()
	}
	if err := x.settle(); err != nil {
		return x.report, fmt.Errorf("seed %d: %w", c.Seed, err)
	}
	return x.report, nil
}

// draw decides what kinds of faults this run has.
func (x *chaos) draw() {
	x.report.Servers = []int{1, 2, 3, 3, 3, 3, 4, 5, 5, 5}[x.random.IntN(10)]
	if x.coin(0.6) {
		x.loss = x.random.Float64() * 0.2
	}
	if x.coin(0.6) {
		x.duplicate = x.random.Float64() * 0.2
	}
	if x.coin(0.7) {
		x.trims = x.random.Float64() * 0.3
	}
	x.lazyFlush = x.coin(0.6)
	x.delay = time.Duration(1+x.random.IntN(30)) * time.Millisecond
	for _, kind := range []func(){
		x.crashOne, x.startOne, x.pauseOne, x.cutSome, x.cutSome, x.isolateOne, x.healAll, x.stickOne,
		x.syncOne, x.metadataFault, x.wipeOne, x.stallOne, x.closeOne, x.spoilOne,
	} {
		if x.coin(0.6) {
			x.kinds = append(x.kinds, kind)
		}
	}
	x.kinds = append(x.kinds, x.healAll, x.startOne)
	x.drawChanges()
	x.travel = func(replication.Envelope) []time.Duration {
		var copies []time.Duration
		for more := true; more; more = x.coin(x.duplicate) {
			if !x.coin(x.loss) {
				copies = append(copies, time.Duration(x.random.ExpFloat64()*float64(x.delay)))
			}
		}
		return copies
	}
}

func (x *chaos) coin(p float64) bool { return x.random.Float64() < p }

func (x *chaos) anyServer() *server { return x.servers[x.random.IntN(len(x.servers))] }

// turn lets a little time pass, asks for something, and maybe breaks something.
func (x *chaos) turn() {
	x.advance(time.Duration(x.random.IntN(40)) * time.Millisecond)
	for range x.random.IntN(3) {
		x.ask(x.anyServer())
	}
	if x.coin(x.trims) {
		x.trimOne()
	}
	if x.coin(0.1) {
		x.report.Faults++
		x.kinds[x.random.IntN(len(x.kinds))]()
	}
}

func (x *chaos) ask(s *server) replication.RequestID {
	if s.node == nil {
		return 0
	}
	x.lastID++
	a := access{
		client: int(x.lastID), key: string(rune('a' + x.random.IntN(3))), value: fmt.Sprint(x.lastID),
		write: x.coin(0.5), called: int64(x.now),
	}
	r := replication.Request{
		ID: x.lastID, Shard: Shard, Kind: replication.RequestRead, Body: []byte(a.key),
		Deadline: s.clock().Mono.Add(900 * time.Millisecond),
	}
	if a.write {
		r.Kind, r.Body = replication.RequestWrite, []byte(a.key+"="+a.value)
	}
	x.open[r.ID] = a
	x.requests = append(x.requests, request{server: s, id: r.ID})
	s.node.Request(r)
	s.wake()
	return r.ID
}

// outcome enters an answer into the history. What was refused did not happen;
// a write whose outcome is unknown may take effect at any later time.
func (x *chaos) outcome(_ *server, o replication.RequestOutcome) {
	a := x.open[o.ID]
	delete(x.open, o.ID)
	x.logf("client %d %s=%s write=%v: %v", o.ID, a.key, a.value, a.write, o.Outcome)
	a.done = int64(x.now)
	switch {
	case o.Outcome.Kind == replication.OutcomeRefused:
		x.report.Refused++
		return
	case o.Outcome.Kind == replication.OutcomeUnknown:
		x.report.Unknown++
		a.done = endOfTime
	case a.write:
		x.report.Writes++
	default:
		x.report.Reads++
		a.value = string(o.Outcome.Result)
	}
	x.history = append(x.history, a)
}

// settle heals everything, and checks that the cluster recovers and converges,
// and that the history is linearizable.
func (x *chaos) settle() error {
	x.mend()
	healed := x.now
	for _, s := range x.servers {
		if err := x.mustServe(s, healed); err != nil {
			return err
		}
	}
	x.report.Recovered, x.report.Snapshots = x.now-healed, x.installs
	if x.changes {
		if err := x.mustChange(); err != nil {
			return err
		}
	}
	x.advance(3 * time.Second)
	if err := x.mustConverge(); err != nil {
		return err
	}
	for _, a := range x.open {
		if a.write {
			a.done = endOfTime
			x.history = append(x.history, a)
		}
	}
	if x.violations > 0 {
		return fmt.Errorf("%d violations of invariants (run with Trace)", x.violations)
	}
	return linearizable(x.history)
}

func (x *chaos) mend() {
	x.laws, x.loss, x.duplicate, x.delay = nil, 0, 0, time.Millisecond
	for _, s := range x.servers {
		s.disk.stuck, s.paused = false, false
		if s.node == nil {
			s.start()
		}
		s.metadata.cut, s.metadata.deaf = false, false
		s.machine.stalled, s.machine.spoiled = false, false
		s.wake()
	}
}

// recoverWithin is how soon after healing every server must serve.
const recoverWithin = 5 * time.Second

func (x *chaos) mustServe(s *server, healed time.Duration) error {
	for x.now < healed+recoverWithin && x.violations == 0 {
		id := x.ask(s)
		x.advance(20 * time.Millisecond)
		if _, open := x.open[id]; !open && slices.ContainsFunc(x.history, func(a access) bool {
			return a.client == int(id) && a.done < endOfTime
		}) {
			return nil
		}
	}
	return fmt.Errorf("%s does not serve %v after healing", s.id, recoverWithin)
}

func (x *chaos) mustConverge() error {
	var first *replication.ReplicaState
	for _, s := range x.servers {
		state, ok := s.node.Replica(Shard)
		switch {
		case !ok && (s == x.wiped || x.changes):
		case !ok:
			return fmt.Errorf("%s holds no replica", s.id)
		case first == nil:
			first = &state
		case state.Applied != first.Applied || state.Head != first.Head:
			return fmt.Errorf("%v and %v did not converge", first, state)
		}
	}
	return nil
}
