package explore

import (
	"fmt"
	"slices"
)

// action is one thing that may happen next: its kind, and whom or what it
// concerns, a server, a coordinator or a message.
type action struct {
	kind    actionKind
	subject uint32
}

type actionKind uint8

const (
	deliver actionKind = iota
	deliverCopy
	sync
	apply
	readLog
	install
	trim
	crash
	tick
	silence
	hear
	write
	read
	elect
	store
	storeLost
	storeUnknown
	storeLate
	grace
	crashCoordinator
	changeEnsemble
	withdraw
	rollBack
)

// text is an action as scripts show it.
func (x *Explorer) text(a action) string {
	n := int(a.subject)
	switch a.kind {
	case deliver:
		return "deliver " + x.messages.things[n].text
	case deliverCopy:
		return "deliver a copy of " + x.messages.things[n].text
	case silence, hear:
		verb := map[actionKind]string{silence: "does not hear", hear: "hears"}[a.kind]
		return fmt.Sprintf("%s %s %s", serverName(n/servers), verb, serverName(n%servers))
	case elect, store, storeLost, storeUnknown, grace, changeEnsemble, withdraw, crashCoordinator:
		return fmt.Sprintf("%s %s", x.coordinatorNames[n], map[actionKind]string{
			elect: "elects", store: "stores", storeLost: "stores in vain, unknown to it", storeUnknown: "stores, unknown to it",
			grace: "waits no longer", changeEnsemble: "goes on with the change", withdraw: "is not to change anything",
			crashCoordinator: "crashes",
		}[a.kind])
	case storeLate:
		return "the lost call takes effect"
	case rollBack:
		return "the metadata store is restored as it was"
	default:
		return fmt.Sprintf("%s %s", serverName(n), map[actionKind]string{
			sync: "syncs", apply: "applies", readLog: "reads its log", install: "installs", trim: "trims", crash: "crashes", tick: "ticks",
			write: "is asked to write", read: "is asked to read",
		}[a.kind])
	}
}

// emit takes a state that an action leads to. Broken is the law that it breaks.
type emit func(a action, to *world, broken string)

// expand finds every action of a world.
func (x *Explorer) expand(w *world, out emit) {
	for _, m := range w.net {
		if x.messages.things[m].server >= 0 {
			x.expandDelivery(w, m, out)
		} else {
			x.expandReply(w, m, out)
		}
	}
	for i := range w.servers {
		x.expandServer(w, uint32(i), out)
	}
	for i := range x.config.Coordinators {
		x.expandCoordinator(w, uint32(i), out)
	}
	x.expandDocument(w, out)
}

// expandDocument: the metadata store carries out a call that was given up, or is
// restored from a copy that was made at the start.
func (x *Explorer) expandDocument(w *world, out emit) {
	x.landed = nil
	if w.doc != x.start.doc {
		if next, ok := x.spend(w, rollbacks); ok {
			next.doc = x.start.doc
			out(action{kind: rollBack}, next, "")
		}
	}
	if w.late != 0 {
		next := x.copy(w)
		next.late = 0
		if x.documents.things[w.late].Version == x.documents.things[w.doc].Version+1 {
			next.doc = w.late
		}
		out(action{kind: storeLate}, next, x.checkDocument(w.doc, next))
	}
}

func (x *Explorer) expandDelivery(w *world, m uint32, out emit) {
	msg := x.messages.things[m]
	r := x.serverResult(deliver, w.servers[msg.server], m, func(t *transition) {
		t.receive(msg.envelope)
	})
	if r.idle {
		return // as if it were lost, which needs no step of its own
	}
	next := x.copy(w)
	i, _ := slices.BinarySearch(next.net, m)
	next.net = slices.Delete(next.net, i, i+1)
	x.land(action{deliver, m}, next, msg.server, r, out)
	if next, ok := x.spend(w, duplicates); ok {
		x.land(action{deliverCopy, m}, next, msg.server, r, out)
	}
}

// land puts a server's result into a world, and checks it.
func (x *Explorer) land(a action, next *world, server int, r *result, out emit) {
	x.landed = r
	if r.broken != "" {
		out(a, next, r.broken)
		return
	}
	before := x.servers.things[next.servers[server]]
	next.servers[server] = r.next
	after := x.servers.things[r.next]
	next.net = with(next.net, r.sent)
	x.bury(next)
	var broken string
	if !r.news.none() || before.shape != after.shape || a.kind == crash {
		broken = x.record(a, next, server, r)
	}
	out(a, next, broken)
}

// record tells the history a step's news, and checks the laws that hold between
// servers.
func (x *Explorer) record(a action, next *world, changed int, r *result) string {
	h := x.histories.things[next.history].clone()
	all := x.serversOf(next)
	if a.kind == crash {
		h.forget(changed)
	}
	if broken := h.tell(&r.news, changed, all[changed]); broken != "" {
		return broken
	}
	if broken := x.checkDeleted(next, &r.news, changed); broken != "" {
		return broken
	}
	if broken := h.check(&all, changed, &x.electorates[next.doc]); broken != "" {
		return broken
	}
	next.history = x.internHistory(&h)
	return ""
}

// serversOf are the states of the servers of a world.
func (x *Explorer) serversOf(w *world) (all [servers]*server) {
	for i, n := range w.servers {
		all[i] = x.servers.things[n]
	}
	return all
}

// bury takes messages out of the network that no receiver will ever react to:
// they are of a term below the one that their receiver has on its disk.
func (x *Explorer) bury(w *world) {
	if x.config.KeepStale {
		return
	}
	w.net = slices.DeleteFunc(w.net, func(m uint32) bool {
		msg := x.messages.things[m]
		if msg.server < 0 {
			c := x.coordinators.things[w.coordinators[msg.coordinator]]
			return msg.term != 0 && msg.term < c.state.Mine.Term
		}
		s := x.servers.things[w.servers[msg.server]]
		return s.record.Term.Term > msg.term && x.serverResult(deliver, w.servers[msg.server], m, func(t *transition) {
			t.receive(msg.envelope)
		}).idle
	})
}

func (x *Explorer) copy(w *world) *world {
	x.next = *w
	x.next.net = append(x.net[:0], w.net...)
	x.net = x.next.net[:0]
	return &x.next
}

// spend returns a copy in which one more of a kind was spent, if there is any
// left.
func (x *Explorer) spend(w *world, kind spending) (*world, bool) {
	if w.spent[kind] >= x.limit[kind] {
		return nil, false
	}
	next := x.copy(w)
	next.spent[kind]++
	return next, true
}

// memo key of a local step.
type localStep struct {
	kind       actionKind
	local, arg uint32
}

// serverResult is what an event does to a server, from memory if it was tried
// before.
func (x *Explorer) serverResult(kind actionKind, local, arg uint32, run func(*transition)) *result {
	key := localStep{kind, local, arg}
	if r := x.results[key]; r != nil {
		return r
	}
	t := x.begin(x.servers.things[local])
	broken := t.guarded(func() { run(t) })
	r := t.finish(local, broken)
	x.results[key] = r
	return r
}
