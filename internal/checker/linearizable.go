package checker

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ostraka-db/ostraka/internal/history"
)

// drawingTimeout bounds the second search that a drawing needs.
const drawingTimeout = 10 * time.Second

// Linearizable checks operations whose values are Registers.
func Linearizable(ops []history.Operation, cfg Config) Result {
	perKey, keys := byKey(ops)
	deadline := time.Now().Add(cfg.Timeout)
	result := Result{Verdict: Valid, Details: map[string]any{"keys": len(keys)}}
	for _, key := range keys {
		left := time.Duration(0) // Porcupine's word for no limit
		if cfg.Timeout > 0 {
			if left = time.Until(deadline); left <= 0 {
				result.add(Unknown, fmt.Sprintf("key %d was not checked: the time limit of %v is over", key, cfg.Timeout))
				continue
			}
		}
		switch porcupine.CheckOperationsTimeout(model, perKey[key], left) {
		case porcupine.Ok:
		case porcupine.Unknown:
			result.add(Unknown, fmt.Sprintf("key %d: the search did not end within the time limit of %v", key, cfg.Timeout))
		case porcupine.Illegal:
			result.add(Invalid, fmt.Sprintf("key %d is not linearizable%s", key, draw(key, perKey[key], cfg.Dir)))
		}
	}
	return result
}

// byKey turns operations into Porcupine's form, one history per key, each closed by
// an end marker.
func byKey(ops []history.Operation) (perKey map[int][]porcupine.Operation, keys []int) {
	perKey = make(map[int][]porcupine.Operation)
	for _, op := range ops {
		outcome := op.Outcome()
		if outcome == history.Fail {
			continue
		}
		asked := op.Invoke.Value.(Register)
		unknown := outcome == history.Info
		if unknown && op.Invoke.F == Read {
			continue // says nothing and changes nothing
		}
		in := call{f: op.Invoke.F, value: asked.Value, from: asked.From, to: asked.To, unknown: unknown}
		ends := int64(afterEnd)
		if !unknown {
			ends = int64(op.Complete.Index)
			in.value = op.Complete.Value.(Register).Value
		}
		if perKey[asked.Key] == nil {
			keys = append(keys, asked.Key)
		}
		perKey[asked.Key] = append(perKey[asked.Key], porcupine.Operation{
			ClientId: int(op.Invoke.Process), Input: in, Call: int64(op.Invoke.Index), Return: ends,
		})
	}
	for key, calls := range perKey {
		perKey[key] = append(calls, porcupine.Operation{
			ClientId: endMarker, Input: call{f: end}, Call: atEnd, Return: atEnd + 1,
		})
	}
	slices.Sort(keys)
	return perKey, keys
}

// Porcupine wants every operation to take effect at some time. For an unknown one
// that may be never. So each history is closed by a marker that follows everything
// known: after it, unknown operations change nothing and are always allowed. Before
// it, an unknown operation is allowed only where it matters: it has to change the
// state, and the next operation has to see that it did (state.unseen). Where it does
// not matter it may as well wait for the end, with the same states for all others, so
// nothing is lost; and a search that would take minutes takes milliseconds.
const (
	end       = "end"
	endMarker = 0
	atEnd     = math.MaxInt32
	afterEnd  = math.MaxInt32 + 2
)

type call struct {
	f        string
	value    string // written, or read
	from, to string
	unknown  bool
}

type state struct {
	value  string
	unseen bool // the value is an unknown operation's, and nobody has seen it yet
	over   bool
}

var model = porcupine.Model{
	Init: func() any { return state{value: Absent} },
	Step: func(s, in, _ any) (bool, any) { return step(s.(state), in.(call)) },
	DescribeOperation: func(in, _ any) string {
		return describe(in.(call))
	},
	DescribeState: func(s any) string { return orNull(s.(state).value) },
}

func step(s state, c call) (bool, any) {
	if s.over {
		return c.unknown, s
	}
	next := state{value: s.value}
	switch c.f {
	case Read:
		return s.value == c.value, next
	case Write:
		if s.unseen {
			return false, s
		}
		next.value = c.value
	case CAS:
		if s.value != c.from {
			return false, s
		}
		next.value = c.to
	case end:
		next.over = true
		return !s.unseen, next
	default:
		panic(fmt.Sprintf("checker: a register has no function %q", c.f))
	}
	next.unseen = c.unknown
	return !c.unknown || next.value != s.value, next
}

func describe(c call) string {
	suffix := ""
	if c.unknown {
		suffix = " (unknown)"
	}
	switch c.f {
	case Read:
		return "read " + orNull(c.value)
	case Write:
		return "write " + c.value + suffix
	case CAS:
		return "cas " + c.from + " to " + c.to + suffix
	}
	return "end of the history"
}

func draw(key int, calls []porcupine.Operation, dir string) string {
	if dir == "" {
		return ""
	}
	_, info := porcupine.CheckOperationsVerbose(model, calls, drawingTimeout)
	path := filepath.Join(dir, fmt.Sprintf("linearizability-key-%d.html", key))
	if err := porcupine.VisualizePath(model, info, path); err != nil {
		return fmt.Sprintf(" (and cannot be drawn: %v)", err)
	}
	return ", drawn in " + path
}
