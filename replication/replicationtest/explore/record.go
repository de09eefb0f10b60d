package explore

import (
	"math/rand/v2"

	"github.com/ostraka-db/ostraka/replication"
)

// Recorder is told the beginning of each run, and each step, of a path.
type Recorder interface {
	Open(server replication.ServerID, run replication.RunID, shard replication.ShardID, found replication.Recovered)
	Step(run replication.RunID, step replication.TraceStep)
}

// recorded is a step, or the beginning of a run.
type recorded struct {
	run    replication.RunID
	step   replication.TraceStep
	begins bool
	server replication.ServerID
	found  replication.Recovered
}

// Record takes a random path through a configuration, from nothing to its start
// and a number of actions on, and tells it to the recorder.
func Record(config Config, seed uint64, actions int, recorder Recorder) error {
	x, err := newExplorer(config, recorder)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 0x7ace))
	w := x.start
	for range actions {
		var possible []action
		x.expand(&w, func(a action, _ *world, broken string) {
			if broken != "" {
				err = BrokenError{Law: broken}
			}
			possible = append(possible, a)
		})
		if len(possible) == 0 || err != nil {
			return err
		}
		w, _ = x.take(w, possible[random.IntN(len(possible))])
	}
	return nil
}

// recordBeginning tells the first runs of everybody.
func (x *Explorer) recordBeginning() {
	if x.recorder == nil {
		return
	}
	first := x.firstMembers()
	for i, server := range x.names {
		// A server that has no replica yet began a run all the same.
		var found replication.Recovered
		if i < len(first) {
			found.Record.Replica = first[i].Replica
		}
		x.recorder.Open(server, 1, shard, found)
	}
	for _, id := range x.coordinatorNames {
		x.recorder.Open(id, 1, shard, replication.Recovered{})
	}
}

func (x *Explorer) note(steps []recorded, run replication.RunID, step replication.TraceStep) []recorded {
	if x.recorder == nil {
		return steps
	}
	return append(steps, recorded{run: run, step: step})
}

func (x *Explorer) noteRun(steps []recorded, id replication.ServerID, run replication.RunID, found replication.Recovered) []recorded {
	if x.recorder == nil {
		return steps
	}
	return append(steps, recorded{run: run, begins: true, server: id, found: found})
}

// tellRecorder tells what an action did; nil stands for one that is nobody's step.
func (x *Explorer) tellRecorder(r *result) {
	if x.recorder == nil || r == nil {
		return
	}
	for _, s := range r.steps {
		if s.begins {
			x.recorder.Open(s.server, s.run, shard, s.found)
		} else {
			x.recorder.Step(s.run, s.step)
		}
	}
}
