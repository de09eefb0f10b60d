package anomaly_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// state is what a perfect store holds: a list for each key; a register is a list of one.
type state map[int][]int

// apply carries out a transaction at once.
func (s state) apply(t transaction.Txn) transaction.Txn {
	done := transaction.Txn{Data: t.Data, Steps: slices.Clone(t.Steps)}
	for i := range done.Steps {
		switch step := &done.Steps[i]; step.F {
		case transaction.Read:
			step.Found = s[step.Key]
		case transaction.Append:
			s[step.Key] = append(slices.Clone(s[step.Key]), step.Value)
		default:
			s[step.Key] = []int{step.Value}
		}
	}
	return done
}

// bounds are the size of a simulated history.
type bounds struct{ processes, moves, keys, steps int }

// simulation is a strictly serializable store with clients. At any time one of them may
// ask, have its transaction applied, or hear of it: in any of the ways in which a store
// may answer.
type simulation struct {
	t     *rapid.T
	data  transaction.Data
	keys  int
	steps int

	store   state
	h       history.History
	next    int // value to write
	open    []*request
	waiting []transaction.Txn // given up by their clients, and not applied yet
	clients int
}

type request struct {
	process history.Process
	asked   transaction.Txn
	done    *transaction.Txn
}

func simulate(t *rapid.T, data transaction.Data, size bounds) []history.Operation {
	s := &simulation{t: t, data: data, keys: size.keys, steps: size.steps, store: state{}, open: make([]*request, size.processes)}
	for range size.moves {
		at := rapid.IntRange(0, size.processes).Draw(t, "who")
		if at == size.processes {
			s.applyLate()
			continue
		}
		s.move(at)
	}
	return history.Operations(s.h.Events())
}

// applyLate applies what a client has given up.
func (s *simulation) applyLate() {
	if len(s.waiting) > 0 {
		s.store.apply(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}

func (s *simulation) move(at int) {
	r := s.open[at]
	if r == nil {
		r = &request{process: history.Process(s.clients), asked: s.draw()}
		s.clients++
		s.open[at] = r
		s.add(r.process, history.Invoke, r.asked)
		return
	}
	how := rapid.IntRange(0, 9).Draw(s.t, "how")
	switch {
	case r.done == nil && how < 7:
		done := s.store.apply(r.asked)
		r.done = &done
		return
	case r.done == nil && how < 8:
		s.add(r.process, history.Fail, r.asked)
	case r.done == nil:
		s.waiting = append(s.waiting, r.asked)
		s.add(r.process, history.Info, r.asked)
	case how < 8:
		s.add(r.process, history.OK, *r.done)
	default:
		s.add(r.process, history.Info, r.asked)
	}
	s.open[at] = nil
}

func (s *simulation) draw() transaction.Txn {
	t := transaction.Txn{Data: s.data}
	for range rapid.IntRange(1, s.steps).Draw(s.t, "steps") {
		step := transaction.Step{F: transaction.Read, Key: rapid.IntRange(0, s.keys-1).Draw(s.t, "key")}
		if rapid.Bool().Draw(s.t, "writes") {
			s.next++
			step.F, step.Value = s.data.Write(), s.next
		}
		t.Steps = append(t.Steps, step)
	}
	return t
}

func (s *simulation) add(p history.Process, kind history.Type, did transaction.Txn) {
	s.h.Add(history.Event{Process: p, Type: kind, F: "txn", Value: did})
}

var kinds = []transaction.Data{transaction.Lists, transaction.Registers}

func TestAStrictlySerializableStoreIsNeverInvalid(t *testing.T) {
	for _, data := range kinds {
		rapid.Check(t, func(t *rapid.T) {
			ops := simulate(t, data, bounds{
				processes: rapid.IntRange(1, 12).Draw(t, "processes"), moves: 300,
				keys: rapid.IntRange(1, 4).Draw(t, "keys"), steps: 4,
			})
			for _, realTime := range []bool{true, false} {
				cfg := strict(data)
				cfg.RealTime = realTime
				if got := anomaly.Check(ops, cfg); got.Verdict != checker.Valid {
					t.Fatalf("%s\n%s", strings.Join(got.Reasons, "\n"), show(ops))
				}
			}
		})
	}
}

// explained tells, by trying all orders, whether a history has one.
func explained(ops []history.Operation, realTime bool) bool {
	var left []history.Operation
	for _, op := range ops {
		if op.Outcome() != history.Fail {
			left = append(left, op)
		}
	}
	return explains(left, state{}, realTime)
}

func explains(left []history.Operation, at state, realTime bool) bool {
	if !slices.ContainsFunc(left, func(op history.Operation) bool { return op.Outcome() == history.OK }) {
		return true
	}
	for i, op := range left {
		must := realTime && slices.ContainsFunc(left, func(o history.Operation) bool {
			return o.Outcome() == history.OK && o.Complete.Index < op.Invoke.Index
		})
		if must {
			continue
		}
		after := state{}
		for k, v := range at {
			after[k] = v
		}
		done := after.apply(op.Invoke.Value.(transaction.Txn))
		if op.Outcome() == history.OK && done.String() != op.Complete.Value.(transaction.Txn).String() {
			continue
		}
		if explains(slices.Concat(left[:i:i], left[i+1:]), after, realTime) {
			return true
		}
	}
	return false
}

// spoil changes what some reads found into something that was there at another time, or
// never, so that many histories are wrong, and few of them obviously.
func spoil(t *rapid.T, ops []history.Operation) {
	found := make(map[int][][]int)
	for _, op := range ops {
		if op.Outcome() != history.OK {
			continue
		}
		for _, s := range op.Complete.Value.(transaction.Txn).Steps {
			if s.F == transaction.Read {
				found[s.Key] = append(found[s.Key], s.Found, s.Found[:len(s.Found)/2])
			}
		}
	}
	for _, op := range ops {
		if op.Outcome() != history.OK {
			continue
		}
		did := op.Complete.Value.(transaction.Txn)
		for i, s := range did.Steps {
			if s.F == transaction.Read && rapid.IntRange(0, 3).Draw(t, "spoil") == 0 {
				did.Steps[i].Found = rapid.SampledFrom(found[s.Key]).Draw(t, "found")
			}
		}
	}
}

// The verdicts are held against the search through all orders: for lists they are the
// same, for registers invalid is always right, and valid nearly always.
func TestVerdictsAgreeWithASearchThroughAllOrders(t *testing.T) {
	for _, data := range kinds {
		for _, realTime := range []bool{true, false} {
			wrong, missed := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				ops := simulate(t, data, bounds{processes: 3, moves: 22, keys: 2, steps: 3})
				spoil(t, ops)
				cfg := strict(data)
				cfg.RealTime = realTime
				got := anomaly.Check(ops, cfg)
				want := explained(ops, realTime)
				if !want {
					wrong++
				}
				if got.Verdict == checker.Valid && !want {
					missed++
				}
				if (got.Verdict == checker.Invalid && want) || (data == transaction.Lists && got.Verdict == checker.Valid && !want) {
					t.Fatalf("%s, but explained %t: %s\n%s", got.Verdict, want, strings.Join(got.Reasons, "\n"), show(ops))
				}
			})
			t.Logf("%s, real time %t: %d histories were wrong, %d of them went unnoticed", data, realTime, wrong, missed)
			if wrong == 0 || missed*4 > wrong {
				t.Errorf("%s, real time %t: of %d wrong histories %d went unnoticed", data, realTime, wrong, missed)
			}
		}
	}
}
