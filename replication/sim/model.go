package sim

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// Porcupine wants every operation to take effect at some time. For an unknown one
// that may be never. So each history is closed by a marker that follows everything
// known: after it unknown operations are always allowed, and change nothing. Before it
// an unknown operation is allowed only where it matters: it has to change the state,
// and the next operation has to see that. Where it does not, it may as well wait for
// the end with the same states for all others, so nothing is lost; and a search that
// would take minutes takes milliseconds.
const (
	afterAll = math.MaxInt64 - 2
	// callEnd is the marker.
	callEnd callKind = 0
)

// registerState is a register: its value, or zero for no record.
type registerState struct {
	value int
	// unseen says that an unknown operation made the value, and nobody has seen it.
	unseen bool
	over   bool
}

var registerModel = porcupine.Model{
	Init: func() any { return registerState{} },
	Step: func(s, in, _ any) (bool, any) {
		ok, next := s.(registerState).after(in.(call))
		return ok, next
	},
}

// after is the state after an operation, and whether it may have seen what it did.
func (s registerState) after(c call) (bool, registerState) {
	if s.over {
		return c.unknown, s
	}
	next := registerState{value: s.value}
	switch c.kind {
	case callEnd:
		next.over = true
		return !s.unseen, next
	case callRead:
		return s.value == c.a, next
	case callDiffers:
		return s.value != c.a, next
	case callRemove:
		next.value = 0
		return s.value != 0, next
	case callSwap:
		if s.value != c.a {
			return false, s
		}
	case callSet:
		if s.unseen {
			return false, s
		}
	}
	next.value, next.unseen = c.b, c.unknown
	return !c.unknown || next.value != s.value, next
}

// porcupineCalls is a history as Porcupine wants it.
func porcupineCalls(calls []call) []porcupine.Operation {
	all := make([]porcupine.Operation, 0, len(calls)+1)
	for _, c := range calls {
		ends := c.ended
		if c.unknown {
			ends = math.MaxInt64
		}
		all = append(all, porcupine.Operation{ClientId: c.client, Input: c, Call: c.called, Return: ends})
	}
	return append(all, porcupine.Operation{Input: call{kind: callEnd}, Call: afterAll, Return: afterAll + 1})
}
