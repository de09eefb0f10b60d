package explore

import (
	"slices"

	"github.com/ostraka-db/ostraka/replication"
)

// expandReply delivers a message to a coordinator.
func (x *Explorer) expandReply(w *world, m uint32, out emit) {
	msg := x.messages.things[m]
	run := func(next *world, a action) {
		x.run(next, a, uint32(msg.coordinator), m, func(e *errand) {
			e.step(replication.Receive{Envelope: msg.envelope})
		}, out)
	}
	next := x.copy(w)
	i, _ := slices.BinarySearch(next.net, m)
	next.net = slices.Delete(next.net, i, i+1)
	run(next, action{deliver, m})
	if next, ok := x.spend(w, duplicates); ok {
		run(next, action{deliverCopy, m})
	}
}

// expandCoordinator finds what may happen at one coordinator beside the arrival
// of a message.
func (x *Explorer) expandCoordinator(w *world, i uint32, out emit) {
	c := x.coordinators.things[w.coordinators[i]]
	if c.call != nil {
		x.expandStore(w, i, c, out)
	} else if c.inGrace(&x.options) {
		x.run(x.copy(w), action{grace, i}, i, 0, func(e *errand) { e.tick() }, out)
	} else {
		if int(x.documents.things[w.doc].Term.Term) < x.config.Terms {
			x.run(x.copy(w), action{elect, i}, i, 0, (*errand).elect, out)
		}
		x.expandChange(w, i, c, out)
	}
	if next, ok := x.spend(w, coordinatorCrashes); ok {
		x.run(next, action{crashCoordinator, i}, i, 0, func(e *errand) {
			e.coordinator = x.newCoordinator(c.id, c.run+1)
			e.steps = x.noteRun(e.steps, c.id, c.run+1, replication.Recovered{})
		}, out)
	}
}

// expandStore: a compare-and-set is answered, or its answer is lost, and with it
// perhaps the call, which may take effect later.
func (x *Explorer) expandStore(w *world, i uint32, c *coordinator, out emit) {
	doc := x.internDocument(*c.call)
	outcome := replication.StoreConflict
	next := x.copy(w)
	if c.call.Version == x.documents.things[w.doc].Version+1 {
		outcome, next.doc = replication.StoreDone, doc
		if broken := x.checkDocument(w.doc, next); broken != "" {
			out(action{store, i}, next, broken)
			return
		}
	}
	x.run(next, action{store, i}, i, uint32(outcome), func(e *errand) { e.answer(outcome) }, out)
	unknown := func(e *errand) { e.answer(replication.StoreUnknown) }
	if outcome == replication.StoreDone {
		if next, ok := x.spend(w, unknowns); ok {
			next.doc = doc
			x.run(next, action{storeUnknown, i}, i, uint32(replication.StoreUnknown), unknown, out)
		}
		if next, ok := x.spend(w, unknowns); ok {
			next.late = doc
			x.run(next, action{storeLost, i}, i, uint32(replication.StoreUnknown), unknown, out)
		}
	}
}

// coordinatorStep is the memo key of a coordinator's step, which may load the
// document.
type coordinatorStep struct {
	kind            actionKind
	local, arg, doc uint32
}

// run takes a coordinator's step in a world that is already changed otherwise.
func (x *Explorer) run(next *world, a action, i, arg uint32, step func(*errand), out emit) {
	local := next.coordinators[i]
	kind := a.kind
	if kind == deliverCopy {
		kind = deliver
	}
	key := coordinatorStep{kind, local, arg, next.doc}
	r := x.errands[key]
	if r == nil {
		r = x.takeErrand(local, next.doc, step)
		x.errands[key] = r
	}
	x.landed = r
	if r.broken != "" {
		out(a, next, r.broken)
		return
	}
	after := x.coordinators.things[r.next]
	if r.idle || after.call != nil && int(after.call.Term.Term) > x.config.Terms {
		return
	}
	next.coordinators[i] = r.next
	next.net = with(next.net, r.sent)
	x.bury(next)
	out(a, next, "")
}

func (x *Explorer) takeErrand(local, doc uint32, step func(*errand)) *result {
	e := x.errand(x.coordinators.things[local], doc)
	t := &transition{x: x}
	broken := t.guarded(func() { step(e) })
	if broken == "" {
		broken = e.broken
	}
	r := &result{broken: broken, steps: e.steps}
	if broken != "" {
		return r
	}
	r.next = x.internCoordinator(&e.coordinator)
	for _, m := range e.sent {
		if n, sent := x.internMessage(m); sent {
			r.sent = append(r.sent, n)
		}
	}
	slices.Sort(r.sent)
	r.sent = slices.Compact(r.sent)
	r.idle = r.next == local && len(r.sent) == 0
	return r
}
