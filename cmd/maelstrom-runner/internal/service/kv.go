package service

import (
	"encoding/json"
	"maps"
	"math/rand/v2"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
)

// change is what a request does to its key. The zero change does nothing.
type change struct {
	set   bool
	value string
}

// evaluate is the one definition of read, write and cas: what a request answers,
// given the current value of its key, and what it changes. The three stores differ
// only in which state they evaluate against.
func evaluate(req Request, current string, exists bool) (Reply, change) {
	missing := failure(message.KeyDoesNotExist, "key does not exist")
	switch req.Type {
	case "read":
		if !exists {
			return missing, change{}
		}
		return Reply{"type": "read_ok", "value": json.RawMessage(current)}, change{}
	case "write":
		return Reply{"type": "write_ok"}, change{true, req.Value}
	case "cas":
		switch {
		case !exists && req.CreateIfNotExists, exists && current == req.From:
			return Reply{"type": "cas_ok"}, change{true, req.To}
		case !exists:
			return missing, change{}
		}
		return failure(message.PreconditionFailed, "current value "+current+" is not "+req.From), change{}
	}
	return failure(message.NotSupported, "a key-value service answers read, write and cas, not "+req.Type), change{}
}

// linearizable is lin-kv: one copy, one request at a time.
type linearizable struct{ values map[string]string }

func newLinearizable() *linearizable {
	return &linearizable{values: make(map[string]string)}
}

func (s *linearizable) Handle(_ string, req Request) Reply {
	current, exists := s.values[req.Key]
	reply, c := evaluate(req, current, exists)
	if c.set {
		s.values[req.Key] = c.value
	}
	return reply
}

// pastStates is how many states of seq-kv a reader may be sent back to.
const pastStates = 32

// sequential is seq-kv. States are never changed once they are in the list, so a
// write copies the map: the price of letting any of the last states be read.
type sequential struct {
	rng    *rand.Rand
	states []map[string]string // the newest last, at most pastStates
	newest int                 // index of the newest state since the start
	seen   map[string]int      // the newest index each client has observed
}

func newSequential(rng *rand.Rand) *sequential {
	return &sequential{rng: rng, states: []map[string]string{{}}, seen: make(map[string]int)}
}

func (s *sequential) Handle(src string, req Request) Reply {
	oldest := s.newest - len(s.states) + 1
	from := max(s.seen[src], oldest)
	at := from + s.rng.IntN(s.newest-from+1)
	reply, c := s.evaluateAt(at, req)
	if !c.set {
		s.seen[src] = at
		return reply
	}
	// A change made in the past could contradict what came after: take the newest.
	reply, c = s.evaluateAt(s.newest, req)
	if c.set {
		state := maps.Clone(s.states[len(s.states)-1])
		state[req.Key] = c.value
		s.states = append(s.states, state)
		s.newest++
		if len(s.states) > pastStates {
			s.states = s.states[1:]
		}
	}
	s.seen[src] = s.newest
	return reply
}

// evaluateAt evaluates against a past state. A write of the value that is there
// changes nothing, and so may stay in the past.
func (s *sequential) evaluateAt(index int, req Request) (Reply, change) {
	state := s.states[len(s.states)-1-(s.newest-index)]
	current, exists := state[req.Key]
	reply, c := evaluate(req, current, exists)
	if exists && c.set && c.value == current {
		c = change{}
	}
	return reply, c
}

// lwwReplicas is how many replicas lww-kv consists of.
const lwwReplicas = 2

type stamped struct {
	at    int64
	value string
}

type lwwReplica struct {
	clock  int64
	values map[string]stamped
}

// lastWriteWins is lww-kv.
type lastWriteWins struct {
	rng      *rand.Rand
	replicas [lwwReplicas]lwwReplica
}

func newLastWriteWins(rng *rand.Rand) *lastWriteWins {
	s := &lastWriteWins{rng: rng}
	for i := range s.replicas {
		s.replicas[i].values = make(map[string]stamped)
	}
	return s
}

func (s *lastWriteWins) Handle(_ string, req Request) Reply {
	s.gossip(s.rng.IntN(lwwReplicas), s.rng.IntN(lwwReplicas))
	req.CreateIfNotExists = false // lww-kv does not know it
	r := &s.replicas[s.rng.IntN(lwwReplicas)]
	current, exists := r.values[req.Key]
	reply, c := evaluate(req, current.value, exists)
	if c.set {
		r.values[req.Key] = stamped{r.clock, c.value}
		r.clock++
	}
	return reply
}

func (s *lastWriteWins) gossip(from, to int) {
	src, dst := &s.replicas[from], &s.replicas[to]
	dst.clock = max(dst.clock, src.clock)
	for key, theirs := range src.values {
		if ours, exists := dst.values[key]; !exists || theirs.at >= ours.at {
			dst.values[key] = theirs
		}
	}
}
