package explore

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// coordinator is one local state of a coordinator: its election, and its call
// of the metadata store that has no answer. It is never changed.
type coordinator struct {
	id       replication.ServerID
	election *replication.Election
	run      replication.RunID
	now      replication.Instant
	// claims counts the terms that this run tried to make.
	claims uint64
	call   *replication.Document
	// nonce is that of the last questions asked.
	nonce uint64
	// owned are the terms that the store said are this run's.
	owned []replication.TermID

	// What follows is derived when the state is interned.
	state replication.ElectionState
}

func (x *Explorer) newCoordinator(id replication.ServerID, run replication.RunID) coordinator {
	c := coordinator{id: id, run: run, now: replication.Instant(time.Second)}
	self := replication.Server{ID: id, Run: run, Incarnation: 1}
	c.election = replication.NewElection(shard, self, &x.options, x.names, c.seed())
	return c
}

// seed follows from who draws and what was drawn before, so that the same
// choices always draw the same election ids.
func (c *coordinator) seed() uint64 {
	return uint64(c.id[1])<<32 | uint64(c.run)<<16 | c.claims + 1
}

// errand is a coordinator's step in the making.
type errand struct {
	x           *Explorer
	coordinator coordinator
	doc         uint32
	sent        []replication.Envelope
	broken      string
	steps       []recorded
}

func (x *Explorer) errand(from *coordinator, doc uint32) *errand {
	e := &errand{x: x, coordinator: *from, doc: doc}
	e.coordinator.election = from.election.Clone()
	e.coordinator.owned = slices.Clone(from.owned)
	return e
}

// step gives the election one event and carries out its effects. What is
// loaded is answered at once.
func (e *errand) step(event replication.Event) {
	c := &e.coordinator
	var out replication.Effects
	now := replication.Time{Mono: c.now, Wall: 1}
	c.election.Step(now, event, &out)
	state := c.election.State()
	e.steps = e.x.note(e.steps, c.run, replication.TraceStep{
		Server: c.id, Shard: shard, Now: now, Event: event, Effects: &out, Election: &state,
	})
	for _, m := range out.Messages {
		switch message := m.Message.(type) {
		case replication.Probe:
			c.nonce = message.Nonce
			continue
		case replication.NewTerm:
			if !slices.Contains(c.owned, message.Term) {
				e.broken = "one owner of a term: " + string(c.id) + " sends " + replication.Render(message) +
					", which the store did not say is its own"
			}
		}
		e.sent = append(e.sent, m)
	}
	if out.Store != nil {
		c.call = out.Store
		c.claims++
	}
	if out.Load {
		doc := e.x.documents.things[e.doc]
		e.step(replication.DocumentLoaded{Document: doc.Clone(), Found: true})
	}
}

// elect drives the election to the claim of a term, whatever reason it may have:
// what the coordinator hears from replicas about their leader is made up, for
// rule 0 is about when to elect, and no safety may rest on it. A message to a
// replica that it sends on its way counts.
func (e *errand) elect() {
	c := &e.coordinator
	// These questions must not have the nonce of those to learners, which were drawn
	// from the same seed if nothing was claimed since.
	c.election.Reseed(c.seed() | 1<<48)
	asked := false
	for range 16 {
		state := c.election.State()
		switch {
		case c.call != nil:
			return
		case state.Phase == "watching" && state.Document.Status == replication.StatusSteady && !asked:
			asked = true
			e.step(e.from(state.Document.Leader, replication.AskElection{Term: state.Document.Term}))
		case state.Phase == "questioning":
			for _, m := range slices.Concat(state.Document.Ensemble, state.Document.Joining) {
				if c.election.State().Phase == "questioning" {
					e.step(e.from(m.Member, replication.ProbeReply{Nonce: c.nonce, Role: replication.RoleFenced, Heard: -1}))
				}
			}
		default:
			if e.tick() {
				return
			}
		}
	}
}

func (e *errand) from(m replication.Member, message replication.Message) replication.Receive {
	return replication.Receive{Envelope: replication.Envelope{
		From: m.Server, FromRun: 1, FromReplica: m.Replica, To: e.coordinator.id, Shard: shard, Message: message,
	}}
}

// tick lets the election's next timer go off; it reports that there is none.
func (e *errand) tick() bool {
	c := &e.coordinator
	deadline := c.election.Deadline()
	if deadline == replication.Never {
		return true
	}
	c.now = max(c.now, deadline)
	e.step(replication.Tick{})
	return false
}

// answer tells the election what became of its call. The document that the
// store then holds is the caller's business.
func (e *errand) answer(outcome replication.StoreOutcome) {
	c := &e.coordinator
	call := c.call
	c.call = nil
	if outcome == replication.StoreDone && call.Status == replication.StatusElecting {
		c.owned = append(c.owned, call.Term)
	}
	e.step(replication.DocumentStored{Version: call.Version, Term: call.Term, Outcome: outcome})
}

// inGrace reports whether a quorum has answered the fence, and the rest is only
// waited for.
func (c *coordinator) inGrace(options *replication.Options) bool {
	return c.state.Phase == "fencing" && c.election.Deadline().Sub(c.now) <= options.GraceFor
}

func (c *coordinator) encode(buf []byte) []byte {
	buf = append(buf, c.id...)
	buf = c.election.AppendFingerprint(buf)
	buf = binary.AppendUvarint(buf, c.claims)
	for _, t := range c.owned {
		buf = binary.AppendUvarint(buf, uint64(t.Election))
	}
	called := uint64(0)
	if c.call != nil {
		called = 1
	}
	return binary.AppendUvarint(buf, called)
}
